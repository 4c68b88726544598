"""The API server talking to itself."""

from __future__ import annotations

from typing import Final

from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass, each


def _test(match: Match) -> bool:
    actor = match.finding.actor
    return actor.user == "system:apiserver" and not actor.effective_user and actor.source_ip in ("::1", "127.0.0.1", "")


LOOPBACK: Final = NoiseClass(
    name="loopback",
    doc="Requests of the API server to itself: user `system:apiserver` from the loopback address.",
    action="hide",
    members=each(_test),
)
