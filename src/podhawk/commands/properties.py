"""Types for what a command declares beside its code: its effect on rows and columns, and the resources it uses.

The planner, the evaluation of detections and the authoring tools use these values, and no knowledge of single commands.
Each default is the safe answer for a command that declares nothing.
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
    """A row stays or goes depending on the other rows."""
    GROUPS = "groups"
    """One row for each combination of values of `Command.groups`, made only from the rows of that group."""
    REBUILDS = "rebuilds"
    """Different rows, made from all input rows; lookup tables and other searches may contribute."""
    UNKNOWN = "unknown"
    """Nothing is known; the command may even read the input again."""


class Made(Struct, frozen=True):
    """One source of a column: `of` are the columns before the command that it is made from (None: any of them).

    | member | meaning |
    |---|---|
    | unchanged | all values are values of those columns |
    | aggregated | a value may depend on several rows |
    | strict | there is no value if none of those columns has one (as `STRICT` in SQL) |
    | total | there is a value in every row |
    | growing | more events can only make it larger |
    """

    of: frozenset[str] | None = None
    unchanged: bool = False
    aggregated: bool = True
    strict: bool = False
    total: bool = False
    growing: bool = False


Sources = tuple[Made, ...]
"""The sources of a column; the first one that has a value counts. An empty tuple means that there is no such column."""

UNKNOWN: Sources = (Made(),)
NO_COLUMN: Sources = ()


def same(node: Any, name: str) -> Sources:
    """No column changes."""
    return (copy(name),)


def unknown(node: Any, name: str) -> Sources:
    """A column may be made from anything."""
    return UNKNOWN


def copy(name: str, *, aggregated: bool = False) -> Made:
    """The value of a column, of the same row unless `aggregated`."""
    return Made(frozenset({name}), unchanged=True, aggregated=aggregated, strict=True)


def computed(names: Iterable[str], *, aggregated: bool = False, strict: bool = False) -> Made:
    """A value computed from some columns."""
    return Made(frozenset(names), aggregated=aggregated, strict=strict)


class Resources(Struct, frozen=True):
    """What a command uses besides its rows: lookup tables that it reads (`lookups`) and writes, data models that it
    reads, and the geo database."""

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
    """The next grouping of a search: the fields it groups by, and whether it is the next command and reads no other
    field (`alone`)."""

    names: tuple[str, ...]
    alone: bool


class SearchRange(Struct, frozen=True):
    """The time range of a search in epoch seconds, from its own time bounds and those of the run; None: open."""

    earliest: float | None = None
    latest: float | None = None


def effect(value: Effect) -> Callable[[Any], Effect]:
    """An effect that does not depend on options."""
    return lambda node: value


def immutable(node: Any) -> Volatility:
    """The volatility of a command whose output depends only on its rows and on lookup tables."""
    return Volatility.IMMUTABLE
