"""What becomes of the events that a search wants: rows in a state, or the events themselves.

A collector has one search, the stats of what this search met, and a state, which can be merged with the states of other
parts of the input. Events come to it in two ways: as audit events (`add`), or from the fast path, which has no
audit event and hands over what it made of the line instead (see `podhawk.engine.fastpath.feeds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Protocol

from podhawk.commands.declare import Wanted
from podhawk.engine.plan.stages import run_stages
from podhawk.engine.profile import timed
from podhawk.engine.search.compiled import CompiledSearch
from podhawk.engine.search.rows import row_of
from podhawk.engine.search.stats import SearchStats
from podhawk.events.collected import CollectedEvent, moved, place_of
from podhawk.events.event import AuditEvent, View
from podhawk.memory import out_of_memory
from podhawk.rows import OrderKey, Row, Table

BATCH: Final = 512
"""Rows that are collected before the commands of the search see them."""

RowCache = dict[tuple[int, Wanted], Row]
"""The rows that searches have made of one event, by view and fields."""


class Collector(Protocol):
    """Collects what one search wants of the events that match its first clause."""

    search: CompiledSearch
    stats: SearchStats
    state: Any
    """What has been collected; complete after `settle`."""

    @property
    def positional(self) -> bool:
        """Whether the state holds line numbers, which count from the beginning of what was read."""

    @property
    def needs(self) -> Wanted:
        """The fields of an event that the state depends on, besides those of the clause; None for all."""

    def add(self, event: AuditEvent, view: View, order: OrderKey, rows: RowCache) -> None:
        """Take an event that matched, as the search sees it. `rows` are shared with other searches."""

    def settle(self) -> None:
        """Bring everything that was added into the state."""

    def merge(self, state: Any, lines_before: int = 0) -> None:
        """Add the state of a later part of a file, which has so many lines before it."""

    def clear(self) -> None:
        """Begin again with an empty state."""


class RowCollector:
    """Makes rows of events and runs them through the per-event stages into the state of the search's reducer."""

    positional: ClassVar[bool] = False

    def __init__(self, search: CompiledSearch, stats: SearchStats) -> None:
        self.search = search
        self.stats = stats
        self.state: Any = search.reducer.start()
        self._waiting: list[Row] = []
        stats.unseen |= search.expected

    @property
    def needs(self) -> Wanted:
        return self.search.plan.wanted

    def add(self, event: AuditEvent, view: View, order: OrderKey, rows: RowCache) -> None:
        fields = self.search.row_fields
        row = rows.get((id(view), fields))
        if row is None:
            row = rows[id(view), fields] = row_of(event, view, fields, order, self.search.rules)
        # A copy, because the commands of the search may change it.
        self.add_row(row.copy())

    def add_row(self, row: Row) -> None:
        """Take the row of an event that matched."""
        self._waiting.append(row)
        if len(self._waiting) >= BATCH:
            self.settle()

    def settle(self) -> None:
        if self._waiting:
            try:
                with timed(self.search.name, "rows"):
                    self.search.reducer.add(self.state, self.search.stream(self._waiting))
            except MemoryError:
                self.clear()
                raise out_of_memory(f"the search of {self.search.name!r}") from None
            self._waiting = []

    def merge(self, state: Any, lines_before: int = 0) -> None:
        self.state = self.search.reducer.merge(self.state, state)

    def clear(self) -> None:
        self.state = self.search.reducer.start()
        self._waiting = []

    def finish(self) -> Table:
        """The rows of the search, after all events have been added."""
        self.settle()
        search = self.search
        try:
            with timed(search.name, "reduce"):
                table = search.table(self.state)
            for stage in search.plan.rest:
                with timed(search.name, stage.name):
                    table = run_stages((stage,), table, search.context)
        except MemoryError:
            raise out_of_memory(f"the search of {search.name!r}") from None
        return table


class EventCollector:
    """Keeps the events themselves. What becomes of them is decided when all events of a request are known."""

    positional: ClassVar[bool] = True

    def __init__(self, search: CompiledSearch, stats: SearchStats) -> None:
        self.search = search
        self.stats = stats
        self.state: list[CollectedEvent] = []
        stats.unseen |= search.expected

    @property
    def needs(self) -> Wanted:
        return frozenset()

    def add(self, event: AuditEvent, view: View, order: OrderKey, rows: RowCache) -> None:
        self.state.append(event)

    def settle(self) -> None:
        """Nothing is held back here."""

    def merge(self, state: Any, lines_before: int = 0) -> None:
        self.state.extend(moved(event, lines_before) for event in state)

    def clear(self) -> None:
        self.state = []


def wanted_by(collectors: Sequence[EventCollector]) -> list[tuple[CollectedEvent, list[int]]]:
    """All collected events, each once, with the numbers of the collectors that have it."""
    found: dict[tuple[str, int, int], tuple[CollectedEvent, list[int]]] = {}
    for number, collector in enumerate(collectors):
        for event in collector.state:
            found.setdefault(place_of(event), (event, []))[1].append(number)
    return list(found.values())
