"""Where the events of a scan come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from msgspec import Struct

from podhawk.events.candidates import NO_SHORTCUTS, Candidate, Shortcuts
from podhawk.events.event import View
from podhawk.events.options import InputReport
from podhawk.events.splits import Split


class EventSource(Protocol):
    """An input that may be read more than once. `report` is about its first reading, and `unread` says that this is yet
    to come."""

    report: InputReport
    unread: bool

    def plain(self) -> bool:
        """Whether the time of events is the one that the fast path reads."""

    def redacts(self) -> bool:
        """Whether secrets in events are masked. The fast path cannot do that: it makes rows of lines as they stand."""

    def unmasked(self) -> AbstractContextManager[None]:
        """Until the block ends, events come with their secrets, to be judged."""

    def numbers(self) -> Mapping[str, int]:
        """Where each file stands in the input."""

    def sample(self) -> bytes:
        """Bytes from places all over the input; nothing if they cannot be had."""

    def pieces(self, size: int) -> list[Split] | None:
        """The input in splits of whole lines; None if it cannot be split."""

    def native(self) -> View:
        """The native view of an event without members: its source, sourcetype, host and index."""

    def candidates(self, shortcuts: Shortcuts = NO_SHORTCUTS) -> Iterator[Candidate]:
        """All events that the shortcuts leave, in the order of the input."""

    def split_candidates(
        self, piece: Split, report: InputReport, shortcuts: Shortcuts = NO_SHORTCUTS
    ) -> Iterator[Candidate]:
        """The same for one split."""

    def start_of(self, piece: Split) -> bytes:
        """The first bytes of a split."""

    def descriptors(self) -> list[int]:
        """The descriptors that a process needs to read splits."""


class TimeRange(Struct, frozen=True):
    """`earliest <= time < latest`, in epoch seconds; None is open. Events without a time are not in a range."""

    earliest: float | None = None
    latest: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether it holds every time, and events without one."""
        return self.earliest is None and self.latest is None

    def holds(self, time: float | None) -> bool:
        """Whether a time is in the range."""
        if self.is_open:
            return True
        return (
            time is not None
            and (self.earliest is None or time >= self.earliest)
            and (self.latest is None or time < self.latest)
        )
