"""The risk of each user and system, summed up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from podhawk.content.annotations import technique
from podhawk.detect.risk_event import RiskEvent


class RiskSum(Struct, frozen=True):
    """What one risk object has gathered in a cluster: points, findings, detections, tactics; and how many points the
    daily cap took."""

    object: str
    type: str
    score: float
    findings: int
    detections: tuple[str, ...]
    tactics: tuple[str, ...]
    cluster: str = ""
    capped: float = 0.0


def risk_table(events: Iterable[RiskEvent]) -> list[RiskSum]:
    """The sums of all risk objects that have any, the highest first."""
    groups: defaultdict[tuple[str, str, str], list[RiskEvent]] = defaultdict(list)
    for event in events:
        if event.applied or event.capped:
            groups[event.object_type, event.object, event.cluster].append(event)
    found = [
        RiskSum(
            name,
            kind,
            sum(event.applied for event in own),
            len({event.finding_id for event in own}),
            tuple(sorted({event.detection.name for event in own})),
            _tactics(own),
            cluster,
            sum(event.capped for event in own),
        )
        for (kind, name, cluster), own in groups.items()
    ]
    return sorted(found, key=lambda one: (-one.score, one.type, one.object, one.cluster))


def _tactics(events: Iterable[RiskEvent]) -> tuple[str, ...]:
    ids = dict.fromkeys(id_ for event in events for id_ in event.detection.mitre_attack_id)
    return tuple(dict.fromkeys(tactic.name for id_ in ids for tactic in technique(id_).tactics))
