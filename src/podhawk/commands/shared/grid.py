"""The table of rows and series that chart and timechart fill.

A state maps each row (a value or a bin of the row field) to its cells, one per series. Where the row's
bins are given, values go straight into them. Where the range of the values decides, the state keeps finer
pieces and puts them together at the end: for other fields the values themselves, for `_time` pieces of a
*grain* of 1 to 300 seconds that grows with the range, so that memory stays small over a year of events.
Every grain divides the spans that can still be chosen, so merging pieces loses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.commands.properties import SearchRange
from podhawk.commands.shared.aggregate import Aggregator, Group
from podhawk.commands.shared.bins import Bins, Cut, chosen_span, cutter
from podhawk.commands.shared.groups import sort_key
from podhawk.commands.shared.items import Item, item_columns
from podhawk.commands.shared.series import Label, SeriesCell, SeriesCells, SeriesOptions, lay_out
from podhawk.commands.shared.spans import (
    Span,
    TimeSpan,
    as_time,
    number_range,
    range_label,
    seconds_of,
    time_after,
    usable,
)
from podhawk.commands.shared.sparkline import SparkPieces
from podhawk.functions.aggregations.arithmetic import rounded
from podhawk.rows import Filled, Row, Table, texts
from podhawk.rows.values import Value, as_number, as_text

Number = int | float
_GRAINS = (1, 5, 10, 30, 60, 300)
FILL_LIMIT = 50_000


class Grid(Struct, frozen=True):
    """What to compute: `rates` gives the seconds of the unit for results that are rates per span. `within` is the time
    range that rows must fill."""

    items: tuple[Item, ...]
    over: str
    by: str
    bins: Bins
    by_bins: Bins
    options: SeriesOptions
    rates: dict[str, int] = field(default_factory=dict)
    partial: bool = True
    within: SearchRange = SearchRange()

    @property
    def binned(self) -> bool:
        return self.over == "_time" or self.bins.stated


class Line(Struct):
    shown: str | Number
    cells: SeriesCells = field(default_factory=dict)


class GridState(Struct):
    """Lines by where they stand; `low` and `high` are the extremes of a row field that is cut into bins."""

    lines: dict[str | Number, Line] = field(default_factory=dict)
    grain: int = 1
    low: Number = math.inf
    high: Number = -math.inf


GRID_STATES: Final = (GridState, Line, SeriesCell, Group, SparkPieces)
"""The classes that occur in a state."""


class GridRun:
    """A grid as a mergeable."""

    def __init__(self, grid: Grid, context: Context) -> None:
        self.grid = grid
        self.context = context
        self.aggregator = Aggregator(grid.items, context, tuple(name for name in (grid.over, grid.by) if name))
        self.cut: Cut | None = (
            cutter(grid.bins, grid.bins.span, grid.over, context) if grid.bins.span is not None else None
        )
        self.by_cut: Cut | None = (
            cutter(grid.by_bins, grid.by_bins.span, grid.by, context) if grid.by_bins.span is not None else None
        )
        self.open_time = grid.over == "_time" and self.cut is None

    def start(self) -> GridState:
        return GridState()

    def add(self, state: GridState, rows: Iterable[Row]) -> None:
        for row in rows:
            labels = self._labels(row)
            for key, shown in self._places(state, row):
                line = state.lines.get(key)
                if line is None:
                    line = state.lines[key] = Line(shown)
                elif isinstance(line.shown, Filled) and not isinstance(shown, Filled):
                    line.shown = shown
                for label in labels:
                    cell = line.cells.get(label)
                    if cell is None:
                        cell = line.cells[label] = SeriesCell(self.aggregator.new())
                    cell.count += 1
                    self.aggregator.add(cell.group, row)
        self._coarsen(state)

    def _labels(self, row: Row) -> list[Label]:
        if not self.grid.by:
            return [""]
        value = row.get(self.grid.by)
        if value is None:
            return [None] if self.grid.options.usenull else []
        found: list[Label] = []
        for text in texts(value):
            number = as_number(text) if self.by_cut is not None else None
            bin_ = self.by_cut(number) if self.by_cut is not None and number is not None and usable(number) else None
            found.append(as_text(bin_[1]) if bin_ is not None else text)
        return list(dict.fromkeys(found)) if self.grid.options.dedup_splitvals else found

    def _places(self, state: GridState, row: Row) -> list[tuple[str | Number, str | Number]]:
        if not self.grid.over:
            return [("", "")]
        value = row.get(self.grid.over)
        if value is None:
            return []
        found: list[tuple[str | Number, str | Number]] = []
        for text in texts(value):
            number = as_number(text) if self.grid.binned else None
            if number is not None and usable(number):
                state.low, state.high = min(state.low, number), max(state.high, number)
                place = self._open(state, number, text) if self.cut is None else self.cut(number)
                if place is not None:
                    found.append(place)
                    continue
            if self.grid.over != "_time":
                found.append((text, text))
        return list(dict.fromkeys(found)) if self.grid.options.dedup_splitvals else found

    def _open(self, state: GridState, number: Number, text: str) -> tuple[str | Number, str | Number]:
        """The place of a value whose bin is not known yet."""
        if self.open_time:
            piece = math.floor(number) // state.grain * state.grain
            return piece, piece
        return number, text

    def _coarsen(self, state: GridState) -> None:
        if not self.open_time or state.low > state.high:
            return
        span = self._span(state)
        time = as_time(span) if span is not None else None
        if time is not None:
            size = max(seconds_of(time, 0, self.context.env.zone), 1)
            self._regrain(state, max(grain for grain in _GRAINS if grain <= size))

    def _regrain(self, state: GridState, grain: int) -> None:
        if grain <= state.grain:
            return
        state.grain = grain
        lines, state.lines = state.lines, {}
        for key, line in lines.items():
            place = int(key) // grain * grain
            self._join(state.lines, place, Line(place, line.cells))

    def _join(self, lines: dict[str | Number, Line], key: str | Number, line: Line) -> None:
        known = lines.get(key)
        if known is None:
            lines[key] = line
            return
        if isinstance(known.shown, Filled):
            known.shown = line.shown
        for label, cell in line.cells.items():
            mine = known.cells.get(label)
            if mine is None:
                known.cells[label] = cell
            else:
                mine.count += cell.count
                mine.group = self.aggregator.merge(mine.group, cell.group)

    def merge(self, first: GridState, second: GridState) -> GridState:
        grain = max(first.grain, second.grain)
        self._regrain(first, grain)
        self._regrain(second, grain)
        for key, line in second.lines.items():
            self._join(first.lines, key, line)
        first.low, first.high = min(first.low, second.low), max(first.high, second.high)
        self._coarsen(first)
        return first

    def _span(self, state: GridState, within: Sequence[Number] = ()) -> Span | None:
        """The span of the row field, once all values are known."""
        if self.grid.bins.span is not None or not self.grid.binned or state.low > state.high:
            return self.grid.bins.span
        return chosen_span(self.grid.bins, (state.low, state.high, *within), self.grid.over, self.context)

    def _within(self, state: GridState) -> list[Number]:
        """The first and the last moment of the time range that rows must fill, as far as it is known."""
        grid = self.grid
        if grid.over != "_time" or state.low > state.high:
            return []
        found: list[Number] = []
        if grid.within.earliest is not None:
            found.append(min(grid.within.earliest, state.low))
        if grid.within.latest is not None:
            found.append(max(math.nextafter(grid.within.latest, -math.inf), state.high))
        return found

    def _reach(self, lines: dict[str | Number, Line], within: Sequence[Number], cut: Cut) -> None:
        """Add lines for the ends of the time range."""
        for moment in within:
            place = cut(moment)
            if place is not None and place[0] not in lines:
                lines[place[0]] = Line(place[1])

    def finish(self, state: GridState) -> Table:
        within = self._within(state)
        span = self._span(state, within)
        lines = state.lines
        if span is not None and self.cut is None:
            lines = self._rebinned(lines, cutter(self.grid.bins, span, self.grid.over, self.context))
        if not self.grid.over and not lines:
            lines = {"": Line("")}
        if span is not None and self.grid.options.cont:
            self._reach(lines, within, cutter(self.grid.bins, span, self.grid.over, self.context))
        ordered = sorted(lines, key=_line_place)
        if span is not None and self.grid.options.cont:
            ordered = self._continuous(lines, ordered, span)
        if span is not None and not self.grid.partial:
            ordered = self._complete(ordered, state, span)
        return self._table([lines[key] for key in ordered], span)

    def _rebinned(self, lines: dict[str | Number, Line], cut: Cut) -> dict[str | Number, Line]:
        found: dict[str | Number, Line] = {}
        for key, line in lines.items():
            place = None if isinstance(key, str) else cut(key)
            if place is None:
                self._join(found, key, line)
            else:
                self._join(found, place[0], Line(place[1], line.cells))
        return found

    def _continuous(
        self, lines: dict[str | Number, Line], ordered: Sequence[str | Number], span: Span
    ) -> list[str | Number]:
        """The lines with empty ones between, for bins that nothing fell into."""
        numbers = [key for key in ordered if not isinstance(key, str)]
        if len(numbers) < 2:
            return list(ordered)
        found: list[str | Number] = [numbers[0]]
        for number in numbers[1:]:
            here = self._next(found[-1], span)
            while here is not None and here < number:
                if len(found) > FILL_LIMIT:
                    self.context.warn(
                        "too many empty bins",
                        f"only bins with events are shown, because there are more than {FILL_LIMIT} bins from "
                        f"{numbers[0]} to {numbers[-1]}",
                    )
                    return list(ordered)
                lines[here] = Line(self._show(here, span))
                found.append(here)
                here = self._next(here, span)
            found.append(number)
        first = (0, numbers[0], "")
        return [
            *(key for key in ordered if isinstance(key, str) and _line_place(key) < first),
            *found,
            *(key for key in ordered if isinstance(key, str) and _line_place(key) >= first),
        ]

    def _next(self, start: str | Number, span: Span) -> Number | None:
        assert not isinstance(start, str)
        found = self._ends(start, span)
        return None if found is None else found[1]

    def _ends(self, start: Number, span: Span) -> tuple[Number, Number] | None:
        """The bin that starts here: its start and the start of the next."""
        time = as_time(span) if self.grid.over == "_time" or isinstance(span, TimeSpan) else None
        if time is None:
            assert not isinstance(span, TimeSpan)
            return number_range(span, start)
        try:
            return start, time_after(time, start, self.context.env.zone)
        except (OverflowError, ValueError, OSError):
            return None

    def _show(self, start: Number, span: Span) -> str | Number:
        if self.grid.over == "_time":
            return start
        found = self._ends(start, span)
        return as_text(start) if found is None else range_label(*found)

    def _complete(self, ordered: list[str | Number], state: GridState, span: Span) -> list[str | Number]:
        """Without the bins at both ends that the time range, or the events where it is open, may not fill: the first,
        unless the range or an event begins at its very start, and the last, unless the range reaches its end."""
        numbers = [key for key in ordered if not isinstance(key, str)]
        if not numbers:
            return ordered
        within = self.grid.within
        begins = numbers[0] < (state.low if within.earliest is None else min(within.earliest, state.low))
        after = self._next(numbers[-1], span)
        ends = within.latest is None or after is None or within.latest < after
        return ordered[1 if begins else 0 : -1 if ends else len(ordered)]

    def _table(self, lines: Sequence[Line], span: Span | None) -> Table:
        grid = self.grid

        def finish(number: int, group: Group) -> dict[str, Value]:
            found = self.aggregator.finish(group)
            for name, unit in grid.rates.items():
                if name in found and span is not None:
                    found[name] = self._rate(found[name], unit, lines[number], span)
            return found

        self.aggregator.draw(cell.group for line in lines for cell in line.cells.values())
        results = item_columns(grid.items)
        if grid.by:
            names, values = lay_out([line.cells for line in lines], results, grid.options, self.aggregator, finish)
        else:
            empty = self.aggregator.new()
            values = [
                finish(number, line.cells[""].group if "" in line.cells else empty) for number, line in enumerate(lines)
            ]
            names = results if results is not None else tuple(sorted({name for line in values for name in line}))
        rows: list[Row] = []
        for line, cells in zip(lines, values, strict=True):
            row = Row({grid.over: line.shown} if grid.over else {})
            row.update((name, value) for name, value in cells.items() if name != grid.over)
            rows.append(row)
        return Table(rows, tuple(dict.fromkeys((grid.over, *names) if grid.over else names)))

    def _rate(self, value: Value, unit: int, line: Line, span: Span) -> Value:
        number, time = as_number(value), as_time(span)
        if number is None or time is None or not usable(number) or isinstance(line.shown, str):
            return value
        length = seconds_of(time, line.shown, self.context.env.zone)
        return rounded(Fraction(number) * unit / Fraction(length))


def _line_place(key: str | Number) -> tuple[int, Number, str]:
    return (0, key, "") if not isinstance(key, str) else sort_key((key,))[0]
