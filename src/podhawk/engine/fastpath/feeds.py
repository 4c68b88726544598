"""How collectors are fed by the fast path: one class for each way to take a decoded line.

A feed takes a line in two steps. `read` works out what its collector needs and may raise, so that the line takes the
slow path; `add` cannot fail. All feeds read before any of them adds: a line is taken by all or by none.

* Events are collected as the lines that they stand on, or handed to a digest.
* If a search only counts by fields, the values of these fields are counted, and the counts handed to its state.
* If row order cannot affect the result, each distinct tuple of values is passed once, with its count, unless a field
  is unique per event.
* For any other search a row is made. Filters further down the search are asked first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from podhawk.commands.declare import Counting
from podhawk.engine.fastpath.counts import fills, order_free
from podhawk.engine.fastpath.decoded import DecodedLine, make_row
from podhawk.engine.fastpath.decoder import DecodedValues, bodied, reader, value_of
from podhawk.engine.fastpath.row_filter import UNIQUE, RowFilter, row_filter_for
from podhawk.engine.options import EngineOptions
from podhawk.engine.plan.lineage import volatility
from podhawk.engine.search.collectors import Collector, EventCollector, RowCollector
from podhawk.engine.search.compiled import CompiledSearch
from podhawk.engine.search.digest import DigestCollector
from podhawk.events.fields import head_of, of_body
from podhawk.functions.declare import Volatility
from podhawk.rows import Filled, Row


class Feed(Protocol):
    """Takes decoded lines for one collector."""

    def read(self, line: DecodedLine) -> Any:
        """What the collector needs of a line. Raises an error of `NOT_OF_SHAPE` if only the slow path can tell."""

    def add(self, found: Any) -> None:
        """Take what was read of a line."""

    def settle(self) -> None:
        """Bring what was counted into the collector's state."""


class EventFeed:
    """Hands on the lines themselves."""

    def __init__(self, collector: EventCollector) -> None:
        self._collector = collector

    def read(self, line: DecodedLine) -> DecodedLine:
        return line

    def add(self, found: DecodedLine) -> None:
        self._collector.stats.matched += 1
        self._collector.state.append(found.kept)

    def settle(self) -> None:
        """Nothing is counted here."""


class DigestFeed:
    """Hands the lines themselves to a digest."""

    def __init__(self, collector: DigestCollector) -> None:
        self._collector = collector

    def read(self, line: DecodedLine) -> DecodedLine:
        return line

    def add(self, found: DecodedLine) -> None:
        self._collector.stats.matched += 1
        self._collector.state.take(found.collected)

    def settle(self) -> None:
        """Nothing is counted here."""


class RowFeed:
    """Makes a row of each line that comes past the filters of the search."""

    def __init__(
        self, collector: RowCollector, fields: FeedFields, fixed: dict[str, str], row_filter: RowFilter | None
    ) -> None:
        self._collector = collector
        self._names, self._of_bodies = fields.names, fields.of_bodies
        self._values, self._bodied, self._timed = fields.read, fields.bodied, fields.timed
        self._fixed = fixed
        self.row_filter = row_filter

    def read(self, line: DecodedLine) -> Row | None:
        """The row; None if a filter of the search would drop it."""
        event = line.event
        if self.row_filter is not None and not self.row_filter.passes(event):
            return None
        bodies = line.bodies.fields(self._of_bodies) if self._bodied is not None and self._bodied(event) else None
        return make_row(self._names, self._values(event), self._fixed, bodies, line.order if self._timed else None)

    def add(self, found: Row | None) -> None:
        self._collector.stats.matched += 1
        if found is not None:
            self._collector.add_row(found)

    def settle(self) -> None:
        """Nothing is counted here."""


class CountingFeed:
    """Counts how often each tuple of values comes. A subclass says what becomes of the counts."""

    without_bodies = True
    """Whether `values` tells all of any event."""

    def __init__(self, collector: RowCollector, names: Sequence[str], most: int) -> None:
        self.values = reader(names)
        self._collector = collector
        self._most = most
        self._counts: dict[DecodedValues, int] = {}

    def read(self, line: DecodedLine) -> Any:
        return self.values(line.event)

    def add(self, found: Any) -> None:
        counts = self._counts
        counts[found] = counts.get(found, 0) + 1
        if len(counts) >= self._most:
            self.settle()

    def settle(self) -> None:
        if self._counts:
            self._collector.stats.matched += sum(self._counts.values())
            self._pass_on(self._counts)
            self._counts.clear()

    def _pass_on(self, counts: dict[DecodedValues, int]) -> None:
        raise NotImplementedError


class ByFieldFeed(CountingFeed):
    """Counts by the fields that a search groups by. `filled` are the values that stand for missing fields."""

    def __init__(self, collector: RowCollector, run: Counting, filled: dict[str, str], most: int) -> None:
        super().__init__(collector, run.by, most)
        self._run = run
        self._filled = [Filled(filled[name]) if name in filled else None for name in run.by]

    def _pass_on(self, counts: dict[DecodedValues, int]) -> None:
        state, run = self._collector.state, self._run
        columns = [_Column(fill) for fill in self._filled]
        for values, count in counts.items():
            run.add_counted(state, tuple([column[raw] for column, raw in zip(columns, values, strict=True)]), count)


class TupleFeed(CountingFeed):
    """Counts tuples of all fields that a search reads. An event with a body that it reads gives a row of its own."""

    def __init__(
        self, collector: RowCollector, run: Counting, fields: FeedFields, fixed: dict[str, str], most: int
    ) -> None:
        super().__init__(collector, fields.names, most)
        self.without_bodies = fields.bodied is None
        self._run = run
        self._fields = fields
        self._fixed = fixed

    def read(self, line: DecodedLine) -> DecodedValues | Row:
        fields = self._fields
        values = self.values(line.event)
        if fields.bodied is None or not fields.bodied(line.event):
            return values
        return make_row(fields.names, values, self._fixed, line.bodies.fields(fields.of_bodies))

    def add(self, found: DecodedValues | Row) -> None:
        if found.__class__ is Row:
            self._collector.stats.matched += 1
            self._collector.add_row(found)
        else:
            super().add(found)

    def _pass_on(self, counts: dict[DecodedValues, int]) -> None:
        collector, run, stats = self._collector, self._run, self._collector.stats
        stream, names = collector.search.stream, self._fields.names
        try:
            for values, count in counts.items():
                stats.weight = count
                for row in stream((make_row(names, values, self._fixed),)):
                    run.add_times(collector.state, row, count)
        finally:
            stats.weight = 1


class _Column(dict[Any, Any]):
    """The values of a by-field by their decoded form, each worked out once; `fill` for a missing one."""

    def __init__(self, fill: Filled | None) -> None:
        super().__init__()
        self._fill = fill

    def __missing__(self, raw: Any) -> Any:
        value = value_of(raw)
        found = self[raw] = self._fill if value is None else value
        return found


class FeedFields:
    """The fields that a search reads, parted into those of the struct, those of bodies, and the time."""

    def __init__(self, names: frozenset[str], ordered: bool) -> None:
        self.of_bodies = frozenset(filter(of_body, names))
        self.bodied = bodied({head_of(name) for name in self.of_bodies})
        self.names = sorted(name for name in names - self.of_bodies if name != "_time")
        self.read = reader(self.names)
        self.timed = ordered or "_time" in names


def feed_for(collector: Collector, names: frozenset[str], fixed: dict[str, str], options: EngineOptions) -> Feed:
    """How a collector whose search reads these fields is fed. `fixed` are the fields that are the same for all
    events."""
    if isinstance(collector, EventCollector):
        return EventFeed(collector)
    if isinstance(collector, DigestCollector):
        return DigestFeed(collector)
    assert isinstance(collector, RowCollector)
    search, run, most = collector.search, collector.search.reducer, options.remembered_values
    filled = fills(search)
    if filled is not None:
        assert isinstance(run, Counting)
        return ByFieldFeed(collector, run, filled, most)
    fields = FeedFields(names, ordered=not order_free(search))
    if isinstance(run, Counting) and not (fields.timed or names & UNIQUE or _by_chance(search)):
        return TupleFeed(collector, run, fields, fixed, most)
    return RowFeed(collector, fields, fixed, row_filter_for(search, fixed, options))


def _by_chance(search: CompiledSearch) -> bool:
    """Whether the map side of a search may give another result for the same values."""
    plan = search.plan
    stages = plan.mapped if plan.reducer is None else (*plan.mapped, plan.reducer)
    return volatility(stages) is Volatility.VOLATILE
