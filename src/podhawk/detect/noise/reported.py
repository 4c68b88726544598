"""What controllers make from a template that is reported itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass


def _members(matches: Sequence[Match]) -> list[bool]:
    reported = {
        (match.finding.detection.id, match.finding.cluster, request.audit_id, request.user)
        for match in matches
        if match.finding.visible and match.finding.actor.kind != "controller"
        for request in match.finding.requests
    }
    found = []
    for match in matches:
        finding = match.finding
        cause = finding.actor.chain[-1] if finding.actor.chain and finding.actor.chain_complete else None
        found.append(
            finding.actor.kind == "controller"
            and cause is not None
            and cause.certain
            and not finding.actor.cause
            and (finding.detection.id, finding.cluster, cause.audit_id, cause.user) in reported
        )
    return found


REPORTED: Final = NoiseClass(
    name="template-reported",
    doc="A controller made this object from a template, and the request that wrote the template is in a "
    "visible finding of the same detection. Only if the owner is certain, and neither the author nor an "
    "autoscaler made the controller act since.",
    action="hide",
    members=_members,
    late=True,
)
