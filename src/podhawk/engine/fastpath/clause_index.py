"""An index of clauses by the values that they select: of a thousand clauses, the few that an event can satisfy.

A clause that requires a field to equal one of some texts can only be true of an event whose field is one of them. Each
clause is filed under one such field: the one whose texts the fewest other clauses require. For an event only the
clauses are asked that are filed under its values. Clauses without such a field are always asked, and so are all that
are filed under a field whose value is not a single text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from podhawk.engine.fastpath.decoder import UNSET
from podhawk.events.event import METADATA
from podhawk.events.fields import of_body
from podhawk.functions import patterns
from podhawk.functions.predicates import simple
from podhawk.spl import clause as spl
from podhawk.spl.clause import Clause

Equal = tuple[str, frozenset[str]]
"""A field, and the texts (case-folded) of which it must be one."""


def equals(clause: Clause) -> list[Equal]:
    """The fields that must equal one of some texts for a clause to be true."""
    match clause:
        case spl.And(parts=parts):
            return [one for part in parts for one in equals(part)]
        case spl.Or(parts=parts):
            either = [equals(part) for part in parts]
            names = {one[0][0] if len(one) == 1 else "" for one in either}
            if len(names) != 1 or "" in names:
                return []
            return [(names.pop(), frozenset().union(*(one[0][1] for one in either)))]
        case spl.Compare(name=name, operator="=", value=value, exact=False):
            values: Sequence[str] = (value,)
        case spl.In(name=name, values=found):
            values = found
        case _:
            return []
    if name in METADATA or name.startswith("_") or of_body(name) or not all(map(simple, values)):
        return []
    return [(name, frozenset(map(patterns.fold, values)))]


def required(clause: Clause, names: Sequence[str]) -> list[tuple[int, frozenset[str]]]:
    """The same for values in the order of `names`: the place of each field, and its texts."""
    return [(names.index(name), texts) for name, texts in equals(clause) if name in names]


def misses(required: Sequence[tuple[int, frozenset[str]]], values: Sequence[Any]) -> bool:
    """Whether a text among decoded values is none of those that it must be, so that the clause is false."""
    for place, texts in required:
        value = values[place]
        if value.__class__ is str and patterns.fold(value) not in texts:
            return True
    return False


class Index:
    """Finds the numbers of clauses by the values of an event. `required` is what each clause requires (`equals`)."""

    def __init__(self, required: Sequence[Sequence[Equal]]) -> None:
        wanted = Counter((name, text) for one in required for name, texts in set(one) for text in texts)
        self._always: list[int] = []
        self._filed: dict[str, defaultdict[str, list[int]]] = {}
        self._under: defaultdict[str, list[int]] = defaultdict(list)
        for number, one in enumerate(required):
            if not one:
                self._always.append(number)
                continue
            name, texts = min(
                one, key=lambda equal: (max(wanted[equal[0], text] for text in equal[1]) if equal[1] else 0, equal[0])
            )
            self._under[name].append(number)
            filed = self._filed.setdefault(name, defaultdict(list))
            for text in texts:
                filed[text].append(number)

    def of(self, values: Mapping[str, Any]) -> Iterator[int]:
        """The clauses that an event with these decoded values can satisfy, each once."""
        yield from self._always
        for name, filed in self._filed.items():
            value = values[name]
            if value.__class__ is str:
                yield from filed.get(patterns.fold(value), ())
            elif value is not UNSET and value != ():
                yield from self._under[name]
