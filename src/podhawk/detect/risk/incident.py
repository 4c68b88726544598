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
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from podhawk.content.model import Detection, Severity
from podhawk.detect.evaluate.episodes import common_actor, common_outcome, common_target
from podhawk.detect.evaluate.finding_id import finding_id
from podhawk.detect.finding import MOST_ROWS, Actor, Finding, IncidentReason, Outcome, PriorityReason, ScoredEntity
from podhawk.detect.increment.fold import Earliest, Fold
from podhawk.detect.match import Match
from podhawk.detect.requests.request import Request, RequestKey
from podhawk.detect.risk_event import RiskEvent

LONGEST: Final = 30 * 86_400.0
"""Seconds after which an incident is over, whatever goes on."""
_SEVERITIES: Final[tuple[Severity, ...]] = ("informational", "low", "medium", "high", "critical")


class Reason(Struct, frozen=True):
    """An episode of a search over risk. `entity` is the risk object that it is about, if it groups by that; `start` and
    `end` are the times of its first and latest window with a row, `length` is that of its window. `span` is what these
    windows hold; `events` are the risk events behind it, in order of time, if they are at hand."""

    detection: Detection
    key: tuple[str, ...]
    entity: tuple[str, str] | None
    start: float
    end: float
    length: float
    cluster: str
    span: tuple[float, float]
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
            of_entity[(*reason.entity, reason.cluster)].append(reason)
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


def events_of(reasons: Sequence[Reason]) -> list[RiskEvent]:
    """The risk events behind reasons, in order of time."""
    return sorted(
        {(event.finding_id, event.object): event for one in reasons for event in one.events}.values(),
        key=lambda event: (event.time, event.detection.name, event.finding_id, event.object),
    )


def incident_of(reasons: Sequence[Reason], fold: Fold, requests: Sequence[Request] = ()) -> Match:
    """The incident that reasons make; `fold` is what is behind them, `requests` the first requests of it, as far as
    they are at hand."""
    first = min(reasons, key=lambda one: (-_SEVERITIES.index(one.severity), one.start, one.detection.key))
    earliest = fold.first
    assert earliest is not None, "a reason has risk events"
    outcome = common_outcome(fold.outcome)
    priority = tuple(_priority(fold, outcome))
    fold.shorten()
    return Match(
        Finding(
            finding_id=_id(first, earliest, fold.scored or earliest),
            detection=first.detection,
            kind="incident",
            first_time=earliest.time,
            last_time=fold.last_time,
            title=first.title,
            severity=first.severity,
            risk_score=max(one.score for one in reasons),
            cluster=earliest.cluster,
            risk_objects=first.risk_objects,
            threat_objects=tuple(fold.threats),
            actor=_actor(earliest, fold.actors),
            target=common_target(fold.targets),
            outcome=outcome,
            priority=max(0, min(100, sum(one.points for one in priority))),
            priority_reasons=priority,
            request_count=len(fold.requests),
            requests=tuple(info for _, info in fold.infos),
            row_count=sum(len(one.rows) for one in reasons),
            rows=tuple(row for one in (first, *(one for one in reasons if one is not first)) for row in one.rows)[
                :MOST_ROWS
            ],
            findings=tuple(fold.ids),
            reasons=tuple(
                IncidentReason(one.detection.name, one.detection.key, one.start, one.end, one.title) for one in reasons
            ),
        ),
        tuple(requests[:MOST_ROWS]),
    )


def _id(first: Reason, earliest: Earliest, scored: Earliest) -> str:
    """The id: of the entity and the request of its earliest risk event that scored, or, of a search that groups by
    something else, of the detection, its by-key and its earliest finding."""
    if first.entity is None:
        return finding_id(first.detection, RequestKey(earliest.cluster, earliest.finding_id, "", "", ""), first.key)
    named = structs.replace(first.detection, id="incident")
    return finding_id(named, RequestKey(scored.cluster, scored.request, "", "", ""), first.entity)


def _priority(fold: Fold, outcome: Outcome) -> Iterator[PriorityReason]:
    yield PriorityReason("its most urgent finding", fold.urgent // 2)
    yield PriorityReason("tactics of ATT&CK", 5 * min(6, len(fold.tactics)))
    yield PriorityReason("different detections", 2 * min(5, len(fold.detections)))
    if outcome == "success":
        yield PriorityReason("something succeeded", 10)


def _actor(earliest: Earliest, actors: Sequence[Actor]) -> Actor:
    """What the actors have in common; where that is nobody, the user who gathered the risk."""
    common = common_actor(actors)
    if common.user or earliest.object_type != "user":
        return common
    return structs.replace(common, user=earliest.object)
