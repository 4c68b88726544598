"""The by-key of an aggregate plan: the values of the fields that it groups by.

A *monotone* plan (see `monotone`) that groups looks at each by-key by itself, so that a state keeps what it wants by
by-key, as a hash. For a by-field whose value is a secret this is the hash of the masked value, because a state keeps
only that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from podhawk.commands.declare import Stage
from podhawk.commands.properties import Effect
from podhawk.commands.shared.groups import keys_of
from podhawk.detect.evaluate.evaluation import Evaluation
from podhawk.detect.evaluate.monotone import is_monotone
from podhawk.detect.increment.kept import series_key
from podhawk.engine.plan.lineage import called, kept
from podhawk.engine.plan.planner import Plan, grouped_by
from podhawk.events.event import AuditEvent
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


def looks_apart(evaluation: Evaluation, by: ByKey) -> bool:
    """Whether a plan looks at each by-key by itself."""
    return bool(by.kept) and is_monotone(evaluation.plan)


def rows_before_grouping(evaluation: Evaluation, event: AuditEvent) -> list[Row]:
    """The rows of an event as they reach the grouping."""
    evaluation.context.env.now = event.stage_time or event.time or 0.0
    return list(evaluation.search.stream([evaluation.row(event, alone=True)]))


def by_hash(key: Key) -> str:
    """What a state knows a by-key by."""
    return series_key(["by", *key])


def stored_by(evaluation: Evaluation, by: ByKey, key: Key, event: AuditEvent) -> str:
    """What a state knows the by-key of an event by, which may hold a secret of the event."""
    if event.unmasked is None:
        return by_hash(key)
    masked = by.of_event_rows(rows_before_grouping(evaluation, replace(event, unmasked=None)))
    return by_hash(key if key in masked else min(masked, default=key))
