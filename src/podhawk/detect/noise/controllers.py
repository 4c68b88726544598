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
        and not actor.effective_user
        and match.finding.target.subresource not in NEVER
        and not by_hand(actor.user_agent)
    )


CONTROLLERS: Final = NoiseClass(
    name="controller-made",
    doc="A controller or another component of the control plane made the request, and the log does not show for whom. "
    "Where it does, the finding stays in sight and is about that person. What a component's credential does by "
    "hand, in another's name or inside of containers (exec, port-forward) stays in sight too: no controller does "
    "that.",
    action="hide",
    members=each(_test),
)
