"""Files as a source of events that can be read more than once."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence

from podhawk.events.candidates import NO_SHORTCUTS, Candidate, Shortcuts
from podhawk.events.event import (
    DEFAULT_HOST,
    DEFAULT_INDEX,
    NATIVE_SOURCE,
    NATIVE_SOURCETYPE,
    View,
)
from podhawk.events.read import InputReport, ReadOptions, check_recognised, read_candidates, read_events, read_split
from podhawk.events.source import expand_paths
from podhawk.events.splits import Split, pieces_of, sample_of


class FileSource:
    """Paths (`-` is standard input) read as audit events.

    The report is that of the first reading. `keep` copies standard input to a temporary file first,
    for searches that read their input again.
    """

    def __init__(self, paths: Sequence[str], options: ReadOptions, *, keep: bool = False) -> None:
        self.options = options
        self.report = InputReport()
        self.unread = True
        self._numbers: dict[str, int] | None = None
        self._spooled = contextlib.ExitStack()
        self.paths = [self._spool() if keep and path == "-" else path for path in paths]

    def _spool(self) -> str:
        import shutil
        import tempfile

        copy = self._spooled.enter_context(tempfile.NamedTemporaryFile(prefix="podhawk-stdin-"))  # noqa: SIM115
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        return copy.name

    def native(self) -> View:
        """The native view of an event without members: its source, sourcetype, host and index."""
        options = self.options
        return View(
            {},
            "",
            options.source or NATIVE_SOURCE,
            options.sourcetype or NATIVE_SOURCETYPE,
            options.host or DEFAULT_HOST,
            options.index or DEFAULT_INDEX,
            {},
            {},
        )

    def candidates(self, shortcuts: Shortcuts = NO_SHORTCUTS) -> Iterator[Candidate]:
        """All events, or those that the shortcuts leave; nothing at all if there are no paths."""
        report = self.report if self.unread else InputReport()
        self.unread = False
        if self.paths:
            yield from read_candidates(self.paths, self.options, report, shortcuts)

    def plain(self) -> bool:
        """Whether events have the time that the fast path reads."""
        return self.options.time_field == "requestReceivedTimestamp"

    def numbers(self) -> dict[str, int]:
        """Where each file stands in the input."""
        if self._numbers is None:
            paths = expand_paths(self.paths)
            self._numbers = {path: len(paths) - 1 - place for place, path in enumerate(reversed(paths))}
        return self._numbers

    def sample(self) -> bytes:
        """Some bytes of the input, for a prefilter to see what is rare in it; nothing where it will not be asked, or
        where the input can be read only once. Raises `InputError` for paths that do not exist."""
        if self.options.strict or self.options.input_format not in ("auto", "native"):
            return b""
        try:
            return sample_of(self.numbers(), self.options.sizes)
        except OSError:  # reading it will tell
            return b""

    def pieces(self, size: int) -> list[Split] | None:
        """The input in pieces of whole lines, for a first reading by several processes; None if it cannot be cut."""
        if not self.unread or not self.paths or self.options.input_format not in ("auto", "native", "json", "text"):
            return None
        return pieces_of(self.paths, size)

    def split_candidates(
        self, piece: Split, report: InputReport, shortcuts: Shortcuts = NO_SHORTCUTS
    ) -> Iterator[Candidate]:
        """The candidates of one piece."""
        return read_split(piece, self.options, report, shortcuts)

    def check(self) -> None:
        """Raise InputError if the input was not empty and held no event, or was rejected under strict.

        Where a prefilter passed lines over and none of the others was an event, the input is read once more
        without it, up to the first event.
        """
        if self.report.prefiltered and not self.report.events:
            full = InputReport()
            if next(iter(read_events(self.paths, self.options, full)), None) is not None:
                return
            self.report = full
        check_recognised(self.report)
