"""A file to candidates: blocks go to the prefilter and the fast path first, the rest is read line by line.

A block is handed on as it was read, and cut where a document certainly ends. The line that lies across two blocks is
handed on by itself, so that blocks are not copied. If the prefilter finds that it cannot judge the file (a wrapping
hides values, or a document has several lines), the rest of the file is read without it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from podhawk.events.blocks import broken_off, closed, last_closed, several
from podhawk.events.candidates import Candidate, LinePrefilter, LineWatch, Searches, SelectedLines, Shortcuts
from podhawk.events.decode import BadJSON, decode_quickly
from podhawk.events.documents import Lines
from podhawk.events.event import Origin
from podhawk.events.gaps import Damaged
from podhawk.events.line_reader import LineReader, is_plain
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.repair import may_be_changed
from podhawk.events.rulefile import looks_like_yaml
from podhawk.events.source import Ahead, split_lines
from podhawk.events.splits import Split
from podhawk.log import logger

if TYPE_CHECKING:
    from podhawk.events.formats.csvfile import CsvTable

_FAR: Final = 1 << 40  # the line number at which a split begins that is not the first one of its file

UnreadRest = tuple[int, int, Iterator[bytes]]
"""How many lines and bytes of a file have been read in blocks, and the blocks that are left."""


class FileReader:
    """Reads one file, or a split of one."""

    def __init__(
        self, path: str, options: ReadOptions, report: InputReport, shortcuts: Shortcuts, split: Split | None = None
    ) -> None:
        # Only plain events come as the shortcuts expect them, and under `strict` every line has to be accounted for.
        if options.input_format not in ("auto", "native") or options.strict:
            shortcuts = Shortcuts()
        self._path = path
        self._options = options
        self._report = report
        self._split = split
        self._prefilter = shortcuts.prefilter
        self._precheck = shortcuts.precheck
        self._watch = shortcuts.watch
        self._unmasked = replace(options, redaction=None)
        """The watch keeps nothing of an event but its place."""
        self._fast_path = shortcuts.fast_path
        self._take = shortcuts.fast_path.take if shortcuts.fast_path is not None else None
        self._lines = LineReader(path, options, report, in_split=split is not None)
        self._unclosed = False

    def candidates(self, content: Iterator[bytes]) -> Iterator[Candidate]:
        """All events that the shortcuts leave of the file, whose content is given in blocks. Raises `NotByLine` if a
        split cannot be read by itself."""
        blocks = self._watched(content)
        lines: Lines | None = None
        try:
            head = next(blocks, b"")
            if self._options.input_format in ("auto", "rule-tests") and looks_like_yaml(head):
                self._lines.require_whole_file()
                for event in self._lines.read_yaml(head, blocks, self._take):
                    yield Candidate(event)
                return
            if self._options.input_format in ("auto", "csv") and (table := _table(head)) is not None:
                self._lines.require_whole_file()
                lines = Lines(split_lines(chain((head,), blocks), self._options.sizes))
                for event in self._lines.read_csv(table, lines):
                    yield Candidate(event)
                return
            rest: UnreadRest | None
            if self._prefilter is not None:
                rest = yield from self._prefiltered(chain((head,), blocks), self._prefilter)
                if rest is None:
                    return
                logger(__name__).info("%s: every line is read from line %d on", self._path, rest[0] + 1)
                self._lines.require_whole_file()
            else:
                rest = self._whole_blocks(chain((head,), blocks))
            lines = Lines(split_lines(rest[2], self._options.sizes))
            lines.number, lines.size = rest[:2]
            for event in self._lines.read(lines, self._take):
                yield Candidate(event)
        except Damaged as damaged:
            self._break_off(damaged, lines.number if lines is not None else 1)
            if lines is not None:
                lines.number -= 1
                for event in self._lines.flush():
                    yield Candidate(event)
        finally:
            if lines is not None:
                self._report.bytes += lines.size - self._unclosed
                self._report.lines += lines.number

    def _break_off(self, damaged: Damaged, number: int) -> None:
        """Report that the file could be read only up to this line."""
        origin = Origin(self._path, number)
        if damaged.gap is None:
            self._report.reject(damaged.reason, origin)
        else:
            self._report.miss(damaged.gap, origin)

    def _watched(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The blocks; at their end it is known whether a line feed closes the last line."""
        block = b""
        for block in blocks:
            yield block
        self._unclosed = bool(block) and not block.endswith(b"\n")

    def _whole_blocks(self, blocks: Iterator[bytes]) -> UnreadRest:
        """Hand on whole blocks of lines as long as the fast path takes them."""
        number, size, carry = 0, 0, b""
        take_lines = self._fast_path.take_lines if self._fast_path is not None else None
        if take_lines is None:
            return number, size, blocks
        while True:
            try:
                block = next(blocks, b"")
            except Damaged as damaged:
                return number, size, broken_off(carry if self._split is None else b"", damaged)
            cut = block.rfind(b"\n") + 1
            first = block.find(b"\n") + 1 if carry and cut else 0
            if first:
                across = carry + block[:first]
                if not take_lines(across, 0, len(across)):
                    return number, size, chain((carry + block,), blocks)
                number, size, carry = number + 1, size + len(across), b""
            taken = take_lines(block, first, cut) if first < cut else 0
            if not taken:
                rest = carry + block[first:]
                return number, size, chain((rest,) if rest else (), blocks)
            number, size, carry = number + taken, size + cut - first, block[cut:]

    def _prefiltered(
        self, blocks: Iterator[bytes], prefilter: LinePrefilter
    ) -> Generator[Candidate, None, UnreadRest | None]:
        """The candidates among the lines that the prefilter selects. Returns what is left where it gives up."""
        report = self._report
        report.prefiltered = True
        report.levels_seen = prefilter.levels
        carry = b""
        number = 0
        before = _FAR if self._split is not None and self._split.start else 0
        ahead = Ahead(blocks)
        while block := ahead.take():
            cut = last_closed(block, ahead.following)
            if not cut:
                carry += block
                if len(carry) > self._options.sizes.long_line or several(carry):
                    return number, 0, ahead.rest(carry)
                continue
            first = 0 if not carry or carry.endswith(b"\n") else block.find(b"\n") + 1
            across = carry + block[:first] if carry else b""
            found = prefilter.select(block, before + number + bool(across), first, cut) if first < cut else None
            alone = prefilter.select(across, before + number, 0, len(across)) if across else None
            if (first < cut and found is None) or (across and (alone is None or several(across) or not closed(across))):
                return number, 0, ahead.rest(carry, block)
            for part in (alone, found):
                if part is not None:
                    self._look_at(part, number)
                    yield from self._selected(part, number)
                    number += part.total
            report.bytes += len(across) + cut - first
            carry = block[cut:]
        if ahead.damaged is not None and self._split is not None:
            carry = b""  # half a line does not tell whether the file can be read by lines
        if carry and ahead.damaged is None and (b"\n" in carry[:-1] or not (closed(carry) or carry.isspace())):
            return number, 0, iter((carry,))
        if carry:
            yield from self._unseen(carry, number)
            number += 1
            report.bytes += len(carry)
        report.lines += number
        if ahead.damaged is not None:
            self._break_off(ahead.damaged, number + 1)
        return None

    def _selected(self, found: SelectedLines, before: int) -> Iterator[Candidate]:
        """The candidates of lines that the prefilter selected, with `before` lines in front of them."""
        numbers = found.numbers
        left = (
            self._fast_path.take_found(found.lines, numbers, before)
            if self._fast_path is not None
            else [(numbers.before(place), text, searches) for place, text, searches in found.lines]
        )
        for line, text, searches in left:
            yield from self._candidates_of(text, before + line, searches)

    def _look_at(self, found: SelectedLines, before: int) -> None:
        """Show the watch the lines that it asked for. They are no part of the report."""
        watch = self._watch
        if watch is None:
            return
        for place, text, searches, one_event in found.watched:
            asked = watch.wants(text, searches, one_event)
            if asked:
                self._show(watch, text, before + found.line_before(place), asked)

    def _show(self, watch: LineWatch, text: bytes, before: int, asked: Searches) -> None:
        for event in LineReader(self._path, self._unmasked, InputReport()).read_part(text, before):
            watch.look(event, asked)

    def _unseen(self, text: bytes, before: int) -> Iterator[Candidate]:
        """The candidates of a line that the prefilter did not see."""
        if self._watch is not None and (asked := self._watch.wants(text, None)):
            self._show(self._watch, text, before, asked)
        if self._take is None or not (text[:1] == b"{" and self._take(text.rstrip(b"\n"), before + 1)):
            yield from self._candidates_of(text, before, None)

    def _candidates_of(self, text: bytes, before: int, searches: Searches) -> Iterator[Candidate]:
        """The candidates of one line, or of a few that belong together."""
        if text[:1] == b"{" and b"\n" not in text:
            try:
                value = decode_quickly(text)
                if is_plain(value):
                    if searches is not None and self._precheck is not None and not may_be_changed(value):
                        searches = self._precheck(value, searches)
                        if not searches:
                            self._report.count_plain(value)
                            return
                    yield Candidate(self._lines.plain_event(text, before + 1), searches)
                    return
            except BadJSON:
                pass
        # The fast path takes lines for all searches only.
        for event in self._lines.read_part(text, before, self._take if searches is None else None):
            yield Candidate(event, searches)


def _table(head: bytes) -> CsvTable | None:
    """The table that a CSV file begins with."""
    if head.lstrip(b"\xef\xbb\xbf\r\n\t \0")[:1] in (b"{", b"[", b""):
        return None
    from podhawk.events.formats.csvfile import table_in

    return table_in(head)
