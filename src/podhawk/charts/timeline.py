"""How many events there are over time: spans of a round length, and a count for each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from podhawk.charts.svg import TimeSlot

MOST_SPANS: Final = 60
LENGTHS: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800, 2592000)
"""Lengths of a span in seconds that people can read at a glance."""


def length_for(first: float, last: float, most: int = MOST_SPANS) -> float:
    """The shortest of `LENGTHS` of which at most `most` cover the time, in seconds; a multiple of the last for more."""
    for one in LENGTHS:
        if math.floor(last / one) - math.floor(first / one) < most:
            return float(one)
    return LENGTHS[-1] * math.ceil((last - first + LENGTHS[-1]) / LENGTHS[-1] / (most - 1))


def counted_by_second(times: Iterable[float]) -> dict[int, int]:
    """Times, counted by whole second."""
    found: dict[int, int] = {}
    for one in times:
        second = math.floor(one)
        found[second] = found.get(second, 0) + 1
    return found


def spans_of(
    counts: Mapping[int, int], first: float | None = None, last: float | None = None, most: int = MOST_SPANS
) -> tuple[list[TimeSlot], list[int]]:
    """Spans that cover all counted times, and `first` to `last` if these are given, each with its count. Both are empty
    if there is nothing to cover."""
    ends = [*counts, *(one for one in (first, last) if one is not None)]
    if not ends:
        return [], []
    low, high = min(ends), max(ends)
    length = length_for(low, high, most)
    begin = math.floor(low / length)
    spans = [
        TimeSlot((begin + number) * length, (begin + number + 1) * length)
        for number in range(math.floor(high / length) - begin + 1)
    ]
    found = [0] * len(spans)
    for second, count in counts.items():
        found[math.floor(second / length) - begin] += count
    return spans, found
