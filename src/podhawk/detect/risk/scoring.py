"""From findings to risk events.

One risk event for each detection, request and risk object. What a controller did is charged to the person behind it
where the chain is certain, to nobody where it is a guess or not seen. It adds nothing if that person's own request is
charged already, or if the controller only repeated itself. Searches that are published twice score once.
What a detection can add to a risk object within a day is capped. What scores nothing is there all the same and says
why, so that each finding leads to its risk; where nobody is named, it stands under the address that it came from.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from msgspec import structs

from podhawk.content.model import Detection
from podhawk.detect.finding import CONTROLLER_REPEATS, Finding, ScoredEntity
from podhawk.detect.risk.factors import Factors, RiskPolicy, row_of_finding
from podhawk.detect.risk_event import RiskEvent

OWNER: Final = "owner"
NOBODY: Final = "nobody"
NAMELESS: Final = "nameless"
Cause = tuple[str, str, str]
"""A request: its cluster, its audit id, its user."""


def risk_events(findings: Iterable[Finding], policy: RiskPolicy) -> list[RiskEvent]:
    """The risk events of findings, in order of time; the order of the findings does not matter.

    Incidents have none (they are made of risk). Findings that noise classes hide, exceptions mark or throttling quiets
    have some that add nothing.
    """
    factors = Factors(policy)
    every = list(findings)
    charged = {cause for finding in every for cause in own_requests(finding)}
    made = [event for finding in every for event in scored(finding, factors, charged)]
    return capped(once(sorted(made, key=in_time)), policy.cap)


def in_time(event: RiskEvent) -> tuple[float, str, str, str, str]:
    """The order of risk events."""
    return event.time, event.detection.name, event.finding_id, event.object_type, event.object


def own_requests(finding: Finding) -> Iterator[Cause]:
    """The requests that a finding charges to whoever made them."""
    if finding.kind != "incident" and finding.actor.kind != "controller" and not _quiet(finding):
        yield from ((finding.cluster, request.audit_id, request.user) for request in finding.requests)


def _consequence(finding: Finding, charged: Set[Cause]) -> str:
    """Why what a controller did adds nothing to its owner's risk; "" where it adds."""
    if any(hit.noise_class == CONTROLLER_REPEATS for hit in finding.noise):
        return "repeated by a controller"
    known = cause_charged(finding) in charged
    return "the request behind it is charged already" if known else ""


def cause_charged(finding: Finding) -> Cause | None:
    """The request behind what a controller did, whose author gains the risk; None if nobody does."""
    actor = finding.actor
    if actor.kind != "controller" or not actor.chain or not actor.chain_complete or not actor.chain[-1].certain:
        return None
    return finding.cluster, actor.chain[-1].audit_id, actor.chain[-1].user


def scored(finding: Finding, factors: Factors, charged_already: Set[Cause]) -> Iterator[RiskEvent]:
    """The risk events of a finding, before twins and the daily cap are looked at. `charged_already` are requests that
    findings charge to whoever made them."""
    if finding.kind == "incident":
        return
    quiet = _quiet(finding)
    for entity, charged in _charged(finding):
        if quiet:
            applied, notes = 0.0, [quiet]
        elif charged == NOBODY:
            applied, notes = 0.0, [_nobody(finding)]
        elif charged == NAMELESS:
            applied, notes = 0.0, ["no risk object"]
        elif charged == OWNER and (why := _consequence(finding, charged_already)):
            applied, notes = 0.0, [why]
        else:
            applied, notes = factors.apply(float(entity.score), row_of_finding(finding, entity, charged))
        if charged == OWNER:
            notes.insert(0, f"via {finding.actor.user}")
        yield RiskEvent(
            time=finding.first_time,
            finding_id=finding.finding_id,
            detection=finding.detection,
            message=finding.title,
            object=entity.value,
            object_type=entity.type,
            object_field=entity.field,
            score=entity.score,
            applied=applied,
            threat_objects=finding.threat_objects,
            notes=tuple(notes),
            cluster=finding.cluster,
            request=_request(finding),
        )


def _quiet(finding: Finding) -> str:
    """Why a finding adds nothing to anybody, or nothing."""
    if finding.suppressed_by is not None:
        return f"exception {finding.suppressed_by.name}"
    hiding = next((hit.noise_class for hit in finding.noise if hit.action == "hide"), "")
    return f"hidden by noise class {hiding}" if hiding else "throttled" if finding.throttled else ""


def _request(finding: Finding) -> str:
    """What tells the request of a finding from all others; of an aggregate plan, its first one."""
    first = finding.requests[0] if finding.requests else None
    return finding.finding_id if first is None else "\n".join((first.audit_id, first.received, first.user, first.uri))


def _charged(finding: Finding) -> Iterator[tuple[ScoredEntity, str]]:
    """Who gains risk: the finding's risk objects, or in a controller's place the owner, if that is certain; each once,
    the highest score first."""
    found: dict[tuple[str, str], tuple[ScoredEntity, str]] = {}
    for entity, charged in _chargeable(finding):
        known = found.get((entity.type, entity.value))
        if known is None or known[0].score < entity.score:
            found[entity.type, entity.value] = entity, charged
    yield from found.values()


def _chargeable(finding: Finding) -> Iterator[tuple[ScoredEntity, str]]:
    actor = finding.actor
    for entity in finding.risk_objects:
        if actor.kind != "controller" or entity.value != actor.user:
            yield entity, ""
        elif cause_charged(finding) is not None:
            yield structs.replace(entity, value=actor.chain[-1].user), OWNER
            yield entity, NOBODY
        else:
            yield entity, NOBODY
    if not finding.risk_objects:
        for field, value in nameless(finding):
            yield ScoredEntity(field, "system", value, 0), NAMELESS


def nameless(finding: Finding) -> Iterator[tuple[str, str]]:
    """Where the risk of a finding stands that names no risk object: fields with their values."""
    if finding.threat_objects:
        yield from ((one.field, one.value) for one in finding.threat_objects)
    elif finding.actor.source_ip:
        yield "src_ip", finding.actor.source_ip


def _nobody(finding: Finding) -> str:
    """Why a controller gains nothing."""
    if cause_charged(finding) is not None:
        return f"controller acting for {finding.actor.chain[-1].user}, who gains the risk"
    return "controller whose owner is uncertain"


def thing_of(event: RiskEvent) -> tuple[str, ...]:
    """What a risk event scores: twins score the same thing once."""
    return same_search(event.detection), event.request, event.object_type, event.object, event.cluster


def once(events: Iterable[RiskEvent]) -> Iterator[RiskEvent]:
    """The events, in order of time, those of a search that another detection has scored the same thing with already at
    nothing. What scores nothing, by an exception for example, takes nobody's place."""
    seen: dict[tuple[str, ...], Detection] = {}
    for event in events:
        key = thing_of(event)
        first = seen.setdefault(key, event.detection) if event.applied > 0 else event.detection
        if (first.id, first.name) != (event.detection.id, event.detection.name):
            yield structs.replace(event, applied=0.0, notes=(*event.notes, f"same search as {first.name}"))
        else:
            yield event


def same_search(detection: Detection) -> str:
    """A search's text without what may differ between two publications of it: blanks, and the filter macro."""
    return _told_apart(detection.search)


@lru_cache(maxsize=4096)
def _told_apart(search: str) -> str:
    text = re.sub(r"\s+", " ", search).strip().lower()
    return re.sub(r"\s*\|\s*`[a-z0-9_]+_filter`\s*\Z", "", text)


def day_of(event: RiskEvent) -> tuple[str, ...]:
    """What the daily cap is for: a detection, a risk object, a cluster and a day."""
    day = datetime.fromtimestamp(event.time, UTC).strftime("%Y-%m-%d")
    return event.detection.key, event.object_type, event.object, event.cluster, day


def capped(events: Iterable[RiskEvent], cap: float) -> list[RiskEvent]:
    """The events, in order of time, under the daily cap of each detection and risk object."""
    sums: defaultdict[tuple[str, ...], float] = defaultdict(float)
    found: list[RiskEvent] = []
    for event in events:
        key = day_of(event)
        room = max(0.0, cap - sums[key])
        if event.applied > room:
            event = structs.replace(
                event, applied=room, capped=event.applied - room, notes=(*event.notes, f"capped at {cap:g} per day")
            )
        sums[key] += event.applied
        found.append(event)
    return found
