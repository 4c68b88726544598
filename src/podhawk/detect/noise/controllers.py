"""What controllers do for somebody whose request is not in the log."""

from __future__ import annotations

from typing import Final

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
    )


CONTROLLERS: Final = NoiseClass(
    name="controller-made",
    doc="A controller or another control-plane component made the request, and the log does not show "
    "its owner. If the log shows the owner, or several possible owners, the finding stays visible and "
    "names them. Requests that controllers never make also stay visible: requests from interactive "
    "clients, impersonation, exec and port-forward. An actor is a component only if nothing shows that "
    "somebody else uses its credential.",
    action="hide",
    members=each(_test),
)
