"""Requests to a part of an object, caught by a search that means the object.

`verb=create objectRef.resource=pods` is meant to find new pods, and finds exec, eviction and binding with them: these
are `create` on a part of a pod. Whether a search means the object or its part is told by the search as it runs, macros
expanded. It means the object if all that it can match is of resources that it names, and nothing in it tells parts
apart: no condition on the subresource, whatever it is called by then, and no text that names the part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.search import Search
from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass
from podhawk.engine.plan.lineage import computes, decides, held_after, shows_only
from podhawk.spl.clause import And, Clause, Compare, In, Or, Term, walk

CHANGES_THE_OBJECT: Final = frozenset({"ephemeralcontainers", "approval"})
"""Subresources by which the object itself gets what searches for it look for."""

_RESOURCE: Final = "objectRef.resource"
_PART: Final = "objectRef.subresource"


def _members(matches: Sequence[Match]) -> list[bool]:
    known: dict[int, _Meaning] = {}
    found = []
    for match in matches:
        part = match.finding.target.subresource
        if not part or part in CHANGES_THE_OBJECT or match.search is None:
            found.append(False)
            continue
        meaning = known.get(id(match.search))
        if meaning is None:
            meaning = known[id(match.search)] = _Meaning(match.search)
        found.append(meaning.objects and not meaning.names(part))
    return found


class _Meaning:
    """What a search says of resources and of their parts."""

    def __init__(self, search: Pipeline) -> None:
        first = search.stages[0].node if search.stages else None
        self.objects = isinstance(first, Search) and _names_resource(first.clause)
        self._tells_parts = _tells_parts(search.stages)
        self._texts = tuple(text.lower() for stage in search.stages for text in _texts_of(stage))

    def names(self, part: str) -> bool:
        """Whether the search is about this part."""
        word = re.compile(rf"(?<![a-z]){re.escape(part.lower())}(?![a-z])")
        return self._tells_parts or any(word.search(text) for text in self._texts)


def _names_resource(clause: Clause) -> bool:
    """Whether a clause matches events of named resources only."""
    match clause:
        case And(parts=parts):
            return any(map(_names_resource, parts))
        case Or(parts=parts):
            return all(map(_names_resource, parts))
        case Compare(name=name, operator="=", value=value):
            return name == _RESOURCE and value.strip("*") != ""
        case In(name=name, values=values):
            return name == _RESOURCE and all(value.strip("*") for value in values)
        case _:
            return False


def _tells_parts(stages: Sequence[Stage]) -> bool:
    """Whether any step decides by the subresource or computes something from it. Showing it does not count."""
    names = frozenset({_PART})
    for stage in stages:
        if isinstance(stage.node, Search):
            if any(isinstance(part, Compare | In) and part.name in names for part in walk(stage.node.clause)):
                return True
        elif decides(stage, names) or computes(stage, names, over_rows=False):
            return True
        names = held_after(stage, names)
    return False


def _texts_of(stage: Stage) -> Iterator[str]:
    """The texts by which a step may name a part: what a clause wants in a URI or anywhere, and what other commands that
    decide or compute are written as."""
    if isinstance(stage.node, Search):
        yield from _wanted(stage.node.clause)
    elif not shows_only(stage):
        yield stage.command.render(stage.node)


def _wanted(clause: Clause) -> Iterator[str]:
    match clause:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from _wanted(part)
        case Compare(name="requestURI", operator="=", value=value):
            yield value
        case In(name="requestURI", values=values):
            yield from values
        case Term(text=text):
            yield text
        case _:
            return


SUBRESOURCE: Final = NoiseClass(
    name="subresource",
    doc="The request is to a subresource (`pods/binding`, which the scheduler creates for every pod, "
    "`pods/eviction`, `pods/exec`, …), but the search selects a resource without naming a "
    "subresource. It is about the resource, not about its subresources.",
    action="hide",
    members=_members,
    of_events=True,
)
