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
    `bare` says it may stand without a field (`count`). `takes_number` says its name ends in a number.
    `ordered` says that the order of events decides, `once` that a value which comes again changes nothing.
    """

    name: str
    doc: str
    example: tuple[str, str, Any]  # field values separated by blanks, call, result
    make: Callable[[float], State]
    aliases: tuple[str, ...] = ()
    bare: bool = False
    takes_number: bool = False
    by_time: bool = False
    ordered: bool = False
    once: bool = False
    source: str = ""
