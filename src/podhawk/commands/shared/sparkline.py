"""`sparkline(count, 1h)`: an aggregation for each span of time, as a small chart in one field.

The field holds one number per span, from the beginning of the time range to its end; where the range is open, that of
all rows counts, so that the charts of several groups have the same scale. A span without rows is 0. Without a span, one
is chosen that gives at most 100 numbers. Until it is known, a state keeps pieces of a *grain* of 1 to 300 seconds,
which divides every span that can be chosen.

Source: https://help.splunk.com/en/splunk-enterprise/search/search-manual/9.4/create-statistical-tables-and-chart-visualizations/
add-sparklines-to-search-results
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final, Protocol

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.commands.properties import SearchRange
from podhawk.commands.shared.spans import TimeSpan, automatic_time, seconds_of, time_after, time_start, usable
from podhawk.rows import Row
from podhawk.rows.values import Sparkline, Value, as_number, as_text

Number = int | float
_GRAINS = (1, 5, 10, 30, 60, 300)
MOST: Final = 100
"""Numbers of a chart whose span is chosen, as sparkline_maxsize of limits.conf has it."""
MOST_STATED: Final = 10_000
"""Numbers of a chart whose span is given."""


class Inner(Protocol):
    """The aggregation of one span of time, ready to run."""

    def new(self) -> Any: ...
    def add(self, group: Any, row: Row) -> None: ...
    def finish(self, group: Any) -> dict[str, Value]: ...


class SparkPieces(Struct):
    """The states of one group, by the start of their piece of time."""

    pieces: dict[int, Any] = field(default_factory=dict)
    grain: int = 1
    low: float = math.inf
    high: float = -math.inf
    line: tuple[str, ...] | None = None

    def merge(self, other: SparkPieces) -> None:
        """Take in what another state has seen."""
        grain = max(self.grain, other.grain)
        self.coarsen(grain)
        other.coarsen(grain)
        for start, group in other.pieces.items():
            self.put(start, group)
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def put(self, start: int, group: Any) -> None:
        known = self.pieces.get(start)
        if known is None:
            self.pieces[start] = group
        else:
            known.plain[0].merge(group.plain[0])

    def coarsen(self, grain: int) -> None:
        """Put pieces together until each is at least so long."""
        if grain > self.grain:
            self.grain = grain
            pieces, self.pieces = self.pieces, {}
            for start, group in pieces.items():
                self.put(start // grain * grain, group)

    def finish(self) -> Value | None:
        """The chart, once it has been drawn."""
        return None if self.line is None else Sparkline(self.line)


class SparkRun:
    """One sparkline of a list of aggregations."""

    def __init__(self, span: TimeSpan | None, within: SearchRange, inner: Inner, context: Context) -> None:
        self.span = span
        self.within = within
        self.inner = inner
        self.zone = context.env.zone

    def add(self, state: SparkPieces, row: Row) -> None:
        time = as_number(row.get("_time"))
        if time is None or not usable(time):
            return
        piece = self._piece(state, time)
        group = state.pieces.get(piece)
        if group is None:
            group = state.pieces[piece] = self.inner.new()
        self.inner.add(group, row)
        if time < state.low or time > state.high:
            state.low, state.high = min(state.low, time), max(state.high, time)
            if self.span is None:
                size = seconds_of(automatic_time(state.low, state.high, self.zone, MOST), 0, self.zone)
                state.coarsen(max(grain for grain in _GRAINS if grain <= max(size, 1)))

    def _piece(self, state: SparkPieces, time: Number) -> int:
        if self.span is not None:
            return int(time_start(self.span, time, self.zone))
        return math.floor(time) // state.grain * state.grain

    def draw(self, states: Iterable[SparkPieces]) -> None:
        """Make the charts of all groups, on one scale of time."""
        drawn = [state for state in states if state.pieces]
        if not drawn:
            return
        low: Number = min(state.low for state in drawn)
        high: Number = max(state.high for state in drawn)
        if self.within.earliest is not None:
            low = min(low, self.within.earliest)
        if self.within.latest is not None:
            high = max(high, math.nextafter(self.within.latest, -math.inf))
        span = self.span or automatic_time(low, high, self.zone, MOST)
        starts = self._starts(span, low, high)
        for state in drawn:
            joined = SparkPieces()
            for start, group in state.pieces.items():
                joined.put(int(time_start(span, start, self.zone)), group)
            state.line = tuple(self._shown(joined.pieces.get(int(start))) for start in starts)

    def _starts(self, span: TimeSpan | Fraction, low: Number, high: Number) -> list[Number]:
        starts = [time_start(span, low, self.zone)]
        while len(starts) < MOST_STATED:
            after = time_after(span, starts[-1], self.zone)
            if after > high:
                break
            starts.append(after)
        return starts

    def _shown(self, group: Any) -> str:
        found = self.inner.finish(group) if group is not None else {}
        value = next(iter(found.values()), 0)
        return as_text(value) if not isinstance(value, tuple) else as_text(len(value))
