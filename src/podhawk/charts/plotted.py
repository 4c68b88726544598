"""What of a result can be drawn: columns of numbers are series, the others are labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from podhawk.rows.values import as_number

_LEFT_OUT: Final = frozenset({"percent"})
"""Columns that repeat others."""

PlotCell = str | list[str] | None
PlotRows = Sequence[Mapping[str, PlotCell]]


def plotted(columns: Sequence[str], rows: PlotRows) -> tuple[list[str], list[str]]:
    """The columns that name the rows of a result, and those that are drawn. Nothing can be drawn if either is empty."""
    series = [
        name
        for name in columns
        if name not in _LEFT_OUT
        and not name.startswith("_")
        and any(row.get(name) is not None for row in rows)
        and all(row.get(name) is None or number_of(row.get(name)) is not None for row in rows)
    ]
    return [name for name in columns if name not in series and name not in _LEFT_OUT], series


def number_of(cell: PlotCell) -> float | None:
    """The number that a cell is, if it is one."""
    number = as_number(cell) if isinstance(cell, str) else None
    return None if number is None else float(number)
