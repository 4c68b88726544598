"""Cutting files into pieces of whole lines, so that several processes can read one log.

Only logs of one event per line can be cut. Whether a file is one is not assumed: a reader of a piece
raises `NotByLine` at the first line that is no document by itself, and the input is then read in one.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from podhawk.errors import InputError
from podhawk.events.compression import is_packed
from podhawk.events.gaps import Damaged
from podhawk.events.inputfile import Input
from podhawk.events.inputs import Inputs
from podhawk.events.source import SIZES, ReadSizes, line_end
from podhawk.events.unpacked import OPEN, SPARE, expected_size

SAMPLES = 8
GOLDEN = (5**0.5 - 1) / 2  # multiples of it fall evenly, and never in step with anything that comes back in a log
_LARGE_PART = 0.25
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class NotByLine(Exception):
    """The input is not one document per line, so it cannot be read in pieces."""


class Split(Struct, frozen=True):
    """The bytes `[start, end)` of a file, whole lines; `file` and `number` say where it stands in the input."""

    path: str
    file: int
    number: int
    start: int
    end: int
    whole: bool = False
    """Whether it is a whole file that cannot be cut, to be read as if it stood alone; where it starts and ends says no
    more than its size."""
    size: int = 0
    mark: bytes = b""
    """What the file is known by on a machine that has not opened it yet (see `Input`)."""
    packed: float = 0.0
    """Bytes of the file for each byte of its content, if the file is compressed and `[start, end)` lies in its content
    (see `unpacked`); else 0."""
    expected: int = 0
    """Bytes of content that such a piece is expected to have."""

    @property
    def amount(self) -> int:
        """Bytes that are looked at for events."""
        return self.expected if self.packed else self.end - self.start

    @property
    def stored(self) -> int:
        """Bytes of the file, as they lie there."""
        return round(self.amount * (self.packed or 1))

    def input(self) -> Input:
        """The file, to be opened by its path."""
        return Input.known(self.path, self.size, self.mark)

    def blocks(self, file: Input, sizes: ReadSizes = SIZES) -> Iterator[bytes]:
        """The bytes, in blocks. Raises `NotByLine` where compressed data is damaged: how far a file can be read is told
        by reading all of it."""
        if self.packed:
            return _undamaged(file.content_between(self.start, self.end, sizes))
        return file.blocks(sizes) if self.whole else file.between(self.start, self.end, sizes)

    def begins(self) -> bool:
        """Whether it holds the beginning of the file."""
        return self.whole or not self.start

    def ends(self, file: Input) -> bool:
        """Whether it holds the end of the file, asked when it has been read. Raises as `blocks` does."""
        if not self.packed:
            return self.whole or self.end >= file.size
        try:
            return file.content_ended
        except Damaged as damaged:
            raise NotByLine from damaged


def _undamaged(blocks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from blocks
    except Damaged as damaged:
        raise NotByLine from damaged


def sample_of(inputs: Inputs, sizes: ReadSizes = SIZES) -> bytes:
    """Bytes from places all over the files, to see what is frequent in them; nothing from what is compressed or no
    file. What an API server logs while it starts is unlike all that follows."""
    ends: list[tuple[int, Input]] = []
    total = 0
    for file in inputs.files:
        if file.is_file:
            total += file.size
            ends.append((total, file))
    found = []
    for number in range(SAMPLES):
        place = int(total * (number * GOLDEN % 1))
        at = bisect_right(ends, place, key=lambda end: end[0])
        if at == len(ends):
            break
        with ends[at][1].reading() as descriptor:
            if not _uncut(ends[at][1].beginning(descriptor)):
                found.append(os.pread(descriptor, sizes.sample, place - (ends[at - 1][0] if at else 0)))
    return b"\n".join(found)


def splits_of(inputs: Inputs, size: int, uncut: frozenset[int] = frozenset()) -> list[Split]:
    """All files in pieces of about `size` bytes, those that cannot be cut (and those numbered in `uncut`) whole.
    Raises `InputError` for standard input, which no other machine can read, and for what is no file."""
    found: list[Split] = []
    for number, file in enumerate(inputs.files):
        if not file.is_file:
            raise InputError(
                f"a cluster cannot read {file.name}", remedy="Write the input to a file that every worker can read."
            )
        cut = None if number in uncut else _cut(file, size)
        for piece in cut if cut is not None else [_piece(file, 0, 0, whole=True)]:
            found.append(replace(piece, file=number, number=len(found), size=file.size, mark=file.mark))
    return found


def pieces_of(inputs: Inputs, size: int) -> list[Split] | None:
    """All files in pieces of about `size` bytes, those that cannot be cut whole; None where one of them is no file, or
    where there is only one and it cannot be cut. A compressed file is cut if it has a large part of all bytes: each
    process decompresses all of it."""
    found: list[Split] = []
    if not all(file.is_file for file in inputs.files):
        return None
    for number, file in enumerate(inputs.files):
        cut = _cut(file, size)
        if cut is None and file.size > inputs.size * _LARGE_PART:
            cut = _cut_content(file, size)
        if cut is None:
            if len(inputs.files) == 1:
                return None
            cut = [_piece(file, 0, file.size, whole=True)]
        for piece in cut:
            found.append(replace(piece, file=number, number=len(found)))
    return found


def _cut(file: Input, size: int) -> list[Split] | None:
    """The pieces of one file; None if it cannot be cut, or is no longer what it was, which reading it will tell."""
    try:
        with file.reading() as descriptor:
            if not file.size or _uncut(file.beginning(descriptor)):
                return None
            found: list[Split] = []
            start = 0
            while start < file.size:
                end = min(start + size, file.size)
                if end < file.size:
                    end = min(line_end(descriptor, end, file.size), file.size)
                found.append(_piece(file, start, end))
                start = end
        return found
    except (OSError, InputError, Damaged):
        return None


def _cut_content(file: Input, size: int) -> list[Split] | None:
    """The pieces of a compressed file; None if it has to be read in one."""
    try:
        with file.reading() as descriptor:
            expected = expected_size(descriptor, file.size)
    except (OSError, InputError, Damaged):
        return None
    if expected <= size:
        return None
    found = []
    last = (-(-expected // size) + SPARE) * size
    for start in range(0, last + 1, size):
        end = OPEN if start == last else start + size
        piece = replace(_piece(file, start, end), packed=file.size / expected)
        found.append(replace(piece, expected=max(min(size, expected - start), 0)))
    return found


def _piece(file: Input, start: int, end: int, *, whole: bool = False) -> Split:
    return Split(file.path, 0, 0, start, end, whole)


def _uncut(head: bytes) -> bool:
    return is_packed(head) or head.startswith(_WIDE)
