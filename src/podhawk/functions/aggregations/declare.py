"""The shape of an aggregation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from podhawk.rows import OrderKey
from podhawk.rows.values import Single, Value


class AggregationState(Protocol):
    """What one aggregation remembers of one group."""

    def add(self, value: Single, order: OrderKey) -> None:
        """Take in one value (each value of a multivalue field comes alone)."""

    def merge(self, other: Any) -> None:
        """Take in what another state of the same kind has seen; the order of merging is free."""

    def finish(self) -> Value | None:
        """The result, or None for null."""


class Aggregation(Struct, frozen=True):
    """One aggregation, declared once.

    `make(argument)` starts a state; `argument` is the number in names such as `perc95`, else 0.
    `known_as` are names that other languages have for it, which an error answers with this one.
    `bare` says it may stand without a field (`count`). `takes_number` says its name ends in a number. `by_time` says
    that it also reads `_time`.

    The other flags are promises; the default promises nothing. `ordered=False`: the order of events does not matter.
    `once`: a repeated value changes nothing. `copies`: the result consists of unchanged values of the field. `growing`:
    more events can only make the result larger, provided that all values are numbers and that none is negative.
    """

    name: str
    doc: str
    example: tuple[str, str, Any]  # field values separated by blanks, call, result
    make: Callable[[float], AggregationState]
    aliases: tuple[str, ...] = ()
    known_as: tuple[str, ...] = ()
    bare: bool = False
    takes_number: bool = False
    by_time: bool = False
    ordered: bool = True
    once: bool = False
    copies: bool = False
    growing: bool = False
    source: str = ""

    @property
    def state(self) -> type:
        """The class of its states."""
        return type(self.make(0.0))

    @property
    def total(self) -> bool:
        """Whether there is a result even without any value."""
        return self.make(0.0).finish() is not None
