"""What a controller does again for the same cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from podhawk.detect.finding import CONTROLLER_REPEATS
from podhawk.detect.match import Match, in_order
from podhawk.detect.noise.declare import NoiseClass


def cause_of(match: Match) -> tuple[object, ...] | None:
    """What made a controller act, and what it did; None if that is not known, or nobody's doing."""
    finding = match.finding
    actor = finding.actor
    causes = actor.possible or (actor.chain[-1:] if actor.chain_complete else ())
    if actor.kind != "controller" or not causes:
        return None
    return (
        finding.cluster,
        finding.detection.key,
        actor.user,
        ",".join(sorted({request.verb for request in finding.requests})),
        finding.target.subresource,
        "denied" if finding.outcome == "denied" else "",
        actor.cause or "",
        *((cause.kind, cause.namespace, cause.name, cause.user, cause.audit_id) for cause in causes),
    )


def _members(matches: Sequence[Match]) -> list[bool]:
    found = [False] * len(matches)
    seen: set[tuple[object, ...]] = set()
    for number in in_order(matches):
        cause = cause_of(matches[number])
        if cause is not None:
            found[number] = cause in seen
            seen.add(cause)
    return found


REPEATS: Final = NoiseClass(
    name=CONTROLLER_REPEATS,
    doc="A controller repeated an action for the same cause: the second pod of a Deployment, or the "
    "retry of a denied ReplicaSet. The first finding keeps its priority. A later change of the "
    "owner is a new cause.",
    action="lower",
    members=_members,
)
