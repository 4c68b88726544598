"""One incident for each user or system: the reasons that searches over risk give, joined.

An *incident* is a run of episodes of any search over risk about one risk object in one cluster. It is over when the
longest window of these searches has passed without a row, or after 30 days. It is named after the request of its
earliest risk event that scored, so that its id is a pure function of the events. Its detection is that of the reason
with the highest severity, then of the earliest one. A search that groups by something else than a risk object makes
incidents of its own.

The priority of an incident tells incidents apart: by its most urgent finding, by how many tactics and detections it
spans, by what succeeded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from podhawk.content.annotations import technique
from podhawk.content.model import Detection, Severity
from podhawk.detect.evaluate.episodes import common_actor, common_outcome, common_target
from podhawk.detect.evaluate.evaluation import MOST_ROWS
from podhawk.detect.evaluate.finding_id import finding_id
from podhawk.detect.finding import Actor, Finding, IncidentReason, Outcome, PriorityReason, ScoredEntity
from podhawk.detect.match import Match
from podhawk.detect.requests.request import RequestKey
from podhawk.detect.risk_event import RiskEvent

LONGEST: Final = 30 * 86_400.0
"""Seconds after which an incident is over, whatever goes on."""
_SEVERITIES: Final[tuple[Severity, ...]] = ("informational", "low", "medium", "high", "critical")


class Reason(Struct, frozen=True):
    """An episode of a search over risk. `entity` is the risk object that it is about, if it groups by that; `start` and
    `end` are the times of its first and latest window with a row, `length` is that of its window. `events` are the risk
    events behind it, in order of time."""

    detection: Detection
    key: tuple[str, ...]
    entity: tuple[str, str] | None
    start: float
    end: float
    length: float
    events: tuple[RiskEvent, ...]
    title: str
    severity: Severity
    score: int
    risk_objects: tuple[ScoredEntity, ...]
    rows: tuple[dict[str, Any], ...]


def joined(reasons: Iterable[Reason]) -> Iterator[list[Reason]]:
    """The reasons of each incident, in order of time."""
    of_entity: defaultdict[tuple[str, ...], list[Reason]] = defaultdict(list)
    for reason in reasons:
        if reason.entity is None:
            yield [reason]
        else:
            of_entity[(*reason.entity, reason.events[0].cluster)].append(reason)
    for own in of_entity.values():
        yield from _runs(sorted(own, key=lambda one: (one.start, one.end, one.detection.key, one.key)))


def _runs(reasons: Sequence[Reason]) -> Iterator[list[Reason]]:
    run: list[Reason] = []
    for reason in reasons:
        if run:
            longest = max(reason.length, *(one.length for one in run))
            end = max(one.end for one in run)
            if reason.start - end > longest or reason.start - run[0].start > LONGEST:
                yield run
                run = []
        run.append(reason)
    if run:
        yield run


def incident_of(reasons: Sequence[Reason], findings: Mapping[str, Match]) -> Match:
    """The incident that reasons make; `findings` by id are what their risk events come from."""
    first = min(reasons, key=lambda one: (-_SEVERITIES.index(one.severity), one.start, one.detection.key))
    events = sorted(
        {(event.finding_id, event.object): event for one in reasons for event in one.events}.values(),
        key=lambda event: (event.time, event.detection.name, event.finding_id, event.object),
    )
    ids = dict.fromkeys(event.finding_id for event in events)
    behind = [findings[id_] for id_ in ids if id_ in findings]
    requests = list({request.key: request for match in behind for request in match.requests}.values())
    infos = tuple(dict.fromkeys(info for match in behind for info in match.finding.requests))
    outcome = common_outcome([match.finding.outcome for match in behind])
    priority = tuple(_priority(events, [match.finding for match in behind], outcome))
    return Match(
        Finding(
            finding_id=_id(first, events),
            detection=first.detection,
            kind="incident",
            first_time=events[0].time,
            last_time=events[-1].time,
            title=first.title,
            severity=first.severity,
            risk_score=max(one.score for one in reasons),
            cluster=events[0].cluster,
            risk_objects=first.risk_objects,
            threat_objects=tuple(dict.fromkeys(threat for event in events for threat in event.threat_objects))[
                :MOST_ROWS
            ],
            actor=_actor(events[0], [match.finding.actor for match in behind]),
            target=common_target([match.finding.target for match in behind]),
            outcome=outcome,
            priority=max(0, min(100, sum(one.points for one in priority))),
            priority_reasons=priority,
            request_count=len(infos),
            requests=infos[:MOST_ROWS],
            row_count=sum(len(one.rows) for one in reasons),
            rows=tuple(row for one in (first, *(one for one in reasons if one is not first)) for row in one.rows)[
                :MOST_ROWS
            ],
            findings=tuple(ids),
            reasons=tuple(
                IncidentReason(one.detection.name, one.detection.key, one.start, one.end, one.title) for one in reasons
            ),
        ),
        tuple(requests[:MOST_ROWS]),
    )


def _id(first: Reason, events: Sequence[RiskEvent]) -> str:
    """The id: of the entity and the request of its earliest risk event that scored, or, of a search that groups by
    something else, of the detection, its by-key and its earliest finding."""
    earliest = events[0]
    if first.entity is None:
        return finding_id(first.detection, RequestKey(earliest.cluster, earliest.finding_id, "", "", ""), first.key)
    scored = next((event for event in events if event.applied or event.capped), earliest)
    named = structs.replace(first.detection, id="incident")
    return finding_id(named, RequestKey(scored.cluster, scored.request, "", "", ""), first.entity)


def _priority(events: Sequence[RiskEvent], behind: Sequence[Finding], outcome: Outcome) -> Iterator[PriorityReason]:
    tactics = {
        tactic.id for event in events for one in event.detection.mitre_attack_id for tactic in technique(one).tactics
    }
    detections = {event.detection.key for event in events}
    urgent = max((one.priority for one in behind), default=0)
    yield PriorityReason("its most urgent finding", urgent // 2)
    yield PriorityReason("tactics of ATT&CK", 5 * min(6, len(tactics)))
    yield PriorityReason("different detections", 2 * min(5, len(detections)))
    if outcome == "success":
        yield PriorityReason("something succeeded", 10)


def _actor(event: RiskEvent, actors: Sequence[Actor]) -> Actor:
    """What the actors have in common; where that is nobody, the user who gathered the risk."""
    common = common_actor(actors)
    return common if common.user or event.object_type != "user" else structs.replace(common, user=event.object)
