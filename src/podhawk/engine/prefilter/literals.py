"""The literals that a line must contain before a clause can match it.

A clause is turned into *groups*: a line can match only if it contains at least one literal of every group. A clause
without groups tells nothing, and every line must be read. Groups may let lines through that do not match; they never
keep back a line that does. This holds because of the following rules:

* Lines are matched as they were written, so the text of a value must stand in the line as it is. JSON may escape `"`,
  `\\`, `/`, control and non-ASCII characters, and the API server escapes `&`, `<`, `>`. A literal is the longest run of
  a value without any of these. A line in which an escape spells another character is always read
  (`podhawk.engine.prefilter.prefilter`).
* A value that could be a number, `true`, `false` or `null` may stand without quotes, but has a delimiter of JSON on
  both sides. Any other value without a wildcard stands between quotes, and one with a wildcard has a quote before what
  it begins with and after what it ends with. Backslashes may stand before these, if the event is a string inside a
  string.
* Values compare without regard to case, and so does the search for literals. No non-ASCII character equals an ASCII
  one.
* Any comparison needs the field, so each part of its name between dots must be in the line. A search for something in a
  request's body thus passes over all events without one. NOT needs nothing.
* OR is as weak as its weakest side. A network, an empty text, a time, or a condition on source, sourcetype, host or
  index tells nothing about the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from podhawk.events.event import METADATA
from podhawk.functions.patterns import network
from podhawk.rows.values import as_number
from podhawk.spl import clause as spl
from podhawk.spl.clause import Clause

SHORTEST = 3
LONGEST = 500
"""Characters of a literal. Hyperscan takes no pattern of more than 16,000, and a beginning is as rare."""
MOST_ALTERNATIVES = 64
_BREAKS = re.compile(r"[^ !#-%'-.0-;=?-\[\]-~]+")  # quotes, \ / & < >, and all that is not printable ASCII
_NOT_IN_LINES: Final = frozenset({*METADATA, "_time", "_raw"})
_BARE = frozenset({"true", "false", "null"})
_UNQUOTED: Final = (*_BARE, "nan", "infinity")


class LineLiteral(Struct, frozen=True):
    """A run of plain ASCII characters. `opens` and `closes` say that a quote must stand before or after it, `bare` that
    it is a whole value with or without quotes, `key` that it is a part of a field's name."""

    text: str
    opens: bool = False
    closes: bool = False
    bare: bool = False
    key: bool = False

    @property
    def strength(self) -> int:
        """How selective it may be: values are more selective than names, true and false least of all."""
        length = len(self.text) + self.opens + self.closes
        return length if self.key or self.text.lower() in _BARE else length + 1000


LiteralGroup = frozenset[LineLiteral]
LiteralGroups = tuple[LiteralGroup, ...]
PLAIN: Final = '{"kind":"Event",'
"""The beginning of a line that the API server writes."""
CARRIED: Final[LiteralGroups] = (frozenset({LineLiteral("")}),)
"""The groups of a search that selects events in a carrier's view only: lines that begin in another way. Each carrier
wraps events in an object of its own, and none of these is called an Event."""


def groups_of(clause: Clause) -> LiteralGroups:
    """The groups of a clause; none if it tells nothing about lines."""
    match clause:
        case spl.And(parts=parts):
            return tuple(dict.fromkeys(group for part in parts for group in groups_of(part)))
        case spl.Or(parts=parts):
            return _either([groups_of(part) for part in parts])
        case spl.Compare(name=name) | spl.In(name=name) if name in _NOT_IN_LINES:
            return ()
        case spl.Compare(operator="=", value=""):
            return ()
        case spl.Compare(name=name, operator="=", value=value):
            return (*_value(value), *_name(name))
        case spl.Compare(name=name):
            return _name(name)
        case spl.In(name=name, values=values) if all(values):
            return (*_either([_value(value) for value in values]), *_name(name))
        case spl.Term(text=text):
            return _longest(text.split("*"))
        case _:
            return ()


def _either(sides: list[LiteralGroups]) -> LiteralGroups:
    """The groups that all sides have in common, and groups of the rest: the most selective of each side together, then
    the next ones, as long as each side has one. None if a side tells nothing."""
    if not sides or not all(sides):
        return ()
    common = [group for group in sides[0] if all(group in side for side in sides)]
    rests = [sorted((group for group in side if group not in common), key=_weakest, reverse=True) for side in sides]
    merged = [frozenset[LineLiteral]().union(*groups) for groups in zip(*rests, strict=False)]
    return tuple(dict.fromkeys((*(group for group in merged if len(group) <= MOST_ALTERNATIVES), *common)))


def _weakest(group: LiteralGroup) -> int:
    return min(literal.strength for literal in group)


def _value(value: str) -> LiteralGroups:
    if network(value) is not None:
        return ()
    pieces = value.split("*")
    if len(pieces) == 1 and len(value) <= LONGEST and not _BREAKS.search(value):
        # A number has one spelling per event only as text: 403 is 403, with or without quotes.
        quoted = as_number(value) is None and value.lower() not in _BARE
        literal = LineLiteral(value, quoted, quoted, not quoted)
        return (frozenset({literal}),) if len(value) + quoted >= SHORTEST else ()
    return _longest_of_value(pieces)


def _longest_of_value(pieces: Sequence[str]) -> LiteralGroups:
    """The longest run of a value with wildcards, with the quote that stands beside it."""
    found: list[LineLiteral] = []
    for number, piece in enumerate(pieces):
        runs = _BREAKS.split(piece)
        for place, run in enumerate(runs):
            if len(run) >= SHORTEST:
                first = number == place == 0
                last = (number, place) == (len(pieces) - 1, len(runs) - 1) and len(run) <= LONGEST
                opens, closes = first and not _may_begin_bare(run), last and not _may_end_bare(run)
                found.append(LineLiteral(run[:LONGEST], opens, closes))
    return (frozenset({max(found, key=lambda one: len(one.text))}),) if found else ()


def _may_begin_bare(run: str) -> bool:
    """Whether a value that begins so may stand without quotes."""
    return not run[0].isalpha() or any(one.startswith(run.lower()) for one in _UNQUOTED)


def _may_end_bare(run: str) -> bool:
    """Whether a value that ends so may stand without quotes."""
    return not run[-1].isalpha() or any(one.endswith(run.lower()) for one in _UNQUOTED)


def _name(name: str) -> LiteralGroups:
    # Shippers rename annotation keys: a dash may stand as an underscore.
    return tuple(dict.fromkeys(frozenset({LineLiteral(run, key=True)}) for run in _runs(re.split(r"[.{}_*-]+", name))))


def _longest(pieces: Iterable[str]) -> LiteralGroups:
    runs = _runs(pieces)
    return (frozenset({LineLiteral(max(runs, key=len))}),) if runs else ()


def _runs(pieces: Iterable[str]) -> list[str]:
    return [run[:LONGEST] for piece in pieces for run in _BREAKS.split(piece) if len(run) >= SHORTEST]
