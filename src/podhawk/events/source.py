"""Bytes to lines; gzip and zstd are recognised by their first bytes.

Everything streams: memory is bounded by the sizes of a block and of a long line (`ReadSizes`), and a longer line is
handed on in pieces. UTF-8 and UTF-16 byte-order marks are taken off.
"""

from __future__ import annotations

import codecs
import os
import sys
import zlib
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import IO, Final

from msgspec import Struct

from podhawk.events.gaps import Damaged

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = (b"\x50\x2a\x4d\x18", b"\x5f\x2a\x4d\x18")


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


def decoded(blocks: Iterator[bytes], sizes: ReadSizes = SIZES) -> Iterator[bytes]:
    """The decompressed, decoded content of the blocks of a file. Raises `Damaged` where a compressed stream breaks (all
    that came before has been given by then)."""
    return _as_utf8(_decompressed(blocks, sizes.block))


def is_compressed(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a compressed one."""
    return head.startswith((_GZIP, _ZSTD)) or (
        _SKIPPABLE[0] <= head[:4] <= _SKIPPABLE[1] and head[1:4] == _SKIPPABLE[0][1:]
    )


def stream_blocks(stream: IO[bytes], sizes: ReadSizes = SIZES) -> Iterator[bytes]:
    """All that a stream gives."""
    while block := stream.read(sizes.block):
        yield block


def blocks_of(data: bytes) -> Iterator[bytes]:
    """The same for bytes at hand (a payload inside an envelope)."""
    import io

    yield from decoded(stream_blocks(io.BytesIO(data)))


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


def _decompressed(blocks: Iterator[bytes], block_size: int) -> Iterator[bytes]:
    first = next(blocks, b"")
    while first and len(first) < 4:  # a pipe may give less
        more = next(blocks, b"")
        if not more:
            break
        first += more
    blocks = chain((first,) if first else (), blocks)
    if not is_compressed(first):
        return blocks
    return _gunzipped(blocks, block_size) if first.startswith(_GZIP) else _unzstd(blocks)


def _gunzipped(blocks: Iterator[bytes], block_size: int) -> Iterator[bytes]:
    """All members, one after another; zero padding between and after members is skipped."""
    member = None
    for block in blocks:
        data = block
        while data:
            if member is None:
                data = data.lstrip(b"\0")
                if not data:
                    break
                member = zlib.decompressobj(wbits=31)
            try:
                out = member.decompress(data, block_size)
                if out:
                    yield out
                while member.unconsumed_tail:
                    out = member.decompress(member.unconsumed_tail, block_size)
                    if out:
                        yield out
            except zlib.error:
                raise Damaged from None
            data = member.unused_data if member.eof else b""
            if member.eof:
                member = None
    if member is not None:
        rest = member.flush()
        if rest:
            yield rest
        raise Damaged


def _unzstd(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """All frames, one after another."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    options = {int(zstd.DecompressionParameter.window_log_max): 31}
    frame = None
    for data in _small(blocks):
        while data:
            if frame is None:
                frame = zstd.ZstdDecompressor(options=options)
            try:
                out = frame.decompress(data, SIZES.block)
                if out:
                    yield out
                while not (frame.eof or frame.needs_input):
                    yield frame.decompress(b"", SIZES.block)
            except zstd.ZstdError:
                raise Damaged from None
            data = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame = None
    if frame is not None:
        raise Damaged


def _small(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Small pieces: of one that is damaged, what was decompressed is lost."""
    for block in blocks:
        for start in range(0, len(block), 4096):
            yield block[start : start + 4096]


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
