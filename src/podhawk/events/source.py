"""Paths to bytes to lines: files, folders, globs and stdin; gzip and zstd by their first bytes.

Everything streams: memory is bounded by the sizes of a block and of a long line (`ReadSizes`), and a longer line is
handed on in pieces. UTF-8 and UTF-16 byte-order marks are taken off.
"""

from __future__ import annotations

import codecs
import glob
import os
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from io import FileIO
from pathlib import Path
from typing import IO, Final

from msgspec import Struct

from podhawk.errors import InputError

STDIN: Final = "-"
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


class Damaged(Exception):
    """A compressed stream cannot be read to its end; internal to this package."""


class LongPiece(bytes):
    """A part of a long line; the line goes on in the next one."""


def expand_paths(paths: Sequence[str]) -> list[str]:
    """Files in order: a folder gives its files (recursive, sorted, hidden ones left out), a glob its
    matches, `-` is stdin. Raises `InputError` naming a path that does not exist or matches nothing."""
    found: list[str] = []
    for path in paths:
        if path == STDIN or os.path.isfile(path) or (os.path.exists(path) and not os.path.isdir(path)):
            found.append(path)
        elif os.path.isdir(path):
            found.extend(_files_below(path))
        else:
            matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []
            if not matches:
                raise InputError(
                    f"no such file or folder: {path!r}",
                    remedy="Paths may be files, folders, globs, or - for standard input.",
                )
            for match in matches:
                found.extend(_files_below(match) if os.path.isdir(match) else [match])
    return found


def _files_below(folder: str) -> list[str]:
    root = Path(folder)
    return [
        str(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]


def read_blocks(path: str, sizes: ReadSizes = SIZES) -> Iterator[bytes]:
    """The decompressed, decoded content in blocks. Raises `InputError` if the file cannot be read and
    `Damaged` where a compressed stream breaks (all that came before has been given by then)."""
    try:
        if path == STDIN:
            yield from _as_utf8(_decompressed(sys.stdin.buffer, sizes.block))
        else:
            with open(path, "rb", buffering=0) as stream:
                yield from _as_utf8(_decompressed(stream, sizes.block))
    except OSError as error:
        raise InputError(f"cannot read {path!r}: {error.strerror or error}") from None


def blocks_of(data: bytes) -> Iterator[bytes]:
    """The same for bytes at hand (a payload inside an envelope)."""
    import io

    yield from _as_utf8(_decompressed(io.BytesIO(data), SIZES.block))


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
    def damaged(self) -> bool:
        """Whether the blocks break off after those that are known."""
        return self._damaged is not None

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


def line_blocks(stream: IO[bytes], left: int, block_size: int) -> Iterator[bytes]:
    """So many bytes of a regular file, in blocks that end where a line ends, unless it is a very long one: then nobody
    has to put lines together that lie across two blocks."""
    keep_freed_blocks()
    descriptor = stream.fileno()
    at = stream.tell()
    while left > 0:
        size = min(block_size, left)
        if size < left:
            size = min(_line_end(descriptor, at + size, block_size) - at, left)
        block = stream.read(size)
        if not block:
            return
        at += len(block)
        left -= len(block)
        yield block


def _line_end(descriptor: int, place: int, block_size: int) -> int:
    """Where the line ends that a place lies in, or a place in it if it is long."""
    size, most = 4096, place + block_size
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


def _plain_blocks(stream: IO[bytes], first: bytes, block_size: int) -> Iterator[bytes]:
    if not first:
        return
    yield first
    if isinstance(stream, FileIO):  # neither standard input nor bytes at hand
        about = os.fstat(stream.fileno())
        if stat.S_ISREG(about.st_mode):
            yield from line_blocks(stream, about.st_size - stream.tell(), block_size)
    while block := stream.read(block_size):  # what has been written since, or is no regular file
        yield block


def _decompressed(stream: IO[bytes], block_size: int) -> Iterator[bytes]:
    first = stream.read(block_size)
    while first and len(first) < 4:  # a pipe may give less
        more = stream.read(block_size)
        if not more:
            break
        first += more
    blocks = _plain_blocks(stream, first, block_size)
    if first.startswith(_GZIP):
        return _gunzipped(blocks, block_size)
    if first.startswith(_ZSTD) or (_SKIPPABLE[0] <= first[:4] <= _SKIPPABLE[1] and first[1:4] == _SKIPPABLE[0][1:]):
        return _unzstd(blocks)
    return blocks


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
        if tail:
            yield b"".join(tail)
        raise
    if tail:
        yield b"".join(tail)
