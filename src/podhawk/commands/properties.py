"""What a command says of itself beside its code: what it does to rows and columns, and what it asks for.

The planner, the evaluation of detections and the authoring tools know commands by these values alone. Each default is
the answer that is safe for a command of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from msgspec import Struct

from podhawk.functions.declare import Volatility


class Effect(StrEnum):
    """What a command does to the rows that come in."""

    KEEPS = "keeps"
    """Every row stays and none is added; their order may change, and so may what they hold."""
    FILTERS = "filters"
    """A row stays or goes by its own values."""
    EXPANDS = "expands"
    """A row becomes any number of rows, by its own values."""
    LIMITS = "limits"
    """Rows stay or go, depending on what other rows there are."""
    GROUPS = "groups"
    """One row for each combination of values of `Command.groups`, made of the rows of that group alone."""
    REBUILDS = "rebuilds"
    """Other rows, made of all that came in; tables and other searches may have part in them."""
    UNKNOWN = "unknown"
    """Nothing is known. The command may read the input again."""


class Made(Struct, frozen=True):
    """What a column is made of: `of` are columns before the command (None: any of them).

    `unchanged` says that it holds nothing but values of those columns, `aggregated` that values of several rows may
    have part in it. `strict` says that it has no value where none of those columns has one, as `STRICT` in SQL;
    `total` that it has one in every row. `growing` says that more events can only make it larger.
    """

    of: frozenset[str] | None = None
    unchanged: bool = False
    aggregated: bool = True
    strict: bool = False
    total: bool = False
    growing: bool = False


Sources = tuple[Made, ...]
"""What a column may be made of, in the order in which it counts: the first that has a value. None at all means that
there is no such column."""

UNKNOWN: Sources = (Made(),)
NO_COLUMN: Sources = ()


def same(node: Any, name: str) -> Sources:
    """Every column is what it was."""
    return (copy(name),)


def unknown(node: Any, name: str) -> Sources:
    """A column may be made of anything."""
    return UNKNOWN


def copy(name: str, *, aggregated: bool = False) -> Made:
    """The values of a column, of the same row unless `aggregated`."""
    return Made(frozenset({name}), unchanged=True, aggregated=aggregated, strict=True)


def computed(names: Iterable[str], *, aggregated: bool = False, strict: bool = False) -> Made:
    """A value that is worked out from some columns."""
    return Made(frozenset(names), aggregated=aggregated, strict=strict)


class Resources(Struct, frozen=True):
    """What a command uses beside its rows: the lookup tables that it reads and writes, the data models that it reads,
    and whether it asks where addresses are."""

    lookups: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    geo: bool = False

    def __or__(self, other: Resources) -> Resources:
        return Resources(
            tuple(dict.fromkeys((*self.lookups, *other.lookups))),
            tuple(dict.fromkeys((*self.written, *other.written))),
            tuple(dict.fromkeys((*self.models, *other.models))),
            self.geo or other.geo,
        )


class NextGrouping(Struct, frozen=True):
    """What a command is told of the grouping that follows it: the fields that are grouped by, and whether it comes next
    and reads no other field."""

    names: tuple[str, ...]
    alone: bool


def effect(value: Effect) -> Callable[[Any], Effect]:
    """An effect that no option changes."""
    return lambda node: value


def immutable(node: Any) -> Volatility:
    """The same rows always give the same rows."""
    return Volatility.IMMUTABLE
