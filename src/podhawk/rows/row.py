"""Rows, their order, and the table that a finished search is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct, field

from podhawk.rows.values import Value


class OrderKey(NamedTuple):
    """Where a row stands in Splunk's order: newest first, ties by stage time, then by arrival.

    The parts are negated where larger means earlier in the result, so that plain tuple comparison
    sorts. Events without `_time` keep arrival order: their first two parts are 0.
    """

    time: float = 0.0
    stage: float = 0.0
    place: tuple[int, ...] = ()


NO_ORDER = OrderKey()


class Row(dict[str, Value]):
    """Field name to value, in the order the fields were made; `order` rides along unseen."""

    __slots__ = ("order",)

    def __init__(
        self, fields: Iterable[tuple[str, Value]] | Mapping[str, Value] = (), order: OrderKey = NO_ORDER
    ) -> None:
        super().__init__(fields)
        self.order = order

    def copy(self) -> Row:
        """The same fields under the same order key."""
        return Row(self, self.order)


class Table(Struct):
    """Rows in order, and the columns that a command such as `table` or `stats` named.

    `columns` is None while the fields are open (events); else every listed column exists in the
    output, with null where a row lacks it. Fields outside `columns` follow them.
    """

    rows: list[Row] = field(default_factory=list)
    columns: tuple[str, ...] | None = None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def header(self) -> list[str]:
        """Every column of the output: the named ones, then whatever else the rows hold."""
        seen = dict.fromkeys(self.columns or ())
        for row in self.rows:
            for name in row:
                if name not in seen:
                    seen[name] = None
        return list(seen)
