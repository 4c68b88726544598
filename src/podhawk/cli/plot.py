"""Drawings in the terminal: bars for counts by group, lines for values over time."""

from __future__ import annotations

import shutil
from typing import TextIO

from podhawk.api import Result
from podhawk.cli.tables import shown_time, visible
from podhawk.errors import UsageError
from podhawk.rows.values import as_number

_DRAWN = frozenset({"timechart", "chart", "top", "rare", "stats"})


def draw(result: Result, out: TextIO) -> None:
    """Draw the last timechart, chart, top, rare or stats of a search. Raises UsageError for other results."""
    import plotext

    last = next((stage.name for stage in reversed(list(result.display)) if stage.name in _DRAWN), "")
    columns = result.columns
    rows = list(result)
    numeric = [name for name in columns[1:] if any(_number(row.get(name)) is not None for row in rows)
               and name not in ("percent", "_span") and not name.startswith("_")]
    if not last or not rows or not numeric:
        raise UsageError("there is nothing to draw", remedy="--plot draws the result of timechart, chart, top, rare "
                         "or stats with at least one number.")
    label = columns[0]
    names = [visible(str(row.get(label) or "")) for row in rows]
    plotext.clear_figure()
    plotext.plot_size(min(shutil.get_terminal_size((100, 30)).columns, 120), 24)
    plotext.theme("clear")
    if label == "_time":
        positions = list(range(len(rows)))
        for name in numeric[:10]:
            plotext.plot(positions, [_number(row.get(name)) or 0 for row in rows], label=visible(name))
        step = max(1, len(rows) // 6)
        ticks = positions[::step]
        plotext.xticks(ticks, [shown_time(names[tick])[5:16] for tick in ticks])
    elif len(numeric) == 1:
        plotext.bar([name[:40] for name in names], [_number(row.get(numeric[0])) or 0 for row in rows],
                    orientation="horizontal", width=0.5)
        plotext.title(visible(numeric[0]))
    else:
        plotext.multiple_bar([name[:24] for name in names],
                             [[_number(row.get(name)) or 0 for row in rows] for name in numeric[:8]],
                             labels=[visible(name) for name in numeric[:8]])
    out.write(plotext.build() + "\n")


def _number(cell: object) -> float | None:
    number = as_number(cell) if isinstance(cell, str) else None
    return None if number is None else float(number)
