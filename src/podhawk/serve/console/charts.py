"""Charts as SVG, drawn by the server: shapes with classes, which the style sheet colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from podhawk.detect.activity.identity_rows import SEVERITIES

HEIGHT: Final = 48.0


class ColumnPart(Struct, frozen=True):
    """A part of a column: its class, and where it is from the top."""

    name: str
    top: float
    height: float


class Column(Struct, frozen=True):
    """A column of a chart: its place in percent, its parts, what it stands for, and where a click leads."""

    left: float
    width: float
    parts: tuple[ColumnPart, ...]
    start: float
    end: float
    count: int
    link: str


def columns(bars: Sequence[tuple[float, float, Sequence[int], str]]) -> list[Column]:
    """Columns of counts by severity, the highest at the bottom. The tallest fills the height."""
    most = max((sum(counts) for _, _, counts, _ in bars), default=0)
    if not most:
        return []
    width = 100 / len(bars)
    found = []
    for number, (start, end, counts, link) in enumerate(bars):
        parts = []
        bottom = HEIGHT
        for severity in reversed(range(len(SEVERITIES))):
            if counts[severity]:
                height = max(1.5, counts[severity] / most * HEIGHT)
                bottom -= height
                parts.append(ColumnPart(SEVERITIES[severity], max(0.0, round(bottom, 2)), round(height, 2)))
        found.append(
            Column(round(number * width, 3), round(width * 0.86, 3), tuple(parts), start, end, sum(counts), link)
        )
    return found


class Point(Struct, frozen=True):
    """A point of a line, in the units of the drawing."""

    x: float
    y: float


def steps(points: Sequence[tuple[float, float]], width: float, height: float) -> tuple[str, list[Point]]:
    """A line that rises in steps, as the path of an SVG, and its points. Times stand from left to right, the highest
    value at the top."""
    if not points:
        return "", []
    first, last = points[0][0], points[-1][0]
    most = max(value for _, value in points) or 1.0
    span = (last - first) or 1.0
    placed = [
        Point(round((time - first) / span * width, 1), round(height - value / most * height, 1))
        for time, value in points
    ]
    path = f"M0 {height:g}" + "".join(f"H{one.x:g}V{one.y:g}" for one in placed) + f"H{width:g}"
    return path, placed
