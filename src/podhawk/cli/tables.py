"""Tables on a terminal: aligned, wide values folded or clipped, control characters made visible."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import TextIO

from podhawk.api import Cell
from podhawk.cli.progress import end_bars
from podhawk.cli.table_layout import clipped_lines, table_lines
from podhawk.rows.values import SparkCell, as_number
from podhawk.visible import visible_block, visible_line
from podhawk.wording import counted

PIPED_WIDTH = 160
NARROWEST_TABLE = 20
"""COLUMNS is taken for a mistake if it is less."""
NARROW = 100
"""The width of a table below which it leaves out what can be spared."""
_BARS = "▁▂▃▄▅▆▇█"


def shown_time(text: str) -> str:
    """Epoch seconds as a UTC time."""
    try:
        moment = datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return text
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def cell_text(name: str, cell: Cell) -> str:
    """A cell as the table shows it."""
    if cell is None:
        return ""
    if isinstance(cell, SparkCell):
        return small_chart(cell)
    texts = [cell] if isinstance(cell, str) else cell
    if name == "_time":
        texts = [shown_time(text) for text in texts]
    return "\n".join(visible_line(text) for text in texts)


def small_chart(numbers: Sequence[str]) -> str:
    """Numbers as a line of bars, from the smallest to the largest."""
    values = [as_number(text) or 0 for text in numbers]
    low, high = min(values, default=0), max(values, default=0)
    steps = len(_BARS) - 1
    return "".join(_BARS[round((value - low) / (high - low) * steps) if high > low else 0] for value in values)


def print_table(rows: Sequence[dict[str, Cell]], columns: Sequence[str], out: TextIO, title: str = "") -> None:
    """An aligned table, as wide as the terminal at most; cells are folded where the columns do not fit."""
    if not columns:
        return
    width = table_width(out)
    right = [name != "_time" and all(_numeric(row.get(name)) for row in rows) for name in columns]
    cells = [[cell_text(name, row.get(name)) for name in columns] for row in rows]
    if title:
        out.write(visible_line(title) + "\n")
    bold = _bold if takes_styles(out) else str
    for line in table_lines([visible_line(name) for name in columns], cells, right, width, bold):
        out.write(line + "\n")


Style = Callable[[str, Cell], str]
"""The SGR parameters for a cell, by its column and value; "" for plain text."""


def print_clipped(
    rows: Sequence[dict[str, Cell]],
    columns: Sequence[str],
    out: TextIO,
    *,
    fixed: Collection[str] = (),
    limit: int | None = None,
    noun: str = "row",
    title: str = "",
    style: Style = lambda name, cell: "",
    middle: Collection[str] = (),
) -> None:
    """A table with one line per row, as wide as the terminal at most; `fixed` columns are clipped last, those in
    `middle` lose their middle. A line below says how many rows there are if `limit` leaves some out."""
    if not columns or not rows:
        return
    shown = rows[:limit]
    cells = [[cell_text(name, row.get(name)) for name in columns] for row in shown]
    right = [name != "_time" and _all_count([row.get(name) for row in shown]) for name in columns]
    if title:
        out.write(visible_line(title) + "\n")

    def styled(row: int, column: int, text: str) -> str:
        if row < 0:
            return _bold(text)
        code = style(columns[column], shown[row].get(columns[column]))
        return f"\x1b[{code}m{text}\x1b[0m" if code and has_colours(out) else text

    header, keep = [visible_line(name) for name in columns], [name in fixed for name in columns]
    plain: Callable[[int, int, str], str] = lambda row, column, text: text  # noqa: E731
    inside, emphasis = [name in middle for name in columns], styled if takes_styles(out) else plain
    for line in clipped_lines(header, cells, right, table_width(out), keep, emphasis, inside):
        out.write(line + "\n")
    if len(shown) < len(rows):
        out.write(f"{len(shown):,} of {counted(len(rows), noun)} shown\n")


def _all_count(cells: Sequence[Cell]) -> bool:
    """Whether cells hold numbers, apart from empty ones."""
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(map(_counts, filled))


def _counts(cell: Cell) -> bool:
    return _numeric(cell.replace(",", "").rstrip("%") if isinstance(cell, str) else cell)


def table_width(out: TextIO) -> int:
    """Columns of a table: those of the terminal; where there is none, what COLUMNS says, or a fixed number."""
    if out.isatty() if hasattr(out, "isatty") else False:
        return shutil.get_terminal_size((80, 25)).columns
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdecimal() and len(said) < 6 and int(said) >= NARROWEST_TABLE else PIPED_WIDTH


def takes_styles(out: TextIO) -> bool:
    """Whether bold text can be shown."""
    return hasattr(out, "isatty") and out.isatty() and os.environ.get("TERM") != "dumb"


def has_colours(out: TextIO) -> bool:
    """Whether colours are wanted. Source: https://no-color.org"""
    return takes_styles(out) and not os.environ.get("NO_COLOR")


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[22m"


def _numeric(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and cell.replace(".", "", 1).isdigit())


def note(text: str) -> None:
    """A message on standard error."""
    end_bars()
    sys.stderr.write(visible_block(text) + "\n")
