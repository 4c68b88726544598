"""A digest of an entity as it is shown: facets with their values, what is new among them, and findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from podhawk.detect.activity.addresses import address_of, is_same
from podhawk.detect.activity.entity import FACETS, NODE, EntityDigest
from podhawk.detect.activity.value_counts import Occurrence
from podhawk.detect.finding import Finding
from podhawk.detect.report.finding_json import rfc3339

DAY: Final = 86400.0
CAUSED: Final = "pods caused"


class FacetValue(Struct, frozen=True):
    """One thing that an entity did or had, with how often, when first and last, and whether it is new."""

    facet: str
    value: str
    occurrence: Occurrence
    new: bool


class EntityProfile(Struct, frozen=True):
    """What an entity did. Values whose first occurrence is at or after `since` are new; `since` is None if the entity
    did nothing before it, so that nothing can be compared. `partial` are the facets of which not all values are
    there."""

    name: str
    events: Occurrence
    requests: Occurrence
    values: tuple[FacetValue, ...]
    findings: tuple[Finding, ...]
    since: float | None
    partial: tuple[str, ...]

    def of(self, facet: str) -> list[FacetValue]:
        """The values of a facet, the most frequent first."""
        return [one for one in self.values if one.facet == facet]

    def records(self) -> Iterator[dict[str, Any]]:
        """One record per value, for scripts."""
        for one in self.values:
            yield {
                "entity": self.name,
                "facet": one.facet,
                "value": one.value,
                "count": one.occurrence.count,
                "first_time": time_text(one.occurrence.first),
                "last_time": time_text(one.occurrence.last),
                "new": one.new if self.since is not None else None,
            }
        for finding in self.findings:
            yield {
                "entity": self.name,
                "facet": "findings",
                "value": finding.finding_id,
                "count": finding.request_count,
                "first_time": rfc3339(finding.first_time),
                "last_time": rfc3339(finding.last_time),
                "new": finding.first_time >= self.since if self.since is not None else None,
                "title": finding.title,
                "severity": finding.severity,
                "priority": finding.priority,
                "visible": finding.visible,
            }


def profile_of(digest: EntityDigest, findings: Sequence[Finding], since: float | None) -> EntityProfile:
    """The profile of an entity. Without `since`, what is new is asked of the last 24 hours in which it was active."""
    first, last = digest.events.first, digest.events.last
    if since is None and last is not None:
        since = last - DAY
    compared = since if since is not None and first is not None and first < since else None
    counts = {**digest.facets, CAUSED: digest.caused()}
    values = [
        FacetValue(facet, value, found, compared is not None and found.first is not None and found.first >= compared)
        for facet in FACETS_SHOWN
        for value, found in counts[facet].top()
    ]
    partial = [facet for facet in FACETS_SHOWN if not counts[facet].complete]
    if not digest.complete and CAUSED not in partial:
        partial.append(CAUSED)
    about = tuple(one for one in findings if is_about(one, digest.name))
    return EntityProfile(digest.name, digest.events, digest.requests, tuple(values), about, compared, tuple(partial))


FACETS_SHOWN: Final = (*FACETS[:-1], CAUSED, FACETS[-1])


def is_about(finding: Finding, name: str) -> bool:
    """Whether an entity has a part in a finding."""
    actor, target = finding.actor, finding.target
    names = {actor.user, actor.effective_user, actor.pod, *actor.source_ips, *(one.user for one in actor.chain)}
    names |= {one.value for one in finding.risk_objects}
    if target.resource in ("pods", "nodes"):
        names.add(target.name)
    address = address_of(name)
    if address is not None and any(is_same(address, one) for one in names):
        return True
    return name in names or f"{NODE}{name}" in names


def time_text(time: float | None) -> str | None:
    """A time for scripts, None if there is none."""
    return rfc3339(time) if time is not None else None
