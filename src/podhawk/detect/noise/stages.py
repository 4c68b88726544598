"""Requests that were matched at several stages."""

from __future__ import annotations

from typing import Final

from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass, each


def _test(match: Match) -> bool:
    request = match.request
    return request is not None and len(request.events) > 1


STAGES: Final = NoiseClass(
    name="stages",
    doc="The log has the request at several stages, each of which a search may match: they are one finding. The rows "
    "of each stage are in it.",
    action="tag",
    members=each(_test),
)
