"""Lines over time, drawn with text.

A chart is a grid of characters, and each character a grid of two by four dots (a Braille pattern). Lines are drawn dot
by dot. With colours, a character shows its dots in the colour of the line that was drawn last. Without colours, dots
cannot tell one line from another, so each line has a character of its own. The legend stands below the chart and says
which line is which.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from msgspec import Struct

from podhawk.charts.scale import number_text, scale

COLOURS = ("36", "33", "35", "32", "31", "34", "96", "93")
"""Foreground colours of the terminal (SGR), readable on dark and on light backgrounds; the background is left alone."""
MARKS = "●○■□▲△◆◇"
MOST_SERIES = len(MARKS)
_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a Braille pattern, by row and column."""


class Series(Struct, frozen=True):
    """A line: its name, and a value for each position; None leaves a gap."""

    name: str
    values: Sequence[float | None]


def line_chart(
    series: Sequence[Series], labels: Sequence[str], width: int, height: int, *, colour: bool
) -> Iterator[str]:
    """The lines of text that draw some series (at most `MOST_SERIES`) over positions with labels.

    `width` and `height` are in characters: the width of all, the height of the drawing without axis and legend.
    """
    known = [value for one in series for value in one.values if value is not None]
    low, high, ticks = scale(min(known, default=0), max(known, default=0), max(height // 4, 2))
    names = [number_text(tick) for tick in ticks]
    margin = max(map(len, names))
    columns = max(width - margin - 2, 8)
    grid = ChartGrid(columns, height)
    for number, one in enumerate(series):
        grid.draw(number, _places(one.values, len(labels), low, high, columns, height))
    at = {round((high - tick) / (high - low) * (height - 1)): name for tick, name in zip(ticks, names, strict=True)}
    for row in range(height):
        yield f"{at.get(row, ''):>{margin}} {'┤' if row in at else '│'}{grid.text(row, colour)}".rstrip()
    marks, names_below = _axis(labels, columns)
    yield f"{'':>{margin}} └{marks}"
    yield f"{'':>{margin}}  {names_below}".rstrip()
    yield from _legend([one.name for one in series], width, colour)


class ChartGrid:
    """Characters of two by four dots each, and which line each character shows."""

    def __init__(self, columns: int, rows: int) -> None:
        self._dots = [[0] * columns for _ in range(rows)]
        self._line = [[0] * columns for _ in range(rows)]

    def draw(self, number: int, places: Sequence[tuple[int, int] | None]) -> None:
        """A line through places (column and row of a dot), broken where there is none."""
        before = None
        for place in places:
            if place is not None:
                for x, y in _between(before or place, place):
                    self._dots[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
                    self._line[y // 4][x // 2] = number
            before = place

    def text(self, row: int, colour: bool) -> str:
        """A row of characters."""
        return "".join(
            " " if not dots else _coloured(chr(_BRAILLE | dots), number) if colour else MARKS[number]
            for dots, number in zip(self._dots[row], self._line[row], strict=True)
        )


def _places(
    values: Sequence[float | None], count: int, low: float, high: float, columns: int, rows: int
) -> list[tuple[int, int] | None]:
    """Where values stand, in dots; the first position is at the left border, the last one at the right."""
    across, down = (columns * 2 - 1) / max(count - 1, 1), (rows * 4 - 4) / (high - low)
    return [
        None if value is None else (round(position * across), round((high - value) * down) + 1)
        for position, value in enumerate(values)
    ]


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots of a straight line."""
    (x, y), (to_x, to_y) = start, end
    steps = max(abs(to_x - x), abs(to_y - y), 1)
    for step in range(steps + 1):
        yield round(x + (to_x - x) * step / steps), round(y + (to_y - y) * step / steps)


def _axis(labels: Sequence[str], columns: int) -> tuple[str, str]:
    """The axis below the drawing, and labels of some positions, as many as fit side by side."""
    marks, text = ["─"] * columns, ""
    across = (columns - 1) / max(len(labels) - 1, 1)
    width = max(map(len, labels), default=0) + 2
    step = max(math.ceil(width / across), 1)
    for position in range(0, len(labels), step):
        at = round(position * across)
        label = labels[position]
        start = min(max(at - len(label) // 2, 0), columns - len(label))
        if start < 0 or (text and start < len(text) + 2):
            continue
        marks[at] = "┬"
        text = text.ljust(start) + label
    return "".join(marks), text


def _legend(names: Sequence[str], width: int, colour: bool) -> Iterator[str]:
    line, length = "", 0
    for number, name in enumerate(names):
        entry = f"{_coloured('━━', number) if colour else MARKS[number]} {name}"
        room = len(name) + (3 if colour else 2)
        if line and length + room + 3 > width:
            yield line
            line, length = "", 0
        line, length = (f"{line}   {entry}", length + room + 3) if line else (entry, room)
    yield line


def _coloured(text: str, number: int) -> str:
    return f"\x1b[{COLOURS[number % len(COLOURS)]}m{text}\x1b[39m"
