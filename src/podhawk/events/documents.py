"""Lines to JSON documents, when a line is not a document by itself.

Nearly every line of an audit log is one JSON object, and never comes here. What comes here: documents
pretty-printed over many lines, several documents on one line, text, and damage. The rule that keeps
damage from spreading: JSON strings never span lines, and a line may only continue a document if its
first character can stand there. A line that cannot ends the document before it, which is then handed on
as broken, and reading goes on with that line. If a document that was put together from lines turns out not
to be JSON, the lines in it that start a document of their own (an opening bracket in the first column)
are read again as such.

A document over many lines may begin after other text on its first line (see `labelled`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct

from podhawk.events.decode import BadJSON, decode_json
from podhawk.events.elements import MARK, Elements
from podhawk.events.gaps import Damaged
from podhawk.events.jsonstart import starts_as_json
from podhawk.events.labelled import LineLabel
from podhawk.events.source import SIZES, LongPiece, ReadSizes

_BLANK: Final = b" \t\r\n\0"
_BOM: Final = b"\xef\xbb\xbf"
_CRI_PART: Final = re.compile(rb"\s*\d{4}-\d\d-\d\dT\S+ (?:stdout|stderr) P")
_MAX_WASTED: Final = 64 << 20
_LEFTOVERS: Final = b" \t\r,;]}\0"


class Document(Struct, frozen=True):
    """A decoded JSON document, or text that is none (`value` is None and `is_json` false).

    `broken` is text that starts like JSON but is not. `line` counts from 1; `item` is where elements
    of a document too large to be held begin to count.
    """

    line: int
    text: bytes
    value: Any = None
    is_json: bool = False
    broken: bool = False
    item: int = 0


class Lines:
    """Lines with their numbers; lines already taken can be given back."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._returned: list[bytes] = []
        self.number = 0
        self.size = 0

    def take(self) -> bytes | None:
        """The next line, or None at the end."""
        self.number += 1
        if self._returned:
            return self._returned.pop()
        line = next(self._source, None)
        if line is not None:
            self.size += len(line) + (not isinstance(line, LongPiece))
        return line

    def run(self, take: Callable[[bytes, int], bool]) -> bytes | None:
        """Give lines to `take` as long as it takes them; the first that it leaves (now the current one), or None."""
        if self._returned:
            return self.take()
        number, size = self.number, self.size
        left: bytes | None = None
        try:
            for line in self._source:
                number += 1
                size += len(line) + 1
                if type(line) is not bytes or not take(line, number):
                    left = line
                    size -= type(line) is not bytes
                    break
            else:
                number += 1
        except Damaged:
            number += 1
            raise
        finally:
            self.number, self.size = number, size
        return left

    def give_back(self, lines: list[bytes]) -> None:
        """Take `lines` back, the last of which is the current line."""
        self._returned.extend(reversed(lines))
        self.number -= len(lines)


class Documents:
    """Makes documents of the lines that are none by themselves."""

    def __init__(self, lines: Lines, sizes: ReadSizes = SIZES) -> None:
        self._lines = lines
        self._sizes = sizes
        self._wasted = 0
        self.leftover = 0
        """The line of the first lone bracket or comma; 0 while there was none."""

    def starting_with(self, line: bytes) -> Iterator[Document]:
        """The documents that begin on the current line (just taken from the lines)."""
        number = self._lines.number
        if isinstance(line, LongPiece):
            yield from self._long(line, number)
            return
        text = _stripped(line)
        if not text.strip(b"]},;"):  # blank, or what closes an array of which each line was read alone
            if text and not self.leftover:
                self.leftover = number
            return
        if not starts_as_json(text):
            label = LineLabel.before(text)
            whole = self._after(label, line, text, number) if label is not None else None
            yield whole or Document(number, _part_of_cri(line) or text)
            return
        whole = _decoded(text, number)
        if whole is not None:
            yield whole
            return
        yield from self._put_together(line, text, number)

    def _put_together(self, line: bytes, text: bytes, number: int) -> Iterator[Document]:
        taken, stack = [line], bytearray()
        head: list[bytes] = []  # the source of the lines before the current one
        current, size = text, len(text)
        while True:
            end, open_string = _scan(current, stack)
            if end is not None:
                whole = b"\n".join([*head, current[:end]])
                document = _decoded(whole, number)
                if document is None and head:
                    yield from self._broken(taken, number)
                    return
                yield document or Document(number, whole, broken=True)
                self._give_back_rest(current[end:], document is not None)
                return
            if open_string or self._wasted > _MAX_WASTED:
                yield from self._broken(taken, number)
                return
            if size > self._sizes.long_line:
                yield from self._by_elements(b"\n".join([*head, current]), current, stack, number)
                return
            following, blank = self._next_with_content()
            if following is None:
                yield from self._broken(taken, number)
                return
            stripped = _stripped(following)
            if isinstance(following, LongPiece) or not _may_follow(current, stack, stripped):
                self._lines.give_back([following])
                yield from self._broken(taken, number)
                return
            taken += [*blank, following]
            head += [current, *blank]
            current = following.rstrip(_BLANK)
            size += len(following)

    def _after(self, label: LineLabel, line: bytes, text: bytes, number: int) -> Document | None:
        """The document that begins after a label and goes on on the next lines, with the label before it; None (and
        nothing is taken) where there is none."""
        taken, stack = [line], bytearray()
        current = text[label.size :]
        parts: list[bytes] = []
        size = 0
        while True:
            end, open_string = _scan(current, stack)
            parts.append(current[:end])
            if end is not None:
                whole = b"\n".join(parts)
                if _decoded(whole, number) is None:
                    break
                self._give_back_rest(current[end:], sound=True)
                return Document(number, text[: label.size] + whole)
            following, blank = self._next_with_content() if not open_string else (None, [])
            if following is None:
                break
            taken += [*blank, following]
            stripped = _stripped(label.without(following))
            size += len(following)
            if (
                isinstance(following, LongPiece)
                or not _may_follow(current, stack, stripped)
                or size > self._sizes.long_line
                or self._wasted > _MAX_WASTED
            ):
                break
            current = label.without(following).rstrip(_BLANK)
        self._wasted += size
        if len(taken) > 1:
            self._lines.give_back(taken[1:])
        return None

    def _give_back_rest(self, rest: bytes, sound: bool) -> None:
        """Read what stands behind a document on its last line as a line of its own, unless it is nothing but a remark
        behind a sound one."""
        rest = rest.lstrip(b" \t\r,;\0")
        if not rest.strip(_LEFTOVERS):
            return
        from podhawk.events.remnant import is_remnant

        is_remark = sound and not starts_as_json(rest) and b"{" not in rest
        if not (is_remark and not is_remnant(rest.decode("utf-8", "replace"))):
            self._lines.give_back([rest])

    def _next_with_content(self) -> tuple[bytes | None, list[bytes]]:
        """The next line that is not blank, and the blank ones before it."""
        blank: list[bytes] = []
        while (line := self._lines.take()) is not None:
            if _stripped(line):
                return line, blank
            blank.append(b"")
        self._lines.number -= 1
        return None, blank

    def _broken(self, taken: list[bytes], number: int) -> Iterator[Document]:
        """What could not be put together, up to the next line in it that starts afresh."""
        self._wasted += sum(len(line) + 64 for line in taken)
        for place in range(1, len(taken)):
            if taken[place].startswith((b"{", b"[")):
                self._lines.give_back(taken[place:])
                taken = taken[:place]
                break
        yield Document(number, _stripped(b"\n".join(taken)), broken=True)

    def _by_elements(self, text: bytes, current: bytes, stack: bytearray, number: int) -> Iterator[Document]:
        """A document over many lines that is too large to be held, element by element."""
        elements, item, batch, size = Elements(), 0, [text], 0
        end: int | None = None
        stopped = False
        while not stopped:
            following, _ = self._next_with_content()
            if following is None:
                stopped = True
            elif isinstance(following, LongPiece) or not _may_follow(current, stack, _stripped(following)):
                self._lines.give_back([following])
                stopped = True
            else:
                current = following.rstrip(_BLANK)
                end, open_string = _scan(current, stack)
                batch.append(current[:end])
                size += len(current)
                stopped = open_string or end is not None
            if stopped or size > self._sizes.block:
                for element in elements.feed(b"\n".join([*batch, b""])):
                    yield _decoded(element, number, item) or Document(number, element, broken=True, item=item)
                    item += 1
                batch, size = [], 0
                stopped = stopped or elements.overflown
        if end is not None:
            self._give_back_rest(current[end:], sound=True)
        yield from _left(elements, number, item)

    def _long(self, piece: bytes, number: int) -> Iterator[Document]:
        """A line too long to be held: the elements of its outermost array, one at a time."""
        elements, item = Elements(), 0
        pieces: bytes | None = piece
        while pieces is not None:
            last = not isinstance(pieces, LongPiece)
            for element in elements.feed(pieces + (b"\n" if last else b"")):
                yield _decoded(element, number, item) or Document(number, element, broken=True, item=item)
                item += 1
            if last or elements.overflown:
                break
            pieces = self._lines.take()
            self._lines.number -= 1
        yield from _left(elements, number, item)


def _left(elements: Elements, number: int, item: int) -> Iterator[Document]:
    """What is left at the end of a document that was read by its elements."""
    rest = elements.rest().strip(_BLANK)
    if elements.overflown:
        yield Document(number, rest[:4096], broken=True, item=item)
    elif rest.strip(_LEFTOVERS):
        yield _decoded(rest, number, item) or Document(number, rest, broken=True, item=item)


def _part_of_cri(line: bytes) -> bytes | None:
    """A line of a container runtime that goes on on the next one, with the blanks at its end: they are in the middle of
    what is put together. None for any other line."""
    return line.lstrip(_BLANK).rstrip(b"\r\n") if _CRI_PART.match(line) else None


def _stripped(line: bytes) -> bytes:
    text = line.strip(_BLANK)
    return text[3:].lstrip(_BLANK) if text.startswith(_BOM) else text


def _decoded(text: bytes, line: int, item: int = 0) -> Document | None:
    try:
        return Document(line, text, decode_json(text), is_json=True, item=item)
    except BadJSON:
        return None


def _scan(text: bytes, stack: bytearray) -> tuple[int | None, bool]:
    """Follow the brackets of one line. Gives where the outermost one closes, if it does, and
    whether the line ends inside a string (or closes what it did not open)."""
    for mark in MARK.finditer(text):
        token = mark.group()
        if token in (b"{", b"["):
            stack += token
        elif token in (b"}", b"]"):
            if not stack or stack[-1] != (123 if token == b"}" else 91):
                return None, True
            stack.pop()
            if not stack:
                return mark.end(), False
        elif token == b'"':
            return None, True
    return None, False


def _may_follow(before: bytes, stack: bytearray, line: bytes) -> bool:
    """Whether a document whose last line is `before` can go on with `line`."""
    last, first = before.rstrip(_BLANK)[-1:], line[:1]
    in_object = stack[-1:] == b"{"
    if last == b"{":
        return first in b'"}'
    if last == b",":
        return first == b'"' if in_object else first in b'"{[-0123456789tfn'
    if last == b"[":
        return first in b']"{[-0123456789tfn'
    if last == b":":
        return first in b'"{[-0123456789tfn'
    return first in (b",}:" if in_object else b",]")
