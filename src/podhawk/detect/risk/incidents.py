"""Incidents: searches over the risk of users and systems, of the type Correlation.

They are detections like others, only that they read the data model Risk in place of events. Each is looked at over its
own window, which slides over the minutes that brought risk: a minute whose events all score nothing moves no window. An
incident is an episode of its by-key (see `podhawk.detect.evaluate.episodes`) and holds the requests of all
findings behind the risk. A search sees one cluster at a time, unless it names the field `cluster`.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar, cast, get_args

from msgspec import structs
from msgspec.structs import replace

from podhawk.content.model import Content, Severity
from podhawk.detect.evaluate.entities import risk_objects
from podhawk.detect.evaluate.episodes import ByKey, Episode, common_actor, common_outcome, common_target, episodes_over
from podhawk.detect.evaluate.evaluation import MOST_ROWS, shown
from podhawk.detect.evaluate.finding_id import finding_id
from podhawk.detect.evaluate.message_tokens import MessageFields, NamesBefore
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.evaluate.titles import title_of
from podhawk.detect.evaluate.windows import Window, schedule_of
from podhawk.detect.finding import Actor, Finding, ScoredEntity
from podhawk.detect.match import Match
from podhawk.detect.requests.request import RequestKey
from podhawk.detect.risk.dataset import RiskDataset, row_of
from podhawk.detect.risk_event import RiskEvent
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.plan.stages import run_stages
from podhawk.rows import Row, Table, texts
from podhawk.rows.values import as_number

_OBJECT: Final = ("risk_object", "normalized_risk_object")
Item = TypeVar("Item")
_CLUSTER: Final = re.compile(r"\bcluster\b")


def incident_matches(
    prepared: Iterable[Prepared], content: Content, events: Sequence[RiskEvent], findings: Mapping[str, Match]
) -> Iterator[Match]:
    """The incidents that searches over risk find in the risk events; `findings` by id are what these come from."""
    for one in prepared:
        if events:
            yield from _incidents(one, content, events, findings)


def _incidents(
    one: Prepared, content: Content, events: Sequence[RiskEvent], findings: Mapping[str, Match]
) -> Iterator[Match]:
    assert one.request is not None
    context = replace(one.request.context, env=replace(one.request.context.env))
    context.run_stages = lambda stages, table: run_stages(stages, table, context)
    plan = make_plan(one.request.pipeline, context)
    by = ByKey(plan)
    schedule = schedule_of(content.deployment_for(one.detection), context.env.zone)
    names = NamesBefore(plan.pipeline.stages)

    def tables(times: Sequence[float], rows: Sequence[Row]) -> Callable[[Window], Table]:
        def table(window: Window) -> Table:
            context.env.now = window.at
            context.datasets = RiskDataset(_inside(rows, times, window.start, window.end)[::-1])
            return run_stages(plan.pipeline.stages, Table(), context)

        return table

    for part in _parts(by, events, apart=not _CLUSTER.search(one.detection.search)):
        if not any(event.applied > 0 for event in part):
            continue  # nothing moves a window
        times = [event.time for event in part]
        rows = [row_of(event, -number) for number, event in enumerate(part)]
        windows = schedule.sliding([event.time for event in part if event.applied > 0])
        for episode in episodes_over(windows, schedule.length, by, tables(times, rows)):
            start, end = episode.first.start, episode.latest.end
            pairs = zip(_inside(part, times, start, end), _inside(rows, times, start, end), strict=True)
            yield _match(one, episode, by, _behind(list(pairs), by, episode.key), findings, names)


def _inside(items: Sequence[Item], times: Sequence[float], start: float, end: float) -> Sequence[Item]:
    """The items whose time is from `start` on and before `end`."""
    return items[bisect.bisect_left(times, start) : bisect.bisect_left(times, end)]


def _parts(by: ByKey, events: Sequence[RiskEvent], *, apart: bool) -> Iterable[Sequence[RiskEvent]]:
    """The risk events that a search sees together, in order of time: those of one object where it groups by that; those
    of one cluster where these are to stay `apart`."""
    single = any(_plain(name) in _OBJECT for name in by.first)
    parts: defaultdict[tuple[str, ...], list[RiskEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.time, event.detection.name, event.finding_id, event.object)):
        key = (event.object_type, event.object) if single else ()
        parts[(*key, event.cluster) if apart else key].append(event)
    return parts.values()


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


def _match(
    one: Prepared,
    episode: Episode,
    by: ByKey,
    events: Sequence[RiskEvent],
    findings: Mapping[str, Match],
    names: NamesBefore,
) -> Match:
    detection = one.detection
    ids = dict.fromkeys(event.finding_id for event in events)
    behind = [findings[id_] for id_ in ids if id_ in findings]
    rows = [row for table in episode.tables for row in table.rows]
    latest = episode.tables[-1].rows[-1]
    fields = MessageFields(rows[-1:], names, lambda name: ())
    requests = list({request.key: request for match in behind for request in match.requests}.values())
    infos = tuple(dict.fromkeys(info for match in behind for info in match.finding.requests))
    first = RequestKey(events[0].cluster, events[0].finding_id, "", "", "")
    score = round(as_number(latest.get("risk_score")) or detection.risk_score)
    gained = {(event.object_type, event.object) for event in events}
    entities = (
        tuple(ScoredEntity("risk_object", *each, score) for each in gained)
        if len(gained) == 1
        else risk_objects(detection, fields)
    )
    return Match(
        Finding(
            finding_id=finding_id(detection, first, episode.key),
            detection=detection,
            kind="incident",
            first_time=events[0].time,
            last_time=events[-1].time,
            title=title_of(detection, fields),
            severity=_severity(detection.severity, latest),
            risk_score=score,
            cluster=events[0].cluster,
            risk_objects=entities,
            threat_objects=tuple(dict.fromkeys(threat for event in events for threat in event.threat_objects))[
                :MOST_ROWS
            ],
            actor=_actor(events[0], [match.finding.actor for match in behind]),
            target=common_target([match.finding.target for match in behind]),
            outcome=common_outcome([match.finding.outcome for match in behind]),
            request_count=len(infos),
            requests=infos[:MOST_ROWS],
            row_count=len(rows),
            rows=tuple(shown(row, table) for table in episode.tables for row in table.rows)[:MOST_ROWS],
            findings=tuple(ids),
        ),
        tuple(requests[:MOST_ROWS]),
    )


def _actor(event: RiskEvent, actors: Sequence[Actor]) -> Actor:
    """What the actors have in common; where that is nobody, the user who gathered the risk."""
    common = common_actor(actors)
    return common if common.user or event.object_type != "user" else structs.replace(common, user=event.object)


def _severity(content: Severity, row: Row) -> Severity:
    """The severity that a row states, else the content's."""
    stated = row.get("severity")
    return cast(Severity, stated) if stated in get_args(Severity) else content
