"""Incidents: searches over the risk of users and systems, of the type Correlation.

They are detections like others, only that they read the data model Risk in place of events. Each is looked at over its
own window, which slides over the minutes that brought risk; an incident is an episode of its by-key (see
`podhawk.detect.episodes`) and holds the requests of all findings behind the risk.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, cast, get_args

from podhawk.content.model import Content, Severity
from podhawk.detect.episodes import ByKey, Episode, common_actor, common_outcome, common_target, episodes_over
from podhawk.detect.evaluation import MOST_ROWS, kind_of, shown, title_of
from podhawk.detect.finding import Actor, Finding
from podhawk.detect.identity import finding_id
from podhawk.detect.match import Match
from podhawk.detect.prepare import Prepared
from podhawk.detect.request import RequestKey
from podhawk.detect.risk.dataset import RiskDataset
from podhawk.detect.risk.event import RiskEvent
from podhawk.detect.tokens import Fields, names_at_end
from podhawk.detect.windows import Window, schedule_of
from podhawk.engine.execute import run_stages
from podhawk.engine.plan import make_plan
from podhawk.rows import Row, Table
from podhawk.rows.values import as_number

_OBJECT: Final = ("risk_object", "normalized_risk_object")


def incident_matches(prepared: Iterable[Prepared], content: Content, events: Sequence[RiskEvent],
                     findings: Mapping[str, Match]) -> Iterator[Match]:
    """The incidents that Correlation searches find in the risk events; `findings` by id are what these come from."""
    for one in prepared:
        if one.request is not None and kind_of(one.detection) == "incident" and events:
            yield from _incidents(one, content, events, findings)


def _incidents(one: Prepared, content: Content, events: Sequence[RiskEvent],
               findings: Mapping[str, Match]) -> Iterator[Match]:
    assert one.request is not None
    context = replace(one.request.context, env=replace(one.request.context.env))
    context.run_stages = lambda stages, table: run_stages(stages, table, context)
    plan = make_plan(one.request.pipeline, context)
    by = ByKey(plan)
    schedule = schedule_of(content.deployment_for(one.detection), context.env.zone)
    names = names_at_end(plan.pipeline.stages)

    def tables(part: Sequence[RiskEvent]) -> Callable[[Window], Table]:
        times = [event.time for event in part]

        def table(window: Window) -> Table:
            inside = part[bisect.bisect_left(times, window.start) : bisect.bisect_left(times, window.end)]
            context.env.now = window.at
            context.datasets = RiskDataset(inside)
            return run_stages(plan.pipeline.stages, Table(), context)

        return table

    for part in _parts(by, events):
        times = [event.time for event in part]
        for episode in episodes_over(schedule.sliding(times), schedule.length, by, tables(part)):
            behind = part[bisect.bisect_left(times, episode.first.start) :
                          bisect.bisect_left(times, episode.latest.end)]
            yield _match(one, episode, behind, findings, names)


def _parts(by: ByKey, events: Sequence[RiskEvent]) -> Iterable[Sequence[RiskEvent]]:
    """The risk events that a search sees together: those of one object where it groups by that, else all."""
    ordered = sorted(events, key=lambda event: event.time)
    if not any(name.rpartition(".")[2] in _OBJECT for name in by.first):
        return [ordered]
    parts: defaultdict[tuple[str, str], list[RiskEvent]] = defaultdict(list)
    for event in ordered:
        parts[event.object_type, event.object].append(event)
    return parts.values()


def _match(one: Prepared, episode: Episode, events: Sequence[RiskEvent], findings: Mapping[str, Match],
           names: Mapping[str, str]) -> Match:
    detection = one.detection
    ids = dict.fromkeys(event.finding_id for event in events)
    behind = [findings[id_] for id_ in ids if id_ in findings]
    rows = [row for table in episode.tables for row in table.rows]
    latest = episode.tables[-1].rows[-1]
    fields = Fields(rows[-1:], names, lambda name: ())
    requests = list({request.key: request for match in behind for request in match.requests}.values())
    infos = tuple(dict.fromkeys(info for match in behind for info in match.finding.requests))
    first = RequestKey(events[0].cluster, events[0].finding_id, "", "", "")
    return Match(Finding(
        finding_id=finding_id(detection, first, episode.key), detection=detection, kind="incident",
        first_time=events[0].time, last_time=max(event.time for event in events),
        title=title_of(detection, fields), severity=_severity(detection.severity, latest),
        risk_score=round(as_number(latest.get("risk_score")) or detection.risk_score), cluster=events[0].cluster,
        actor=_actor(events[0], [match.finding.actor for match in behind]),
        target=common_target([match.finding.target for match in behind]),
        outcome=common_outcome([match.finding.outcome for match in behind]), request_count=len(infos),
        requests=infos[:MOST_ROWS], row_count=len(rows),
        rows=tuple(shown(row, table) for table in episode.tables for row in table.rows)[:MOST_ROWS],
        findings=tuple(ids)), tuple(requests[:MOST_ROWS]))


def _actor(event: RiskEvent, actors: Sequence[Actor]) -> Actor:
    """What the actors have in common; where that is nobody, the user who gathered the risk."""
    common = common_actor(actors)
    return common if common.user or event.object_type != "user" else replace(common, user=event.object)


def _severity(content: Severity, row: Row) -> Severity:
    """The severity that a row states, else the content's."""
    stated = row.get("severity")
    return cast(Severity, stated) if stated in get_args(Severity) else content
