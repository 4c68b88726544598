"""What controllers do for somebody whose request is not in the log."""

from __future__ import annotations

from typing import Final

from podhawk.detect.finding import Finding
from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass, each
from podhawk.detect.requests.user_agents import by_hand

NEVER: Final = frozenset({"exec", "attach", "portforward", "proxy", "ephemeralcontainers"})
"""Parts of objects that no controller touches: who does so with its credential is somebody else."""


def _test(match: Match) -> bool:
    actor = match.finding.actor
    return (
        actor.kind == "controller"
        and not (actor.chain and actor.chain_complete)
        and not actor.possible
        and not actor.effective_user
        and match.finding.target.subresource not in NEVER
        and not by_hand(actor.user_agent)
        and _about_a_user(match.finding)
    )


def _about_a_user(finding: Finding) -> bool:
    """Whether a finding says something of a user. What a component reports of a pod is not its own doing."""
    return not finding.risk_objects or any(one.type == "user" for one in finding.risk_objects)


CONTROLLERS: Final = NoiseClass(
    name="controller-made",
    doc="A controller or another control-plane component made the request, and the log does not show "
    "its owner. If the log shows the owner, or several possible owners, the finding stays visible and "
    "names them. Requests that controllers never make also stay visible: requests from interactive "
    "clients, impersonation, exec and port-forward. An actor is a component only if nothing shows that "
    "somebody else uses its credential. What a component reports of something that is no user, such as a "
    "pod, stays visible as well.",
    action="hide",
    members=each(_test),
)
