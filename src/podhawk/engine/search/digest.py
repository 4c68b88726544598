"""What becomes of events that are neither kept nor made into rows: each is taken into a digest, and forgotten.

A digest is bounded, however long the log is. That is what verbs need which answer one question about a whole log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from podhawk.commands.declare import Wanted
from podhawk.engine.search.collectors import RowCache
from podhawk.engine.search.compiled import CompiledSearch
from podhawk.engine.search.stats import SearchStats
from podhawk.events.collected import CollectedEvent
from podhawk.events.event import AuditEvent, View
from podhawk.rows import OrderKey


class Digest(Protocol):
    """A bounded summary of events. The order in which it takes them must not matter."""

    def take(self, event: CollectedEvent) -> None:
        """Take an event into the summary."""

    def merge(self, other: Any) -> None:
        """Take in the summary of other events."""


class DigestCollector:
    """Hands the events that match to a digest; `start` makes an empty one."""

    positional: ClassVar[bool] = False

    def __init__(self, search: CompiledSearch, stats: SearchStats, start: Callable[[], Digest]) -> None:
        self.search = search
        self.stats = stats
        self._start = start
        self.state: Any = start()
        stats.unseen |= search.expected

    @property
    def needs(self) -> Wanted:
        return frozenset()

    def add(self, event: AuditEvent, view: View, order: OrderKey, rows: RowCache) -> None:
        self.state.take(event)

    def settle(self) -> None:
        """Nothing is held back here."""

    def merge(self, state: Any, lines_before: int = 0) -> None:
        self.state.merge(state)

    def clear(self) -> None:
        self.state = self._start()
