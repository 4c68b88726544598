"""What a line must contain before a clause can match it.

A clause is turned into *groups*: a line can match only if, of every group, it contains one literal at
least. No group at all means nothing is known, and every line must be looked at. The groups may let lines
through that do not match; they never keep one back that does. The rules that make this sound:

* The text of a value stands in the line as it is, since lines are matched as they were written. JSON may
  escape `"`, `\\`, `/`, control and non-ASCII characters, and the API server escapes `&`, `<`, `>`: a literal
  is the longest run of a value without any of these. A line in which an escape spells another character
  is always looked at (`podhawk.engine.sieve`).
* A value that could be a number, `true`, `false` or `null` may stand without quotes, but has a border of JSON on both
  sides. Any other value without a wildcard stands between quotes, before which backslashes may stand when the
  event is a string inside a string.
* Values compare without regard to case, so does the search for literals. No non-ASCII character equals an
  ASCII one.
* `!=`, `<` and their kin want the field, so a part of its name between dots must be there. NOT wants nothing.
* OR is as weak as its weakest side. A network, an empty text, a time or a condition on source, sourcetype,
  host or index tells nothing about the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from podhawk.functions.patterns import network
from podhawk.rows.values import as_number
from podhawk.spl import clause as spl
from podhawk.spl.clause import Clause

SHORTEST = 3
MOST_ALTERNATIVES = 64
_BREAKS = re.compile(r'["\\/&<>\x00-\x1f\x7f-\U0010ffff]+')
_METADATA = frozenset({"source", "sourcetype", "host", "index", "_time", "_raw"})
_BARE = frozenset({"true", "false", "null"})


@dataclass(frozen=True, slots=True)
class Literal:
    """A run of plain ASCII characters; `opens` and `closes` say that a quote must stand beside it, `bare` that it is a
    whole value, with or without quotes."""

    text: str
    opens: bool = False
    closes: bool = False
    bare: bool = False

    @property
    def strength(self) -> int:
        return len(self.text) + self.opens + self.closes


Group = frozenset[Literal]
Groups = tuple[Group, ...]


def groups_of(clause: Clause) -> Groups:
    """The groups of a clause; none if it tells nothing."""
    match clause:
        case spl.And(parts=parts):
            return tuple(dict.fromkeys(group for part in parts for group in groups_of(part)))
        case spl.Or(parts=parts):
            return _either([groups_of(part) for part in parts])
        case spl.Compare(name=name) if name in _METADATA:
            return ()
        case spl.Compare(name=name, operator="=", value=value):
            return _value(name, value)
        case spl.Compare(name=name):
            return _name(name)
        case spl.In(name=name) if name in _METADATA:
            return ()
        case spl.In(name=name, values=values):
            return _either([_value(name, value) for value in values])
        case spl.Term(text=text):
            return _one(_longest(text.split("*")))
        case _:
            return ()


def _either(sides: list[Groups]) -> Groups:
    """One group in which each side has its best group; nothing if a side tells nothing."""
    if not all(sides):
        return ()
    best = [max(groups, key=_weakest) for groups in sides]
    merged: Group = frozenset().union(*best)
    return (merged,) if len(merged) <= MOST_ALTERNATIVES else ()


def _weakest(group: Group) -> int:
    return min(literal.strength for literal in group)


def _one(literal: Literal | None) -> Groups:
    return () if literal is None else (frozenset({literal}),)


def _value(name: str, value: str) -> Groups:
    if network(value) is not None:
        return ()
    if value.strip("*") == "":
        return _name(name) if value else ()
    pieces = value.split("*")
    if len(pieces) == 1 and not _BREAKS.search(value):
        # A number has one spelling per event only as text: 403 is 403, with or without quotes.
        quoted = as_number(value) is None and value.lower() not in _BARE
        return _one(Literal(value, quoted, quoted, not quoted)) if len(value) + quoted >= SHORTEST else ()
    return _one(_longest(pieces))


def _name(name: str) -> Groups:
    # Shippers rename annotation keys: a dash may stand as an underscore.
    return _one(_longest(re.split(r"[.{}_-]+", name)))


def _longest(pieces: Iterable[str]) -> Literal | None:
    runs = [run for piece in pieces for run in _BREAKS.split(piece) if len(run) >= SHORTEST]
    return Literal(max(runs, key=len)) if runs else None
