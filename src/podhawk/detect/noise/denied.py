"""Requests that were refused."""

from __future__ import annotations

from typing import Final

from podhawk.detect.noise.declare import NoiseClass, each

DENIED: Final = NoiseClass(
    name="denied",
    doc="The request was refused (401, 403). Only a tag by default: an attacker's first steps are refused too.",
    action="tag",
    members=each(lambda match: match.finding.outcome == "denied"),
)
