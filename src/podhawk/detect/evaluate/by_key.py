"""The by-key of an aggregate plan: the values of the fields that it groups by.

Most plans that group look at some events by themselves, so that a state keeps what they want by the key of these, as a
hash. A *monotone* plan (see `monotone`) does so at the events of each by-key. A plan of which each grouping goes by
some fields does so at those of each combination of values of these, if it is known what must be there for a row (see
`preconditions`). For a field whose value is a secret this is the hash of the masked value, because a state keeps only
that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from podhawk.commands.declare import Kind, Stage
from podhawk.commands.properties import Effect
from podhawk.commands.shared.groups import keys_of
from podhawk.detect.evaluate.evaluation import Evaluation
from podhawk.detect.evaluate.monotone import is_monotone
from podhawk.detect.evaluate.preconditions import Preconditions, copied_from, preconditions
from podhawk.detect.evaluate.windows import Schedule
from podhawk.detect.increment.kept import series_key
from podhawk.engine.plan.lineage import called, kept, volatility
from podhawk.engine.plan.planner import Plan, grouped_by
from podhawk.events.event import AuditEvent
from podhawk.events.schema import ANNOTATIONS, AUDIT
from podhawk.functions.declare import Volatility
from podhawk.rows import Row, texts

Key = tuple[str, ...]


class ByKey:
    """The fields that a plan groups by, as they are called where it groups and in its last rows."""

    def __init__(self, plan: Plan) -> None:
        stages = plan.pipeline.stages
        grouping = _groupings(stages)
        self.first = grouped_by(stages[grouping[0]]) if grouping else ()
        # A later grouping may keep only some of the fields, possibly under another name.
        within = {name: name for name in self.first}
        if len(grouping) > 1:
            first, last = grouping[0], grouping[-1]
            later = grouped_by(stages[last])
            within = {name: called(name, stages[first + 1 : last]) for name in self.first}
            within = {name: now for name, now in within.items() if now in later}
        after = stages[grouping[-1] + 1 :] if grouping else ()
        self.kept = tuple(within)
        self.last = tuple(called(now, after) for now in within.values())

    def of_row(self, row: Row) -> Key:
        """The by-key of a row of the result."""
        return tuple("\n".join(texts(row[name])) if name in row else "" for name in self.last)

    def of_event_rows(self, rows: Iterable[Row]) -> frozenset[Key]:
        """The by-keys that an event counts for, from its rows as they reach the grouping."""
        return frozenset(key for row in rows for key in keys_of(row, self.kept))


class Apart:
    """What a plan looks at by itself: the events that share the values of some fields (`of`), or, without any, all.

    A row with several values of such a field is in several parts, each of which has all rows of its value.
    """

    def __init__(self, plan: Plan, schedule: Schedule, by: ByKey) -> None:
        self.monotone = is_monotone(plan)
        self.of: tuple[str, ...] = by.kept if self.monotone else ()
        self.needs = Preconditions()
        """What must be there for any row, if the plan is not monotone."""
        stages = plan.pipeline.stages
        grouping = [number for number, stage in enumerate(stages) if stage.groups is not None]
        timeless = volatility(plan.mapped) is Volatility.IMMUTABLE  # else parts are others in each window
        if not self.monotone and grouping and schedule.is_even and len(plan.mapped) == grouping[0] and timeless:
            shared = _shared(stages, grouping, by)
            self.needs = preconditions(stages, grouping[0], frozenset(shared))
            self.of = shared if self.needs else ()
        self._places = [by.kept.index(name) for name in self.of]

    def of_rows(self, rows: Iterable[Row]) -> frozenset[Key]:
        """The parts that an event is in, from its rows as they reach the grouping."""
        return frozenset(key for row in rows for key in keys_of(row, self.of))

    def of_key(self, key: Key) -> Key:
        """The part that a by-key is in."""
        return tuple(key[place] for place in self._places)


def _shared(stages: Sequence[Stage], grouping: Sequence[int], by: ByKey) -> tuple[str, ...]:
    """The fields that each grouping goes by, if every stage looks at the rows of each group, or at each row, by itself,
    and the last rows have these fields."""
    first = grouping[0]
    for stage in stages[first:]:
        of_groups = bool(stage.command.aggregations(stage.node)) and stage.effect in (Effect.KEEPS, Effect.GROUPS)
        if not of_groups and stage.kind is not Kind.PER_EVENT:
            return ()
        if stage.command.resources(stage.node).written:
            return ()
    if all(stages[number].effect is Effect.KEEPS for number in grouping):
        return ()  # a row that lacks such a field stays
    found = []
    for name in grouped_by(stages[first]):
        if stages[first].effect is Effect.KEEPS and not _has_one_value(name, stages[:first]):
            continue  # a row of several groups has the results of only one, of which this part lacks rows
        if name not in by.kept or kept(name, stages[first:]) is None:
            continue
        if all(_goes_by(name, stages[first:number], grouped_by(stages[number])) for number in grouping):
            found.append(name)
    return tuple(found)


def _has_one_value(name: str, stages: Sequence[Stage]) -> bool:
    """Whether a column cannot be multivalue after these stages of events."""
    if not stages:
        return "{}" not in name and (name in AUDIT or name.startswith(ANNOTATIONS))
    stage = stages[-1]
    before = copied_from(stage, name)
    if before is not None:
        return _has_one_value(before, stages[:-1])
    return stage.command.one_value(stage.node, name, lambda field: _has_one_value(field, stages[:-1]))


def _goes_by(name: str, stages: Sequence[Stage], by: Sequence[str]) -> bool:
    """Whether, after these stages, one of some fields is the field that was called so before, where it was absent
    too."""
    now = kept(name, stages)
    if now not in by:
        return False
    for stage in reversed(stages):
        now = copied_from(stage, now) if now is not None else None
    return now == name


def _groupings(stages: Sequence[Stage]) -> list[int]:
    """The places of the stages that group rows. `eventstats` and `streamstats` keep each row: what they group by says
    nothing of the rows in the end, if a grouping goes by fields that the events have."""
    every = [number for number, stage in enumerate(stages) if stage.groups is not None]
    making = [number for number in every if stages[number].effect is not Effect.KEEPS]
    if not making:
        return every
    before = stages[every[0] : making[0]]
    of_events = all(kept(name, before) == name for name in grouped_by(stages[making[0]]))
    return making if of_events else every


def rows_before_grouping(evaluation: Evaluation, event: AuditEvent) -> list[Row]:
    """The rows of an event as they reach the grouping."""
    evaluation.context.env.now = event.stage_time or event.time or 0.0
    return list(evaluation.search.stream([evaluation.row(event, alone=True)]))


def by_hash(key: Key) -> str:
    """What a state knows a by-key by."""
    return series_key(["by", *key])


def stored_by(evaluation: Evaluation, apart: Apart, key: Key, event: AuditEvent) -> str:
    """What a state knows a part of an event by, which may hold a secret of the event."""
    if event.unmasked is None:
        return by_hash(key)
    masked = apart.of_rows(rows_before_grouping(evaluation, replace(event, unmasked=None)))
    return by_hash(key if key in masked else min(masked, default=key))


def layout_of(plan: Plan, schedule: Schedule) -> str:
    """How a state keeps what a plan wants, where an older podhawk may have kept it otherwise; "" where not."""
    apart = Apart(plan, schedule, ByKey(plan))
    return f"{apart.of} {sorted(apart.needs.present)} {sorted(apart.needs.differing)}" if apart.needs else ""
