"""Files to audit events: the loop over the lines.

Nearly all lines of an audit log are one event each, so that case is tried first and costs one decode.
Everything else goes through `documents` (what the lines make), `partial` (what a runtime split) and
`unwrap` (what is inside).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from typing import Any, Final

from podhawk.errors import UsageError, nearest
from podhawk.events.assemble import Assembler
from podhawk.events.blocks import broken_off, closed, last_closed, several
from podhawk.events.decode import BadJSON, decode_json, decode_quickly
from podhawk.events.documents import Document, Documents, Lines
from podhawk.events.envelope import Envelope, Event, Format, Record, Reject
from podhawk.events.event import AuditEvent, Origin
from podhawk.events.formats.native import native_event
from podhawk.events.gaps import Damaged
from podhawk.events.generic import json_events, text_events
from podhawk.events.inputfile import Input
from podhawk.events.inputs import Inputs, opened
from podhawk.events.numbering import Numbering
from podhawk.events.options import InputReport, ReadOptions, Rejected, check_recognised
from podhawk.events.partial import Joiner
from podhawk.events.paths import expand_paths
from podhawk.events.pieces import NotByLine, Piece
from podhawk.events.reasons import COMPRESSION, OTHER_FORMAT, TOO_LARGE, YAML_BROKEN, is_plain
from podhawk.events.registry import FORMATS
from podhawk.events.rulefile import MOST_BYTES, BadYAML, documents_in, looks_like_yaml
from podhawk.events.sifting import Sieve, Sifted, Take
from podhawk.events.source import LONG_LINE, Ahead, split_lines
from podhawk.events.unwrap import recover, unwrap

__all__ = ["InputReport", "ReadOptions", "Rejected", "check_recognised", "expand_paths", "input_formats", "read_events"]

_EVENT_LINE: Final = re.compile(rb'^[^"\n]{0,200}\{.*"auditID"', re.MULTILINE)
_FAR: Final = 1 << 40  # where a piece begins that is not the first one of its file
_BY_NAME: Final = {form.name: form for form in FORMATS}


def input_formats() -> list[str]:
    """What `input_format` may be."""
    return ["auto", "json", "text", *_BY_NAME]


def read_events(
    paths: Sequence[str] | Inputs,
    options: ReadOptions,
    report: InputReport,
    sieve: Sieve | None = None,
    take: Take | None = None,
) -> Iterator[AuditEvent]:
    """The audit events of files, folders, globs and `-`, in the order of the input, one at a time. Paths are opened
    here; files that were opened before stay open.

    With a sieve only the lines that it lets through are read; `report.sifted` says so then, and `sieve.current`
    says who wants the event that was given last.

    `take` is offered each of these lines that looks like an event first.

    What is not an audit event is counted in `report` with its reason. No content of a file makes this
    raise; raises `InputError` for paths that do not exist or cannot be read, `UsageError` for an unknown
    format.
    """
    if options.input_format not in input_formats():
        raise UsageError(
            f"unknown input format {options.input_format!r}", remedy=nearest(options.input_format, input_formats())
        )
    report.strict = options.strict
    report.anything = options.input_format in ("json", "text")
    with opened(paths) as inputs:
        for file in inputs.files:
            report.files += 1
            if take is not None:
                take.open(file.path)
            yield from _Reader(file.path, options, report, sieve, take).events(file.blocks())


def read_piece(
    piece: Piece,
    file: Input,
    options: ReadOptions,
    report: InputReport,
    sieve: Sieve | None = None,
    take: Take | None = None,
) -> Iterator[AuditEvent]:
    """The audit events of a piece of a file. Raises `NotByLine` where the file is not one document per line."""
    report.strict = options.strict
    report.anything = options.input_format in ("json", "text")
    if take is not None:
        take.open(piece.path)
    cut = None if piece.whole else piece
    yield from _Reader(piece.path, options, report, sieve, take, cut).events(piece.blocks(file))


def event_of_line(line: bytes, path: str, number: int, options: ReadOptions) -> AuditEvent:
    """The event of a line that is known to be one, whatever has to be saved of it."""
    lines = Lines(iter((line,)))
    lines.number = number - 1
    return next(_Reader(path, options, InputReport())._read(lines))


class _Reader:
    """Reads one file."""

    def __init__(
        self,
        path: str,
        options: ReadOptions,
        report: InputReport,
        sieve: Sieve | None = None,
        take: Take | None = None,
        piece: Piece | None = None,
    ) -> None:
        self._path = path
        quick = options.input_format in ("auto", "native") and not options.strict
        self._take = take.take if take is not None and quick else None
        self._take_lines = take.take_lines if take is not None and quick else None
        self._take_found = take.take_found if take is not None and quick else None
        self._piece = piece
        self._sieve = sieve if options.input_format in ("auto", "native") and not options.strict else None
        self._options = options
        self._report = report
        self._build = Assembler(options).build
        self._plain = Envelope(path=path)
        self._joiner = Joiner()
        self._numbering = Numbering(self._joiner.holds)
        self._unclosed = False
        name = options.input_format
        self._only: Format | None = _BY_NAME.get(name)

    def events(self, content: Iterator[bytes]) -> Iterator[AuditEvent]:
        """All events of the file, of which this is the content."""
        blocks = self._watched(content)
        lines: Lines | None = None
        try:
            head = next(blocks, b"")
            if self._options.input_format in ("auto", "rule-tests") and looks_like_yaml(head):
                self._by_line_only()
                yield from self._yaml(head, blocks)
                return
            if self._sieve is not None:
                rest = yield from self._sifted(chain((head,), blocks), self._sieve)
                if rest is None:
                    return
                self._by_line_only()
                self._sieve.current = None
                lines = Lines(split_lines(rest[1]))
                lines.number = rest[0]
            else:
                number, size, rest_of_it = self._by_block(chain((head,), blocks))
                lines = Lines(split_lines(rest_of_it))
                lines.number, lines.size = number, size
            yield from self._read(lines)
        except Damaged as damaged:
            self._break_off(damaged, lines.number if lines is not None else 1)
            if lines is not None:
                lines.number -= 1
                for document in self._joiner.flush():
                    yield from self._unwrapped(document)
        finally:
            if lines is not None:
                self._report.bytes += lines.size - self._unclosed
                self._report.lines += lines.number

    def _break_off(self, damaged: Damaged, number: int) -> None:
        """Take into the account that the file could be read only up to this line."""
        origin = Origin(self._path, number)
        if damaged.gap is None:
            self._report.reject(COMPRESSION, origin)
        else:
            self._report.miss(damaged.gap, origin)

    def _watched(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The blocks; at their end it is known whether a line feed closes the last line."""
        block = b""
        for block in blocks:
            yield block
        self._unclosed = bool(block) and not block.endswith(b"\n")

    def _by_block(self, blocks: Iterator[bytes]) -> tuple[int, int, Iterator[bytes]]:
        """Whole blocks of lines, as long as they are taken at once: how many lines and bytes, and what is left."""
        number, size, carry = 0, 0, b""
        if self._take_lines is None:
            return number, size, blocks
        while True:
            try:
                block = next(blocks, b"")
            except Damaged as damaged:
                return number, size, broken_off(carry if self._piece is None else b"", damaged)
            cut = block.rfind(b"\n") + 1
            first = block.find(b"\n") + 1 if carry and cut else 0
            if first:  # the line that lies across two blocks by itself, so that blocks are not copied
                across = carry + block[:first]
                if not self._take_lines(across, 0, len(across)):
                    return number, size, chain((carry + block,), blocks)
                number, size, carry = number + 1, size + len(across), b""
            taken = self._take_lines(block, first, cut) if first < cut else 0
            if not taken:
                rest = carry + block[first:]
                return number, size, chain((rest,) if rest else (), blocks)
            number, size, carry = number + taken, size + cut - first, block[cut:]

    def _sifted(
        self, blocks: Iterator[bytes], sieve: Sieve
    ) -> Generator[AuditEvent, None, tuple[int, Iterator[bytes]] | None]:
        """Events of the lines that the sieve lets through; where it gives up, the lines so far and what is left."""
        report = self._report
        report.sifted = True
        carry = b""
        number = 0
        before = _FAR if self._piece is not None and self._piece.start else 0
        ahead = Ahead(blocks)
        while block := ahead.take():
            cut = last_closed(block, ahead.following)
            if not cut:
                carry += block
                if len(carry) > LONG_LINE or several(carry):
                    return number, ahead.rest(carry)
                continue
            # The line that lies across two blocks is looked at by itself, so that blocks are not copied together.
            first = 0 if not carry or carry.endswith(b"\n") else block.find(b"\n") + 1
            across = carry + block[:first] if carry else b""
            found = sieve.candidates(block, before + number + bool(across), first, cut) if first < cut else None
            alone = sieve.candidates(across, before + number, 0, len(across)) if across else None
            if (first < cut and found is None) or (across and (alone is None or several(across) or not closed(across))):
                return number, ahead.rest(carry, block)
            for part in (alone, found):
                if part is not None:
                    yield from self._candidates(part, number)
                    number += part.total
            report.bytes += len(across) + cut - first
            carry = block[cut:]
        if ahead.damaged is not None and self._piece is not None:
            carry = b""  # half a line says nothing of whether the file can be read by lines
        if carry and ahead.damaged is None and (b"\n" in carry[:-1] or not (closed(carry) or carry.isspace())):
            return number, iter((carry,))
        if carry:
            yield from self._one(carry, number)
            number += 1
            report.bytes += len(carry)
        report.lines += number
        if ahead.damaged is not None:
            self._break_off(ahead.damaged, number + 1)
        return None

    def _candidates(self, found: Sifted, before: int) -> Iterator[AuditEvent]:
        """The events of lines that the sieve found after `before` others."""
        assert self._sieve is not None
        numbers = found.numbers
        left = (
            self._take_found(found.lines, numbers, before)
            if self._take_found is not None
            else [(numbers.before(place), text, wanted) for place, text, wanted in found.lines]
        )
        for line, text, wanted in left:
            self._sieve.current = wanted
            yield from self._some(text, before + line)

    def _by_line_only(self) -> None:
        """Give up on a piece of a file that cannot be read line by line: what stands here may belong to a document
        that begins or ends in another piece."""
        if self._piece is not None:
            raise NotByLine(self._path)

    def _one(self, text: bytes, number: int) -> Iterator[AuditEvent]:
        """The events of a line that the sieve did not see."""
        assert self._sieve is not None
        self._sieve.current = None
        if self._take is None or not (text[:1] == b"{" and self._take(text.rstrip(b"\n"), number + 1)):
            yield from self._some(text, number)

    def _some(self, text: bytes, number: int) -> Iterator[AuditEvent]:
        """The events of one line, or of a few that belong together, without counting lines and bytes."""
        if text[:1] == b"{" and b"\n" not in text:
            try:
                value = decode_quickly(text)
                if is_plain(value):
                    if self._sieve is not None and not self._sieve.wants(value):
                        self._report.count_plain(value)
                        return
                    value = decode_json(text)
                    event = self._build(native_event(value, text, self._plain), Origin(self._path, number + 1))
                    self._report.count(event)
                    yield event
                    return
            except BadJSON:
                pass
        lines, bytes_ = self._report.lines, self._report.bytes
        taken = Lines(split_lines(iter((text,))))
        taken.number = number
        yield from self._read(taken)
        self._report.lines, self._report.bytes = lines, bytes_

    def _read(self, lines: Lines) -> Iterator[AuditEvent]:
        name = self._options.input_format
        if name in ("json", "text"):
            found = (
                json_events(lines, self._path, self._options, self._report, self._numbering, self._by_line_only)
                if name == "json"
                else text_events(lines, self._path, self._options)
            )
            for event in found:
                self._report.count(event)
                yield event
            lines.number -= 1
            return
        documents = Documents(lines)
        report, path, build, plain, take = self._report, self._path, self._build, self._plain, lines.take
        numbering, holds = self._numbering, self._joiner.holds
        quickly = self._take
        quick = self._only is None or self._only.name == "native"
        while True:
            line = take() if quickly is None else lines.run(quickly)
            if line is None:
                break
            if quick and line[:1] == b"{" and type(line) is bytes:
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
                        yield from self._taken(Document(lines.number, line, value, is_json=True))
                    continue
            if line.strip(b" \t\r\0"):
                self._by_line_only()
            for document in documents.starting_with(line):
                yield from self._taken(document)
        lines.number -= 1
        if documents.leftover and report.first_unread is None:
            report.first_unread = Origin(path, documents.leftover)
        for document in self._joiner.flush():
            yield from self._unwrapped(document)

    def _yaml(self, head: bytes, blocks: Iterator[bytes]) -> Iterator[AuditEvent]:
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
        except BadYAML:
            if _EVENT_LINE.search(data):  # a log whose first lines look like YAML
                yield from self._read(Lines(split_lines(iter((bytes(data),)))))
            else:
                self._report.reject(YAML_BROKEN, Origin(self._path, 1))
            return
        self._plain = Envelope(format="rule-tests", path=self._path)
        for document in documents:
            yield from self._unwrapped(document)

    def _taken(self, document: Document) -> Iterator[AuditEvent]:
        for ready in self._joiner.take(document):
            yield from self._unwrapped(ready)

    def _unwrapped(self, document: Document) -> Iterator[AuditEvent]:
        for least, found in enumerate(self._found_in(document), document.item):
            origin = Origin(self._path, document.line, self._numbering.take(document.line, least))
            if isinstance(found, Reject):
                self._report.reject(found.reason, origin)
            else:
                event = self._build(found, origin)
                self._report.count(event)
                yield event

    def _found_in(self, document: Document) -> Iterator[Event | Reject]:
        if document.broken:
            yield from recover(document.text.decode("utf-8", "replace"), self._plain, FORMATS)
            return
        value = document.value if document.is_json else document.text.decode("utf-8", "replace")
        if not self._is_chosen(value):
            yield Reject(OTHER_FORMAT)
            return
        text = document.text if document.is_json and document.text else None
        yield from unwrap(Record(value, self._plain, text), FORMATS)

    def _is_chosen(self, value: Any) -> bool:
        """Whether the outermost layer is of the format that the options name, if they do."""
        only = self._only
        if only is None or self._plain.format == only.name:
            return True
        return next((form for form in FORMATS if form.recognise(value)), None) is only
