"""Bytes to lines; compressed data is recognised by its first bytes.

Everything streams: memory is bounded by the sizes of a block and of a long line (`ReadSizes`), and a longer line is
handed on in pieces. UTF-8 and UTF-16 byte-order marks are taken off.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import cache
from itertools import chain
from typing import IO, Final

from msgspec import Struct

from podhawk.events.compression import ZIP, bounded, is_packed, look_through
from podhawk.events.gaps import Damaged

READ: Final[ContextVar[Callable[[int], None] | None]] = ContextVar("READ", default=None)
"""What wants to know how many bytes of files were read, as they lie there."""


def told_read(size: int) -> None:
    """Say that so many bytes of a file were read."""
    told = READ.get()
    if told is not None:
        told(size)


class ReadSizes(Struct, frozen=True):
    """How many bytes are read or held at a time; no result depends on them. A file is read in blocks of `block` bytes.
    A line or document of more than `long_line` bytes is read in parts. A sample of the input takes `sample` bytes from
    each place."""

    block: int = 1 << 20
    long_line: int = 32 << 20
    sample: int = 32 << 10


SIZES: Final = ReadSizes()


class EndsEarly(Exception):
    """A file ends at a `place` before the `end` up to which it was to be read."""

    def __init__(self, place: int, end: int) -> None:
        super().__init__(place, end)
        self.place, self.end = place, end


class LongPiece(bytes):
    """A part of a long line; the line goes on in the next one."""


def decoded(blocks: Iterator[bytes], seekable: Callable[[], IO[bytes]] | None = None) -> Iterator[bytes]:
    """The decompressed, decoded content of the blocks of a file. `seekable` opens it as a file that can be sought in,
    as zip archives must be. Raises `Damaged` where a compressed stream breaks (all that came before has been given by
    then)."""
    return _as_utf8(_decompressed(blocks, seekable))


def stream_blocks(stream: IO[bytes], sizes: ReadSizes = SIZES) -> Iterator[bytes]:
    """All that a stream gives."""
    while block := stream.read(sizes.block):
        yield block


def blocks_of(data: bytes) -> Iterator[bytes]:
    """The same for bytes at hand (a payload inside an envelope)."""
    import io

    yield from decoded(stream_blocks(io.BytesIO(data)), lambda: io.BytesIO(data))


class Ahead:
    """Blocks, of which it is known how the next one begins (`following`, empty at the end)."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._damaged: Damaged | None = None
        self._next = self._fetch()

    def _fetch(self) -> bytes:
        block = b""
        try:
            while not block:
                block = next(self._blocks)
        except StopIteration:
            pass
        except Damaged as damaged:
            self._damaged = damaged
        return block

    def take(self) -> bytes:
        """The next block; nothing at the end."""
        block = self._next
        self._next = self._fetch() if block else b""
        return block

    @property
    def following(self) -> bytes:
        return self._next[:1]

    @property
    def damaged(self) -> Damaged | None:
        """The error with which the blocks break off after those that are known, if they do."""
        return self._damaged

    def rest(self, *before: bytes) -> Iterator[bytes]:
        """Some blocks again, and all that have not been taken. Raises `Damaged` where these break off."""
        yield from before
        if self._next:
            yield self._next
        if self._damaged is not None:
            raise self._damaged
        yield from self._blocks


@cache
def keep_freed_blocks() -> None:
    """Keep the memory of a block for the next one: glibc gives large blocks back to the system, which has to clear
    them again each time, unless it has seen a larger one freed."""
    bytes(8 * SIZES.block)


def line_blocks(descriptor: int, start: int, end: int, block_size: int) -> Iterator[bytes]:
    """The bytes of a regular file between two places, in blocks that end where a line ends, unless it is a very long
    one: then nobody has to put lines together that lie across two blocks. The position of the descriptor, which forks
    share, is not used. Raises `EndsEarly`, after the last whole line that there is."""
    keep_freed_blocks()
    while start < end:
        size = min(block_size, end - start)
        if size < end - start:
            size = min(line_end(descriptor, start + size, start + size + block_size, block_size) - start, end - start)
        block = os.pread(descriptor, size, start)
        start += len(block)
        told_read(len(block))
        if len(block) < size and not os.pread(descriptor, 1, start):
            whole = block[: block.rfind(b"\n") + 1]
            if whole:
                yield whole
            raise EndsEarly(start, end)
        yield block


def all_blocks(descriptor: int, least: int, block_size: int) -> Iterator[bytes]:
    """All bytes of a regular file, however many it turns out to have. Raises `EndsEarly` if they are fewer than
    `least`."""
    at = 0
    while block := os.pread(descriptor, block_size, at):
        at += len(block)
        told_read(len(block))
        yield block
    if at < least:
        raise EndsEarly(at, least)


def line_end(descriptor: int, place: int, most: int, block_size: int = SIZES.block) -> int:
    """Where the line ends that a place lies in; `most` or a little more where it is longer than that."""
    size = 4096
    while place < most:
        ahead = os.pread(descriptor, size, place)
        if not ahead:
            break
        feed = ahead.find(b"\n")
        if feed >= 0:
            return place + feed + 1
        place += len(ahead)
        size = min(size * 8, block_size)
    return place


def _decompressed(blocks: Iterator[bytes], seekable: Callable[[], IO[bytes]] | None) -> Iterator[bytes]:
    first = next(blocks, b"")
    while first and len(first) < 4:  # a pipe may give less
        more = next(blocks, b"")
        if not more:
            break
        first += more
    if first.startswith(ZIP) and seekable is not None:
        from podhawk.events.archives import unzipped

        stream = seekable()
        size = stream.seek(0, os.SEEK_END)
        return bounded(unzipped(stream, lambda member: _as_utf8(look_through(member))), [size])
    blocks = chain((first,) if first else (), blocks)
    if not is_packed(first):
        return blocks
    return look_through(blocks, again=None if seekable is None else lambda: stream_blocks(seekable()))


def _as_utf8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(blocks, b"")
    if first.startswith(codecs.BOM_UTF8):
        first = first[3:]
    elif first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
        yield decoder.decode(first).encode("utf-8", "replace")
        for block in blocks:
            yield decoder.decode(block).encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")
        return
    yield first
    yield from blocks


def split_lines(blocks: Iterator[bytes], sizes: ReadSizes = SIZES) -> Iterator[bytes]:
    """Lines without their line feed. A long line comes as several `LongPiece`s and its rest.

    When the blocks break off with `Damaged`, the half line before the break is given first.
    """
    tail: list[bytes] = []
    size = 0
    try:
        for block in blocks:
            if b"\n" not in block:
                tail.append(block)
                size += len(block)
                if size > sizes.long_line:
                    yield LongPiece(b"".join(tail))
                    tail, size = [], 0
                continue
            lines = block.split(b"\n")
            if tail:
                tail.append(lines[0])
                lines[0] = b"".join(tail)
            last = lines.pop()
            tail, size = ([last], len(last)) if last else ([], 0)
            yield from lines
    except Damaged:
        if size:
            yield b"".join(tail)
        raise
    if size:  # an empty file has no line
        yield b"".join(tail)
