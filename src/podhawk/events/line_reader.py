"""Lines to audit events: the slow path, which reads whatever a file holds.

Nearly all lines of an audit log are one event each, so that case is tried first and costs one decode. Everything else
goes through `documents` (lines to JSON documents), `partial` (parts that a container runtime split) and `unwrap` (the
events inside a document).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from podhawk.events.assemble import Assembler
from podhawk.events.decode import BadJSON, decode_json
from podhawk.events.documents import Document, Documents, Lines
from podhawk.events.envelope import Envelope, Format, Reject, Skipped, UnwrapOutcome
from podhawk.events.event import AUDIT_KEYS, AuditEvent, Origin
from podhawk.events.formats.native import native_event
from podhawk.events.generic import json_events, text_events
from podhawk.events.numbering import Numbering
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.partial import Joiner
from podhawk.events.reasons import TOO_LARGE, YAML_BROKEN, is_audit_event
from podhawk.events.redaction.record import redacted
from podhawk.events.rulefile import MOST_BYTES, BadYAML, documents_in
from podhawk.events.source import split_lines
from podhawk.events.splits import NotByLine

if TYPE_CHECKING:
    from podhawk.events.formats.csvfile import CsvTable

_EVENT_LINE: Final = re.compile(rb'^[^"\n]{0,200}\{.*"auditID"', re.MULTILINE)

Take = Callable[[bytes, int], bool]
"""Takes a line and its number (from 1), and tells whether it needs no event."""


def format_named(name: str) -> Format | None:
    """The format with a name; None for those that are not formats of audit events."""
    if name in ("auto", "json", "text"):
        return None
    from podhawk.events.registry import FORMATS

    return next((form for form in FORMATS if form.name == name), None)


def is_plain(value: Any) -> bool:
    """Whether a document is an audit event without members of any other kind. Nearly every line is."""
    return is_audit_event(value) and value.keys() <= AUDIT_KEYS


class LineReader:
    """Makes the audit events of one file and counts them in the report.

    `in_split` says that only a split of the file is read. Then each line must be a document of its own, because a
    longer document may begin or end in another split.
    """

    def __init__(self, path: str, options: ReadOptions, report: InputReport, *, in_split: bool = False) -> None:
        self._path = path
        self._options = options
        self._report = report
        self._in_split = in_split
        self._build = Assembler(options).build
        self._plain = Envelope(path=path)
        self._joiner = Joiner()
        self._numbering = Numbering(self._joiner.holds)
        self._only = format_named(options.input_format)

    def require_whole_file(self) -> None:
        """Raise `NotByLine` if only a split of the file is read."""
        if self._in_split:
            raise NotByLine(self._path)

    def plain_event(self, text: bytes, number: int) -> AuditEvent:
        """The event of a line that is one, counted. Raises `BadJSON`."""
        event = self._build(native_event(decode_json(text), text, self._plain), Origin(self._path, number))
        self._report.count(event)
        return event

    def read_part(self, text: bytes, before: int, take: Take | None = None) -> Iterator[AuditEvent]:
        """The events of one line, or of a few that belong together, with `before` lines in front of them. Bytes and
        lines are not counted."""
        lines, size = self._report.lines, self._report.bytes
        taken = Lines(split_lines(iter((text,)), self._options.sizes))
        taken.number = before
        yield from self.read(taken, take)
        self._report.lines, self._report.bytes = lines, size

    def read(self, lines: Lines, take: Take | None = None) -> Iterator[AuditEvent]:
        """The events of lines that `take` leaves. Raises `NotByLine` in a split for a line that is no document."""
        name = self._options.input_format
        if name in ("json", "text"):
            yield from self._generic(lines)
            return
        documents = Documents(lines, self._options.sizes)
        report, path, build, plain, next_line = self._report, self._path, self._build, self._plain, lines.take
        numbering, holds = self._numbering, self._joiner.holds
        native = self._only is None or self._only.name == "native"
        while True:
            line = next_line() if take is None else lines.run(take)
            if line is None:
                break
            if native and line[:1] == b"{" and type(line) is bytes:
                try:
                    value = decode_json(line)
                except BadJSON:
                    pass
                else:
                    if is_plain(value):
                        number = lines.number
                        # A line that begins with another document ends here.
                        item = numbering.take(number) if number == numbering.line or holds(number) else 0
                        event = build(native_event(value, line, plain), Origin(path, number, item))
                        report.count(event)
                        yield event
                    else:
                        yield from self._joined(Document(lines.number, line, value, is_json=True))
                    continue
            if line.strip(b" \t\r\0"):
                self.require_whole_file()
            for document in documents.starting_with(line):
                yield from self._joined(document)
        lines.number -= 1
        if documents.leftover and report.first_unread is None:
            report.first_unread = Origin(path, documents.leftover)
        yield from self.flush()

    def flush(self) -> Iterator[AuditEvent]:
        """The events of parts whose other parts did not come."""
        for document in self._joiner.flush():
            yield from self._unwrapped(document)

    def read_yaml(self, head: bytes, blocks: Iterator[bytes], take: Take | None = None) -> Iterator[AuditEvent]:
        """The events of a file that begins like a YAML file of rule tests."""
        data = bytearray(head)
        for block in blocks:
            data += block
            if len(data) > MOST_BYTES:
                self._report.reject(TOO_LARGE, Origin(self._path, 1))
                return
        self._report.bytes += len(data)
        self._report.lines += data.count(b"\n") + (not data.endswith(b"\n"))
        try:
            documents = documents_in(bytes(data))
        except BadYAML as bad:
            if bad.is_text or _EVENT_LINE.search(data):  # a log whose first lines look like YAML
                yield from self.read(Lines(split_lines(iter((bytes(data),)), self._options.sizes)), take)
            else:
                self._report.reject(YAML_BROKEN, Origin(self._path, 1))
            return
        self._plain = Envelope(format="rule-tests", path=self._path)
        for document in documents:
            yield from self._unwrapped(document)

    def read_csv(self, table: CsvTable, lines: Lines) -> Iterator[AuditEvent]:
        """The events of the records of a CSV file."""
        from podhawk.events.formats.csvfile import csv_documents

        for document in csv_documents(lines, table):
            yield from self._unwrapped(document)

    def _generic(self, lines: Lines) -> Iterator[AuditEvent]:
        """Any JSON object, or any line of text, as an event."""
        found = (
            json_events(lines, self._path, self._options, self._report, self._numbering, self.require_whole_file)
            if self._options.input_format == "json"
            else text_events(lines, self._path, self._options)
        )
        redaction = self._options.redaction
        for one in found:
            event = one if redaction is None else redacted(one, redaction)
            self._report.count(event)
            yield event
        lines.number -= 1

    def _joined(self, document: Document) -> Iterator[AuditEvent]:
        for ready in self._joiner.take(document):
            yield from self._unwrapped(ready)

    def _unwrapped(self, document: Document) -> Iterator[AuditEvent]:
        for least, found in enumerate(self._found_in(document), document.item):
            origin = Origin(self._path, document.line, self._numbering.take(document.line, least))
            if isinstance(found, Reject):
                self._report.reject(found.reason, origin)
            elif isinstance(found, Skipped):
                self._report.first_unread = self._report.first_unread or origin
            else:
                event = self._build(found, origin)
                self._report.count(event)
                yield event

    def _found_in(self, document: Document) -> Iterator[UnwrapOutcome]:
        from podhawk.events.outcomes import outcomes  # nearly every log is read without any of the formats

        return outcomes(document, self._plain, self._only)
