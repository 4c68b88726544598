"""Requests to a part of an object, caught by a search that means the object."""

from __future__ import annotations

from typing import Final

from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass, each

CHANGES_THE_OBJECT: Final = frozenset({"ephemeralcontainers"})
"""Subresources by which the object itself gets what searches for it look for."""


def _test(match: Match) -> bool:
    part = match.finding.target.subresource
    if not part or part in CHANGES_THE_OBJECT:
        return False
    search = match.finding.detection.search
    return "objectRef.resource" in search.split("|")[0] and "objectRef.subresource" not in search


SUBRESOURCE: Final = NoiseClass(
    name="subresource",
    doc="The request is to a subresource (`pods/binding`, which the scheduler writes for every pod, `pods/eviction`, "
        "`pods/exec` …) and the search selects a resource but no subresource: it means pods, not what is done to "
        "them.",
    action="hide",
    members=each(_test))
