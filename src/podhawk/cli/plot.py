"""Drawings in the terminal: bars for counts by group, lines for values over time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TextIO

from podhawk.api import Cell, Result
from podhawk.charts.plotted import number_of, plotted
from podhawk.cli.linechart import MOST_SERIES, Series, line_chart
from podhawk.cli.tables import shown_time
from podhawk.engine.plan.planner import gives_groups
from podhawk.errors import UsageError
from podhawk.visible import visible_line

LABEL = 36


def draw(result: Result, out: TextIO) -> None:
    """Draw the groups of a search, as the last timechart, chart, top, rare or stats gives them. Raises UsageError for
    other results."""
    drawn = any(map(gives_groups, result.stages))
    rows = list(result)
    columns = result.columns
    labels, series = plotted(columns, rows)
    if not drawn or not rows or not series or not labels:
        raise UsageError(
            "nothing to draw",
            remedy="--plot draws the result of timechart, chart, top, rare or stats. It needs a group or a "
            "time, and at least one numeric column.",
        )
    if labels == ["_time"]:
        out.write("".join(f"{line}\n" for line in _lines(rows, series[:MOST_SERIES], _coloured(out))))
    else:
        out.write("".join(_bars(rows, labels, series[:MOST_SERIES])))


def _coloured(out: TextIO) -> bool:
    """Whether colours are wanted. Source: https://no-color.org/"""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _lines(rows: list[dict[str, Cell]], series: list[str], colour: bool) -> Iterator[str]:
    """Values over time, a line a series."""
    return line_chart(
        [
            Series(visible_line(name)[:LABEL] or "(empty)", [number_of(row.get(name)) for row in rows])
            for name in series
        ],
        [shown_time(str(row.get("_time") or ""))[5:19] for row in rows],
        _columns(),
        max(12, min(shutil.get_terminal_size((100, 30)).lines - 8, 24)),
        colour=colour,
    )


def _bars(rows: list[dict[str, Cell]], labels: list[str], series: list[str]) -> Iterator[str]:
    """One line a group and series: its name, a bar to scale, its value. Bars are blocks of an eighth."""
    names = [" ".join(_text(row.get(name)) for name in labels)[:LABEL] for row in rows]
    width = max(map(len, names))
    kinds = max(len(visible_line(name)) for name in series) if len(series) > 1 else 0
    room = max(_columns() - width - kinds - 16, 10)
    most = max(abs(number_of(row.get(name)) or 0) for row in rows for name in series) or 1
    for name, row in zip(names, rows, strict=True):
        for one in series:
            cell = row.get(one)
            if not number_of(cell) and len(series) > 1:
                continue
            eighths = round(abs(number_of(cell) or 0) / most * room * 8)
            bar = "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")
            label = f"{name:>{width}}" + (f" {visible_line(one):<{kinds}}" if kinds else "")
            yield f"{label} {bar} {_text(cell) or '0'}\n"


def _columns() -> int:
    return max(60, min(shutil.get_terminal_size((100, 30)).columns, 120))


def _text(cell: Cell) -> str:
    return visible_line(" ".join(cell) if isinstance(cell, list) else cell or "")
