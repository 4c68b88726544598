"""The slow path of a search: an audit event is looked at through the fields of the first clause, and collected if it
matches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from podhawk.engine.search.collectors import Collector, RowCache
from podhawk.engine.search.rows import row_of
from podhawk.events.audit_fields import unknown_in
from podhawk.events.candidates import Searches
from podhawk.events.event import AuditEvent
from podhawk.rows import OrderKey, Row


class Offering:
    """Offers events to collectors. An event is made into a row once for all of them that see the same fields of it."""

    def __init__(self, collectors: Sequence[Collector]) -> None:
        self._collectors = collectors
        asked = [collector.search.probe_fields for collector in collectors]
        self._fields = None if None in asked else frozenset().union(*(names for names in asked if names is not None))

    def offer(self, event: AuditEvent, order: OrderKey, searches: Searches) -> None:
        """Offer an event to the collectors with these numbers."""
        probes: dict[int, Row] = {}
        rows: RowCache = {}
        chosen: Iterable[int] = range(len(self._collectors)) if searches is None else sorted(searches)
        for number in chosen:
            collector = self._collectors[number]
            search, stats = collector.search, collector.stats
            view = search.selected_view(event)
            stats.offered += 1
            if view is None:
                view = event.view
            else:
                stats.selected += 1
            probe = probes.get(id(view))
            if probe is None:
                probe = probes[id(view)] = row_of(event, view, self._fields, order, search.rules)
            note_present(collector, probe)
            if (event.missing or search.bodies) and view is event.view:
                note_loss(collector, event, probe)
            if search.predicate(probe):
                stats.matched += 1
                collector.add(event, view, order, rows)

    def settle(self) -> None:
        """Bring everything that was collected into the states."""
        for collector in self._collectors:
            collector.settle()


def note_present(collector: Collector, row: Row) -> None:
    """Note which of the fields that no event had so far are in a row."""
    unseen = collector.stats.unseen
    if unseen:
        unseen.difference_update(collector.search.present(unseen, row))


def note_loss(collector: Collector, event: AuditEvent, probe: Row) -> None:
    """Count an event that lost, or never had, what is needed to decide whether it gives a row."""
    unknown = unknown_in(event)
    if unknown is not None and collector.search.undecided(probe, unknown):
        collector.stats.miss(event.origin)
