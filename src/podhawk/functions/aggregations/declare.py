"""The shape of an aggregation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from podhawk.rows import OrderKey
from podhawk.rows.values import Single, Value


class State(Protocol):
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
    `bare` says it may stand without a field (`count`). `takes_number` says its name ends in a number, `by_time` that it
    reads `_time` too.

    The rest says what may be relied on, and says nothing by default. `ordered` is False where the order of events
    decides nothing, `once` is True where a value that comes again changes nothing, `copies` where the result is nothing
    but values of the field, unchanged. `growing` is True where more events can only make the result larger, of values
    that are numbers and, for a sum, not below zero.
    """

    name: str
    doc: str
    example: tuple[str, str, Any]  # field values separated by blanks, call, result
    make: Callable[[float], State]
    aliases: tuple[str, ...] = ()
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
        """Whether there is a result even where there was no value."""
        return self.make(0.0).finish() is not None
