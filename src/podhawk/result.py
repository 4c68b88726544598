"""The result of a search: its rows as plain data, as a table in a notebook, as frames of other libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from podhawk.commands.declare import Stage
from podhawk.commands.fieldformat import Display
from podhawk.engine.search.stats import SearchStats
from podhawk.events.read import InputReport
from podhawk.frames import arrow_table, pandas_frame, polars_frame
from podhawk.notebook import html_table
from podhawk.rows import Table
from podhawk.rows.values import SparkCell, Sparkline, Value, as_text
from podhawk.wording import counted

Cell = str | list[str] | None


def plain_value(value: Value) -> str | list[str]:
    """A value as results show it: text, or a list of texts for a multivalue."""
    if isinstance(value, Sparkline):
        return SparkCell(value)
    return list(value) if isinstance(value, tuple) else str(as_text(value))


class Result(Struct):
    """The rows of a search, with what it met on the way. `remarks` say what it asks for and no event has.

    Iterating gives one dict per row: single values are text, multivalue fields lists of text, and a
    column that `table` or `stats` named but the row lacks is None.
    """

    table: Table
    observed: SearchStats
    report: InputReport
    stages: Sequence[Stage] = ()
    formats: Mapping[str, Display] = field(default_factory=dict)
    remarks: Sequence[str] = ()

    @property
    def columns(self) -> list[str]:
        """Every column, in the order of the search."""
        return self.table.header()

    def __len__(self) -> int:
        return len(self.table.rows)

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        named = self.table.columns or ()
        for row in self.table.rows:
            cells: dict[str, Cell] = dict.fromkeys(named)
            for name, value in row.items():
                cells[name] = value if value.__class__ is str else plain_value(value)
            yield cells

    def shown(self) -> Iterator[dict[str, Cell]]:
        """The rows as a table shows them: `fieldformat` changes what is shown, not the value."""
        for row, cells in zip(self.table.rows, self, strict=True):
            for name, show in self.formats.items():
                if name in row:
                    value = show(row)
                    cells[name] = None if value is None else plain_value(value)
            yield cells

    def to_arrow(self) -> Any:
        """The rows as a pyarrow table; multivalue columns are lists. Raises UsageError without pyarrow."""
        return arrow_table(list(self), self.columns)

    def to_pandas(self) -> Any:
        """The rows as a pandas frame. Raises UsageError without pandas."""
        return pandas_frame(list(self), self.columns)

    def to_polars(self) -> Any:
        """The rows as a Polars frame. Raises UsageError without Polars and pyarrow."""
        return polars_frame(list(self), self.columns)

    def __reduce__(self) -> tuple[Any, ...]:
        return Result, (self.table, self.observed, self.report)  # commands are code, and not pickled

    def __repr__(self) -> str:
        return f"<Result: {counted(len(self), 'row')}, columns {', '.join(self.columns) or '(none)'}>"

    def _repr_html_(self) -> str:
        columns = self.columns
        return html_table(columns, ([_shown(row.get(name)) for name in columns] for row in self.shown()), len(self))


def _shown(cell: Cell) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else "\n".join(cell)
