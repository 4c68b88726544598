"""Requests that were refused."""

from __future__ import annotations

from typing import Final

from podhawk.detect.noise.declare import NoiseClass, each

DENIED: Final = NoiseClass(
    name="denied",
    doc="The request was denied (401, 403). By default only a tag, because the first steps of an "
    "attacker are often denied too.",
    action="tag",
    members=each(lambda match: match.finding.outcome == "denied"),
)
