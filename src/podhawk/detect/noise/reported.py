"""What controllers make from a template that is reported itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass

Reported = tuple[str, str, str, str]
"""What a finding reports: its detection, and the cluster, the audit id and the user of a request."""


def reports(match: Match) -> frozenset[Reported]:
    """The requests that a visible finding reports."""
    finding = match.finding
    if not finding.visible or finding.actor.kind == "controller":
        return frozenset()
    return frozenset(
        (finding.detection.key, finding.cluster, request.audit_id, request.user) for request in finding.requests
    )


def template_of(match: Match) -> Reported | None:
    """The request that wrote the template of what a controller made, if that alone made it act."""
    actor = match.finding.actor
    cause = actor.chain[-1] if actor.chain and actor.chain_complete else None
    if actor.kind != "controller" or cause is None or not cause.certain or actor.cause:
        return None
    return match.finding.detection.key, match.finding.cluster, cause.audit_id, cause.user


def _members(matches: Sequence[Match]) -> list[bool]:
    reported = {request for match in matches for request in reports(match)}
    return [template_of(match) in reported for match in matches]


REPORTED: Final = NoiseClass(
    name="template-reported",
    doc="A controller made this object from a template, and the request that wrote the template is in a "
    "visible finding of the same detection. Only if the owner is certain, and neither the author nor an "
    "autoscaler made the controller act since.",
    action="hide",
    members=_members,
    late=True,
)
