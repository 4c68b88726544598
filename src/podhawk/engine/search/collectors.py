"""A scan that is after events rather than rows: those that the first clause of a search wants.

What becomes of them is decided later, when all the events of a request are at hand (see `podhawk.detect`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from podhawk.commands.context import Context
from podhawk.engine.plan.planner import Plan
from podhawk.engine.search.compiled import Observed, Rows, ScanJob
from podhawk.events.collected import Kept, moved, place_of
from podhawk.events.event import AuditEvent, View
from podhawk.rows import OrderKey


class GatherJob(ScanJob):
    """Keeps the events themselves: its state is a list of them."""

    placed = True

    def __init__(self, plan: Plan, context: Context, observed: Observed) -> None:
        super().__init__(plan, context, observed)
        self.reducer = None
        self.state: list[Kept] = []
        self.needs = frozenset()

    def take(self, event: AuditEvent, view: View, order: OrderKey, rows: Rows) -> None:
        """Keep an event that matched."""
        self.state.append(event)

    def flush(self) -> None:
        """Nothing waits here."""

    def absorb_state(self, state: Any, lines_before: int = 0) -> None:
        """Take in what later pieces of the input gave."""
        self.state.extend(moved(kept, lines_before) for kept in state)


def wanted_by(jobs: Sequence[GatherJob]) -> list[tuple[Kept, list[int]]]:
    """What all jobs kept, each once, with the numbers of the jobs that want it."""
    found: dict[tuple[str, int, int], tuple[Kept, list[int]]] = {}
    for number, job in enumerate(jobs):
        for kept in job.state:
            found.setdefault(place_of(kept), (kept, []))[1].append(number)
    return list(found.values())
