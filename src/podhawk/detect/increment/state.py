"""What a run may remember from one to the next: a protocol that `podhawk.store` implements.

Without a memory everything comes from the input, so a rerun is equal. With one, the events that detections wanted are
kept with those behind them, and each run evaluates all of them anew: many runs over the pieces of a log find what one
run over the whole log finds. What a run does not evaluate stays as it was: findings of detections that it leaves out,
those whose events are kept no longer, and those of searches that can only be run over the whole input.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from msgspec import Struct

from podhawk.detect.match import Match
from podhawk.detect.risk_event import RiskEvent
from podhawk.events.event import AuditEvent
from podhawk.events.kept import Kept


class Earlier(Struct, frozen=True):
    """Findings of earlier runs that a run says nothing of, and the risk that they added."""

    matches: Sequence[Match] = ()
    risk: Sequence[RiskEvent] = ()


class Memory(Protocol):
    """Keeps events and findings between runs. `anew` are the detections (see `recorded.key_of_detection`) of which a
    run has worked out every finding that the kept events give."""

    def locked(self) -> AbstractContextManager[None]:
        """For the time of a run's evaluation no other run may read or write. What was written is undone if it fails."""

    def events(self) -> Sequence[Kept]:
        """The events that were kept."""

    def keep(self, events: Iterable[AuditEvent]) -> None:
        """Keep events; those that are known already change nothing."""

    def earlier(self, matches: Sequence[Match], anew: Collection[str]) -> Earlier:
        """The other findings that are known, incidents left out, as they stay beside these."""

    def settle(self, matches: Sequence[Match], risk: Sequence[RiskEvent], anew: Collection[str]) -> list[Match]:
        """Write the findings and their risk in place of what was known of them, and give them back with their
        revision, and the ids of those that they replace."""
