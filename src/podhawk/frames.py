"""Results as data frames, of packages that podhawk does not need itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from podhawk.errors import UsageError

Cells = dict[str, str | list[str] | None]


def arrow_table(rows: Sequence[Cells], columns: Sequence[str]) -> Any:
    """A pyarrow table; a column in which any row has several values is one of lists. Raises UsageError without
    pyarrow."""
    pyarrow = _optional("pyarrow")
    lists = {name for row in rows for name, cell in row.items() if isinstance(cell, list)}

    def cell(row: Cells, name: str) -> Any:
        found = row.get(name)
        return [found] if name in lists and isinstance(found, str) else found

    return pyarrow.table({name: [cell(row, name) for row in rows] for name in columns})


def pandas_frame(rows: Sequence[Cells], columns: Sequence[str]) -> Any:
    """A pandas frame. Raises UsageError without pandas."""
    return _optional("pandas").DataFrame(rows, columns=columns)


def polars_frame(rows: Sequence[Cells], columns: Sequence[str]) -> Any:
    """A Polars frame. Raises UsageError without Polars and pyarrow."""
    return _optional("polars").from_arrow(arrow_table(rows, columns))


def _optional(package: str) -> Any:
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError as error:
        raise UsageError(f"this needs {package}: {error}", remedy=f"Install it: pip install {package}") from None
