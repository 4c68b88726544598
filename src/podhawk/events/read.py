"""Files to audit events: what the rest of podhawk calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from podhawk.errors import UsageError, nearest
from podhawk.events.candidates import NO_SHORTCUTS, Candidate, Shortcuts
from podhawk.events.documents import Lines
from podhawk.events.event import AuditEvent
from podhawk.events.file_reader import FileReader
from podhawk.events.inputfile import Input
from podhawk.events.inputs import Inputs, opened
from podhawk.events.line_reader import LineReader, format_named
from podhawk.events.options import InputReport, ReadOptions, Rejected, check_recognised
from podhawk.events.paths import expand_paths
from podhawk.events.span import noting_span
from podhawk.events.splits import Split

__all__ = [
    "InputReport",
    "ReadOptions",
    "Rejected",
    "check_recognised",
    "expand_paths",
    "input_formats",
    "read_candidates",
    "read_events",
    "read_split",
]


def input_formats() -> list[str]:
    """What `input_format` may be."""
    from podhawk.events.registry import FORMATS

    return ["auto", "json", "text", *(form.name for form in FORMATS)]


def read_events(paths: Sequence[str] | Inputs, options: ReadOptions, report: InputReport) -> Iterator[AuditEvent]:
    """The audit events of files, folders, globs and `-`, in the order of the input, one at a time. Paths are opened
    here; files that were opened before stay open.

    What is not an audit event is counted in `report` with its reason. No content of a file makes this
    raise; raises `InputError` for paths that do not exist or cannot be read, `UsageError` for an unknown
    format.
    """
    return (candidate.event for candidate in read_candidates(paths, options, report))


def read_candidates(
    paths: Sequence[str] | Inputs, options: ReadOptions, report: InputReport, shortcuts: Shortcuts = NO_SHORTCUTS
) -> Iterator[Candidate]:
    """As `read_events`, but only the events that the shortcuts leave, each with the searches that may want it. With a
    prefilter not every line is read; `report.prefiltered` says so then."""
    if options.input_format not in ("auto", "json", "text") and format_named(options.input_format) is None:
        raise UsageError(
            f"unknown input format {options.input_format!r}", remedy=nearest(options.input_format, input_formats())
        )
    _describe(options, report)
    with opened(paths) as inputs:
        for file in inputs.files:
            report.files += 1
            if shortcuts.fast_path is not None:
                shortcuts.fast_path.open(file.path)
            content = noting_span(file.blocks(options.sizes), report, first=True, last=lambda: True)
            yield from FileReader(file.path, options, report, shortcuts).candidates(content)


def read_split(
    split: Split, file: Input, options: ReadOptions, report: InputReport, shortcuts: Shortcuts = NO_SHORTCUTS
) -> Iterator[Candidate]:
    """The candidates of a split of a file. Raises `NotByLine` if the file is not one document per line."""
    _describe(options, report)
    if shortcuts.fast_path is not None:
        shortcuts.fast_path.open(split.path)
    part = None if split.whole else split
    blocks = split.blocks(file, options.sizes)
    content = noting_span(blocks, report, first=split.begins(), last=lambda: split.ends(file))
    yield from FileReader(split.path, options, report, shortcuts, part).candidates(content)


def _describe(options: ReadOptions, report: InputReport) -> None:
    report.strict = options.strict
    report.anything = options.input_format in ("json", "text")


def event_of_line(line: bytes, path: str, number: int, options: ReadOptions) -> AuditEvent:
    """The event of a line that is known to be one, however much of it has to be salvaged."""
    lines = Lines(iter((line,)))
    lines.number = number - 1
    return next(LineReader(path, options, InputReport()).read(lines))
