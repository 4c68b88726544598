"""The seam between reading a file and the searches that want its events.

A reader makes events of lines, which is slow, so it first asks those for whom it reads (`Shortcuts`):

* the prefilter selects the lines of a block that any search can want, without decoding them,
* the fast path takes a line, if it can do for all searches what the event would do,
* the precheck looks at a decoded line that was left, before an event is made of it,
* the watch looks at some of the lines that the prefilter did not select.

Each event that the reader makes comes as a `Candidate`, with the searches that may want it. The verdict belongs to the
candidate and not to the reader's state, so candidates may be buffered between the two sides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from podhawk.events.event import AuditEvent

CONTINUES: Final = b' \t,:"[]}'
"""First bytes of a line that continues a document from the lines before it."""

Searches = frozenset[int] | None
"""The numbers of the searches that may want a line or an event; None for all of them."""

FoundLine = tuple[int, bytes, Searches]
"""A line that the prefilter selected: its offset in the block, its text, the searches that may want it."""
WatchedLine = tuple[int, bytes, Searches, bool]
"""A line to look at, in the same way, and whether it is known to be one event as the API server writes it."""


class Candidate(Struct, frozen=True):
    """An event, and the searches that may want it."""

    event: AuditEvent
    searches: Searches = None


class LineCounter(Protocol):
    """Counts the lines of a block."""

    def before(self, place: int) -> int:
        """The number of lines before an offset. Offsets must be asked for in ascending order."""


class SelectedLines(Protocol):
    """The lines of a part of a block that the prefilter selected."""

    @property
    def lines(self) -> Sequence[FoundLine]: ...
    @property
    def numbers(self) -> LineCounter: ...
    @property
    def total(self) -> int:
        """The number of all lines in the part. Must be asked for last."""

    @property
    def watched(self) -> Sequence[WatchedLine]:
        """Lines to look at for the sake of what is said about searches (see `LineWatch`)."""

    def line_before(self, place: int) -> int:
        """The number of lines before the offset of a watched line."""


class LinePrefilter(Protocol):
    """Selects lines that a search can want (see `podhawk.engine.prefilter.prefilter`)."""

    @property
    def levels(self) -> set[str]:
        """The audit levels with bodies that were seen so far."""

    def select(self, block: bytes, first_line: int, start: int, stop: int) -> SelectedLines | None:
        """The lines to read of the whole lines between two offsets; None if the prefilter cannot be used from here
        on."""


class LineWatch(Protocol):
    """Looks for what the prefilter would hide (see `podhawk.engine.run.watch`)."""

    def wants(self, line: bytes, numbers: Searches, one_event: bool = False) -> Searches:
        """Those of the searches on whose behalf a line must be decoded; `one_event` if it is known to be one event as
        the API server writes it."""

    def look(self, event: AuditEvent, numbers: Searches) -> None:
        """Looks at an event of such a line."""


class LineTaker(Protocol):
    """The fast path (see `podhawk.engine.fastpath.reader`). What it takes needs no event."""

    take: Callable[[bytes, int], bool]
    """Takes a line with its number (from 1) for all searches; returns False if an event must be made of it."""
    take_lines: Callable[[bytes, int, int], int] | None
    """Takes all lines between two offsets of a block, if each is one event; returns their number, or 0 if they must be
    read one by one. None where a search needs to see single lines."""

    def take_found(self, found: Sequence[FoundLine], numbers: LineCounter, before: int) -> list[FoundLine]:
        """Takes lines that the prefilter selected, from a part of the file with `before` lines in front of it. Returns
        the lines of which events must be made, with the number of lines before each of them instead of the offset."""

    def open(self, path: str) -> None:
        """Says that the following lines are from this file."""


PrecheckFunction = Callable[[dict[str, Any], frozenset[int]], frozenset[int]]
"""Narrows the searches that may want a decoded line. It leaves in those for which it cannot tell."""


class Shortcuts(Struct, frozen=True):
    """What spares a reader from making events that no search wants."""

    prefilter: LinePrefilter | None = None
    precheck: PrecheckFunction | None = None
    fast_path: LineTaker | None = None
    watch: LineWatch | None = None


NO_SHORTCUTS: Final = Shortcuts()
"""Every line is read, and every event is a candidate for all searches."""
