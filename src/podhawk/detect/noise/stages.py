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
    doc="The log contains several stages of the request, and the search matches more than one of "
    "them. They form one finding, which contains the rows of every stage.",
    action="tag",
    members=each(_test),
    of_events=True,
)
