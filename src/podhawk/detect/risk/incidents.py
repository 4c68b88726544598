"""Searches over the risk of users and systems, of the type Correlation: what makes incidents.

They are detections like others, only that they read the data model Risk in place of events. Each is looked at over its
own window, which slides over the minutes that brought risk: a minute whose events all score nothing moves no window. An
episode of its by-key (see `podhawk.detect.evaluate.episodes`) is a reason for an incident. A search sees one cluster at
a time, unless it names the field `cluster`.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar, cast, get_args

from msgspec.structs import replace

from podhawk.commands.shared.items import item_fields
from podhawk.commands.tstats import Tstats
from podhawk.content.model import Content, Detection, Severity
from podhawk.detect.evaluate.by_key import ByKey
from podhawk.detect.evaluate.entities import risk_objects
from podhawk.detect.evaluate.episodes import Episode, episodes_over
from podhawk.detect.evaluate.evaluation import shown
from podhawk.detect.evaluate.message_tokens import MessageFields, NamesBefore
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.evaluate.titles import title_of
from podhawk.detect.evaluate.windows import Window, schedule_of
from podhawk.detect.finding import ScoredEntity
from podhawk.detect.increment.fold import folded
from podhawk.detect.match import Match
from podhawk.detect.risk.dataset import RiskDataset, row_of
from podhawk.detect.risk.incident import Reason, events_of, incident_of, joined
from podhawk.detect.risk_event import RiskEvent
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.plan.stages import compile_stages, run_stages
from podhawk.functions.aggregations import find
from podhawk.rows import Row, Table, texts
from podhawk.rows.values import as_number
from podhawk.spl.clause import Compare, In, fields, walk

OWN: Final = frozenset(
    {"_time", "finding_id", "risk_message", "capped_risk_score", "risk_notes", "src", "threat_object",
     "threat_object_type"}
)  # fmt: skip
"""Members of the data model, but for the points, in which the risk events of one kind differ."""
POINTS: Final = "calculated_risk_score"
_POINTS: Final = (POINTS, f"All_Risk.{POINTS}")
_OBJECT: Final = ("risk_object", "normalized_risk_object")
Item = TypeVar("Item")
_CLUSTER: Final = re.compile(r"\bcluster\b")


def _of_sets(function: str) -> bool:
    """Whether an aggregation does not count how often a value occurs."""
    found = find(function)
    return found is not None and found[0].once and not found[0].ordered


def incident_matches(
    prepared: Iterable[Prepared],
    content: Content,
    events: Sequence[RiskEvent],
    findings: Callable[[Collection[str]], Mapping[str, Match]],
) -> list[Match]:
    """The incidents that searches over risk find in the risk events; `findings` gives by their ids what these come
    from."""
    reasons = [reason for one in prepared if events for reason in RiskSearch(one, content).reasons(events)]
    behind = findings({event.finding_id for one in reasons for event in one.events})
    return [incident_over(some, events_of(some), behind) for some in joined(reasons)]


def incident_over(reasons: Sequence[Reason], events: Sequence[RiskEvent], behind: Mapping[str, Match]) -> Match:
    """The incident that reasons make of risk events, in order of time, and their findings by id."""
    fold = folded(events, lambda id_: behind[id_].finding if id_ in behind else None)
    matches = (behind[id_] for id_ in fold.ids if id_ in behind)
    requests = {request.key: request for match in matches for request in match.requests}
    return incident_of(reasons, fold, list(requests.values()))


class RiskSearch:
    """A search over risk, ready to look at windows."""

    def __init__(self, one: Prepared, content: Content) -> None:
        assert one.request is not None
        self.detection = one.detection
        self.context = replace(one.request.context, env=replace(one.request.context.env))
        self.context.run_stages = lambda stages, table: run_stages(stages, table, self.context)
        self.stages = make_plan(one.request.pipeline, self.context).pipeline.stages
        self.by = ByKey(make_plan(one.request.pipeline, self.context))
        self.schedule = schedule_of(content.deployment_for(self.detection), self.context.env.zone)
        self._names = NamesBefore(self.stages)
        self._search = compile_stages(self.stages, self.context)
        self.single = any(_plain(name) in _OBJECT for name in self.by.first)
        """Whether it groups by the risk object."""
        self.apart = not _across(self.detection)
        """Whether it sees one cluster at a time."""
        self.ignores_repeats = self._ignores_repeats()
        """Whether events that add no points tell it nothing more if there are several of a kind (see `OWN`)."""

        self.takes_sums = self.ignores_repeats and self._only_sums()
        """Whether the events of one kind that add points tell it no more than one of them with the sum of points."""

    @property
    def counts_all(self) -> bool:
        """Whether all risk events of a risk object count for each of its by-keys."""
        return self.single and self.apart and {_plain(name) for name in self.by.kept} <= {*_OBJECT, "risk_object_type"}

    def _ignores_repeats(self) -> bool:
        node = self.stages[0].node
        if not isinstance(node, Tstats) or node.namespace or node.span or not self.counts_all:
            return False
        read = item_fields(node.items)
        named = {_plain(name) for name in (*node.by, *(read or ()), *fields(node.where))}
        sums = [item for item in node.items if item.function == "sum"]
        return (
            read is not None
            and named.isdisjoint(OWN)
            and all(item in sums or _of_sets(item.function) for item in node.items)
            and all(item.argument in _POINTS for item in sums)
        )

    def _only_sums(self) -> bool:
        """Whether it reads points as sums, and otherwise asks only whether there are any."""
        node = self.stages[0].node
        assert isinstance(node, Tstats)
        others = [item.argument for item in node.items if item.function != "sum"]
        if any(name in _POINTS for name in (*node.by, *others)):
            return False
        asked = (part for part in walk(node.where) if isinstance(part, (Compare, In)) and part.name in _POINTS)
        return all(isinstance(part, Compare) and part.operator == ">" and part.value == "0" for part in asked)

    def table(self, rows: Sequence[Row], window: Window) -> Table:
        """What it gives for the rows of a window, which are in order of time."""
        self.context.env.now = window.at
        self.context.datasets = RiskDataset(rows[::-1])
        return self._search(Table())

    def reasons(self, events: Sequence[RiskEvent]) -> Iterator[Reason]:
        """The reasons for incidents that it finds in risk events."""
        for entity, part in self._parts(events):
            if not any(event.applied > 0 for event in part):
                continue  # nothing moves a window
            times = [event.time for event in part]
            rows = [row_of(event, -number) for number, event in enumerate(part)]

            def table(window: Window, times: Sequence[float] = times, rows: Sequence[Row] = rows) -> Table:
                return self.table(inside(rows, times, window.start, window.end), window)

            windows = self.schedule.sliding([event.time for event in part if event.applied > 0])
            for episode in episodes_over(windows, self.schedule.length, self.by, table):
                start, end = episode.first.start, episode.latest.end
                pairs = zip(inside(part, times, start, end), inside(rows, times, start, end), strict=True)
                behind = _behind(list(pairs), self.by, episode.key)
                yield self.reason(episode, behind, part[0].cluster, entity if self.apart else None)

    def reason(
        self, episode: Episode, events: Sequence[RiskEvent], cluster: str, entity: tuple[str, str] | None
    ) -> Reason:
        """An episode as a reason; `events` are those behind it. Without events it is about an entity."""
        latest = episode.tables[-1].rows[-1]
        named = MessageFields([latest], self._names, lambda name: ())
        detection = self.detection
        score = round(as_number(latest.get("risk_score")) or detection.risk_score)
        gained = {(event.object_type, event.object) for event in events}
        if entity is not None and not gained:
            gained = {entity}
        return Reason(
            detection=detection,
            key=episode.key,
            entity=entity,
            start=episode.first.end,
            end=episode.latest.end,
            length=self.schedule.length,
            cluster=events[0].cluster if events else cluster,
            span=(episode.first.start, episode.latest.end),
            events=tuple(events),
            title=title_of(detection, named),
            severity=_severity(detection.severity, latest),
            score=score,
            risk_objects=tuple(ScoredEntity("risk_object", *each, score) for each in gained)
            if len(gained) == 1
            else risk_objects(detection, named),
            rows=tuple(shown(row, table) for table in episode.tables for row in table.rows),
        )

    def _parts(self, events: Sequence[RiskEvent]) -> Iterator[tuple[tuple[str, str] | None, Sequence[RiskEvent]]]:
        """The risk events that a search sees together, in order of time: those of one object where it groups by that,
        with this object; those of one cluster where these are to stay apart."""
        parts: defaultdict[tuple[str, ...], list[RiskEvent]] = defaultdict(list)
        for event in sorted(events, key=order_of):
            key = (event.object_type, event.object) if self.single else ()
            parts[(*key, event.cluster) if self.apart else key].append(event)
        for part in parts.values():
            yield (part[0].object_type, part[0].object) if self.single else None, part


def order_of(event: RiskEvent) -> tuple[float, str, str, str]:
    """The order in which searches see risk events."""
    return event.time, event.detection.name, event.finding_id, event.object


def is_wide(search: RiskSearch) -> bool:
    """Whether a search over risk sees more than one risk object of one cluster at a time."""
    return not search.single or not search.apart


def _across(detection: Detection) -> bool:
    """Whether a search sees all clusters at once."""
    return _CLUSTER.search(detection.search) is not None


def inside(items: Sequence[Item], times: Sequence[float], start: float, end: float) -> Sequence[Item]:
    """The items whose time is from `start` on and before `end`."""
    return items[bisect.bisect_left(times, start) : bisect.bisect_left(times, end)]


def _plain(name: str) -> str:
    """A field's name without that of its dataset."""
    return name.removeprefix("All_Risk.")


def _behind(pairs: Sequence[tuple[RiskEvent, Row]], by: ByKey, key: Sequence[str]) -> list[RiskEvent]:
    """The risk events that a by-key counts: those that score, or would but for the daily cap, where any does."""

    def counts(row: Row) -> bool:
        return all(
            value in texts(row[name]) for name, value in zip(map(_plain, by.kept), key, strict=True) if name in row
        )

    own = [event for event, row in pairs if counts(row)] or [event for event, _ in pairs]
    return [event for event in own if event.applied or event.capped] or own


def _severity(content: Severity, row: Row) -> Severity:
    """The severity that a row states, else the content's."""
    stated = row.get("severity")
    return cast(Severity, stated) if stated in get_args(Severity) else content
