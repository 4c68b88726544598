"""Tables on a terminal: aligned, wide values folded, control characters made visible."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

from podhawk.api import Cell
from podhawk.cli.table_layout import table_lines
from podhawk.rows.values import SparkCell, as_number
from podhawk.visible import visible_block, visible_line

MAXIMUM_COLUMNS = 14
PIPED_WIDTH = 160
_BARS = "▁▂▃▄▅▆▇█"
_EVENT_COLUMNS = (
    "_time",
    "stage",
    "verb",
    "user.username",
    "sourceIPs{}",
    "objectRef.resource",
    "objectRef.subresource",
    "objectRef.namespace",
    "objectRef.name",
    "responseStatus.code",
)


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


def event_columns(columns: Sequence[str]) -> list[str]:
    """The columns to show of raw events, which have far more fields than fit."""
    chosen = [name for name in _EVENT_COLUMNS if name in columns]
    if "verb" in chosen:
        return chosen
    return [name for name in ("_time", "_raw") if name in columns] or list(columns)[:MAXIMUM_COLUMNS]


def print_table(rows: Sequence[dict[str, Cell]], columns: Sequence[str], out: TextIO, title: str = "") -> None:
    """An aligned table, as wide as the terminal at most; cells are folded where the columns do not fit."""
    if not columns:
        return
    terminal = out.isatty() if hasattr(out, "isatty") else False
    width = shutil.get_terminal_size((80, 25)).columns if terminal else PIPED_WIDTH
    right = [name != "_time" and all(_numeric(row.get(name)) for row in rows) for name in columns]
    cells = [[cell_text(name, row.get(name)) for name in columns] for row in rows]
    if title:
        out.write(visible_line(title) + "\n")
    bold = terminal and os.environ.get("TERM") != "dumb"
    for line in table_lines([visible_line(name) for name in columns], cells, right, width, _bold if bold else str):
        out.write(line + "\n")


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[22m"


def _numeric(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and cell.replace(".", "", 1).isdigit())


def note(text: str) -> None:
    """A message on standard error."""
    sys.stderr.write(visible_block(text) + "\n")
