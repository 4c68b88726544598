"""Files as a source of events that can be read more than once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from podhawk.content.mixed_up import refuse_content
from podhawk.engine.run.covered import covered, outside_range
from podhawk.engine.run.source import TimeRange
from podhawk.errors import InputError
from podhawk.events.candidates import NO_SHORTCUTS, Candidate, Shortcuts
from podhawk.events.event import (
    DEFAULT_HOST,
    DEFAULT_INDEX,
    NATIVE_SOURCE,
    NATIVE_SOURCETYPE,
    View,
)
from podhawk.events.gaps import Damaged
from podhawk.events.inputfile import Input
from podhawk.events.inputs import Inputs
from podhawk.events.read import InputReport, ReadOptions, check_recognised, read_candidates, read_events, read_split
from podhawk.events.splits import Split, pieces_of, sample_of


class FileSource:
    """Paths (`-` is standard input) read as audit events, or files that are open already and stay so.

    The report is that of the first reading. `keep` copies what can be read only once, for searches that read their
    input again. Files are opened when they are first needed.
    """

    def __init__(self, paths: Sequence[str] | Inputs, options: ReadOptions, *, keep: bool = False) -> None:
        self.options = options
        self.report = InputReport()
        self.unread = True
        self.inputs = paths if isinstance(paths, Inputs) else Inputs(paths)
        self.inputs.keep = self.inputs.keep or keep
        self._numbers: dict[str, int] | None = None
        self._closes = not isinstance(paths, Inputs)
        self.reading = options
        """The options with which events are read now (see `unmasked`)."""

    def __enter__(self) -> FileSource:
        return self

    def __exit__(self, *ended: object) -> None:
        if self._closes:
            self.inputs.close()

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
        yield from read_candidates(self.inputs, self.reading, report, shortcuts)
        self.inputs.note(report)

    def plain(self) -> bool:
        """Whether events have the time that the fast path reads."""
        return self.options.time_field == "requestReceivedTimestamp"

    def redacts(self) -> bool:
        """Whether secrets in events are masked."""
        return self.reading.redaction is not None

    @contextlib.contextmanager
    def unmasked(self) -> Iterator[None]:
        """Until the block ends, events come with their secrets, to be judged."""
        self.reading = replace(self.options, redaction=None)
        try:
            yield
        finally:
            self.reading = self.options

    def numbers(self) -> dict[str, int]:
        """Where each file stands in the input."""
        if self._numbers is None:
            self._numbers = {file.path: number for number, file in enumerate(self.inputs.files)}
        return self._numbers

    def sample(self) -> bytes:
        """Some bytes of the input, for a prefilter to see what is rare in it; nothing where it will not be asked, or
        where the input can be read only once. Raises `InputError` for paths that do not exist."""
        if self.options.strict or self.options.input_format not in ("auto", "native"):
            return b""
        self.inputs.files  # noqa: B018 - opens them
        try:
            return sample_of(self.inputs, self.options.sizes)
        except (OSError, InputError, Damaged):  # reading it will tell
            return b""

    def pieces(self, size: int) -> list[Split] | None:
        """The input in pieces of whole lines, to be read by several processes; None if it cannot be cut."""
        if self.options.input_format not in ("auto", "native", "json", "text"):
            return None
        return pieces_of(self.inputs, size)

    def split_candidates(
        self, piece: Split, report: InputReport, shortcuts: Shortcuts = NO_SHORTCUTS
    ) -> Iterator[Candidate]:
        """The candidates of one piece."""
        return read_split(piece, self._file_of(piece), self.reading, report, shortcuts)

    def start_of(self, piece: Split) -> bytes:
        """The first bytes of a piece."""
        return next(piece.blocks(self._file_of(piece), self.options.sizes), b"")

    def _file_of(self, piece: Split) -> Input:
        """The file of a piece; on another machine it is opened there."""
        return self.inputs.files[piece.file] if self.inputs.paths else piece.input()

    def descriptors(self) -> list[int]:
        """The descriptors that a process needs to read pieces of the input."""
        return self.inputs.descriptors()

    def check(self, within: TimeRange | None = None) -> None:
        """Raise InputError if the input held no event, or none in the time range, or was rejected under strict.

        If a prefilter passed lines over and none of the others was an event, and if no search read the input, it is
        read without a prefilter, up to the first event (in the range).
        """
        self.inputs.note(self.report)
        if self.options.input_format != "text":
            refuse_content(self.inputs, empty=not self.report.events and not self.report.prefiltered)
        outside = within is not None and not within.is_open and not self.report.in_range
        if outside or ((self.report.prefiltered or self.unread) and not self.report.events):
            full = InputReport(strict=self.report.strict)
            events = read_events(self.inputs, self.options, full)
            span = covered((event.time for event in events), within or TimeRange())
            self.inputs.note(full)
            if span is None:
                return
            self.report = full
            if full.events and within is not None:
                check_recognised(full)
                raise outside_range(within, span, full)
        if not self.report.events and not self.report.anything:
            refuse_content(self.inputs, empty=True)
        check_recognised(self.report)
