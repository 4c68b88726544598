"""Kept events that a process which writes one increment after another has read already.

An aggregate plan looks at all events of its window again when one more comes. Reading and decoding them each time, and
working out which searches want them, would cost far more than the search itself. So they stay here, with what was
worked out about each. An event never changes, so nothing here can be out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct, field

from podhawk.detect.increment.evidence import SEARCHES, KeptEvent, Notes
from podhawk.events.event import AuditEvent
from podhawk.store.intact import kept_event
from podhawk.store.keys import chunks

Reader = Callable[[Sequence[str]], Iterable[tuple[str, bytes]]]
MOST_BYTES: Final = 16 << 20
"""Bytes of events as the database keeps them; in RAM they take several times that."""


class Remembered(Struct):
    """An event, the bytes that it took, the increment that last asked for it, and what was worked out about it."""

    event: AuditEvent
    size: int
    turn: int
    notes: Notes = field(default_factory=dict)


class EventMemory:
    """Events by their fingerprint. When there is no room, what the last increment did not ask for goes; a window that
    is larger than the memory is remembered in part."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._known: dict[str, Remembered] = {}
        self._by_id: dict[int, Remembered] = {}
        self._turn = 0
        self.size = 0

    def begin(self) -> None:
        """An increment begins."""
        if self.size >= self._most:
            for key in [key for key, one in self._known.items() if one.turn < self._turn]:
                gone = self._known.pop(key)
                del self._by_id[id(gone.event)]
                self.size -= gone.size
        self._turn += 1

    def event(self, fingerprint: str) -> AuditEvent | None:
        """A remembered event."""
        known = self._known.get(fingerprint)
        if known is None:
            return None
        known.turn = self._turn
        return known.event

    def events(
        self, keys: Sequence[str], read: Callable[[Sequence[str]], Iterable[tuple[str, bytes]]]
    ) -> dict[str, AuditEvent]:
        """Events by their fingerprints; `read` gives those that are not remembered, as the database keeps them."""
        found = {key: event for key in keys if (event := self.event(key)) is not None}
        for chunk in chunks(sorted({*keys} - found.keys())):
            for key, data in read(chunk):
                found[key] = event = kept_event(key, data)
                self.add(key, event, len(data))
        return found

    def add(self, fingerprint: str, event: AuditEvent, size: int) -> None:
        """Remember an event, if there is room."""
        if self.size < self._most and fingerprint not in self._known:
            known = self._known[fingerprint] = self._by_id[id(event)] = Remembered(event, size, self._turn)
            self.size += known.size

    def keep(self, fingerprint: str, one: KeptEvent, size: int) -> None:
        """Remember an event that is new, if an aggregate plan will look at it again: it is the same as the one that the
        database gives, unless it holds secrets, which the database does not keep."""
        if one.wanted is None or one.event.unmasked is not None or fingerprint in self._known:
            return
        self.add(fingerprint, one.event, size)
        notes = self.notes_of(one.event)
        if notes is not None:
            notes[SEARCHES, True] = sorted(one.wanted)

    def notes_of(self, event: AuditEvent) -> Notes | None:
        """What was worked out about a remembered event; None for another."""
        known = self._by_id.get(id(event))
        return known.notes if known is not None and known.event is event else None
