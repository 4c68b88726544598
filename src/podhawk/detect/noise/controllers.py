"""What controllers do for somebody whose request is not in the log."""

from __future__ import annotations

from typing import Final

from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass, each


def _test(match: Match) -> bool:
    actor = match.finding.actor
    return actor.kind == "controller" and not (actor.chain and actor.chain_complete)


CONTROLLERS: Final = NoiseClass(
    name="controller-made",
    doc="A controller or another component of the control plane made the request, and the log does not show for whom. "
        "Where it does, the finding stays in sight and is about that person.",
    action="hide",
    members=each(_test))
