"""Cutting files into pieces of whole lines, so that several processes can read one log.

Only logs of one event per line can be cut. Whether a file is one is not assumed: a reader of a piece
raises `NotByLine` at the first line that is no document by itself, and the input is then read in one.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from podhawk.errors import InputError
from podhawk.events.source import SIZES, STDIN, ReadSizes, expand_paths, line_blocks

_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18")
SAMPLES = 8
GOLDEN = (5**0.5 - 1) / 2  # multiples of it fall evenly, and never in step with anything that comes back in a log
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

    def blocks(self, sizes: ReadSizes = SIZES) -> Iterator[bytes]:
        """The bytes, in blocks."""
        with open(self.path, "rb", buffering=0) as stream:
            stream.seek(self.start)
            left = self.end - self.start
            if not self.start and stream.read(len(BOM_UTF8)) == BOM_UTF8:
                left -= len(BOM_UTF8)
            else:
                stream.seek(self.start)
            yield from line_blocks(stream, left, sizes.block)


def sample_of(paths: Iterable[str], sizes: ReadSizes = SIZES) -> bytes:
    """Bytes from places all over the files, to see what is frequent in them; nothing from what is compressed or no
    file. What an API server logs while it starts is unlike all that follows."""
    ends: list[tuple[int, str]] = []
    total = 0
    for path in paths:
        if path != STDIN and os.path.isfile(path):
            total += os.path.getsize(path)
            ends.append((total, path))
    found = []
    for number in range(SAMPLES):
        place = int(total * (number * GOLDEN % 1))
        file = bisect_right(ends, place, key=lambda end: end[0])
        if file == len(ends):
            break
        with open(ends[file][1], "rb", buffering=0) as stream:
            if not stream.read(4).startswith((*_COMPRESSED, *_WIDE)):
                stream.seek(place - (ends[file - 1][0] if file else 0))
                found.append(stream.read(sizes.sample))
    return b"\n".join(found)


def splits_of(paths: list[str], size: int, uncut: frozenset[int] = frozenset()) -> list[Split]:
    """All files in pieces of about `size` bytes, those that cannot be cut (and those numbered in `uncut`) whole.
    Raises `InputError` for standard input, which no other machine can read, and for what is no file."""
    found: list[Split] = []
    for file, path in enumerate(expand_paths(paths)):
        if path == STDIN or not os.path.isfile(path):
            raise InputError(
                f"a cluster cannot read {'standard input' if path == STDIN else path}",
                remedy="Write the input to a file that every worker can read.",
            )
        cut = pieces_of([path], size) if file not in uncut else None
        for piece in cut if cut is not None else [Split(path, 0, 0, 0, 0, whole=True)]:
            found.append(replace(piece, file=file, number=len(found)))
    return found


def pieces_of(paths: list[str], size: int) -> list[Split] | None:
    """All files in pieces of about `size` bytes, those that cannot be cut (compressed ones) whole; None where one of
    them is no file, or where there is only one and it cannot be cut."""
    found: list[Split] = []
    files = expand_paths(paths)
    for file, path in enumerate(files):
        if path == STDIN or not os.path.isfile(path):
            return None
        with open(path, "rb") as stream:
            head = stream.read(4)
            total = os.fstat(stream.fileno()).st_size
            if head.startswith((*_COMPRESSED, *_WIDE)):
                if len(files) == 1:
                    return None
                found.append(Split(path, file, len(found), 0, total, whole=True))
                continue
            start = 0
            while start < total:
                end = min(start + size, total)
                if end < total:
                    stream.seek(end)
                    end += len(stream.readline())
                found.append(Split(path, file, len(found), start, end))
                start = end
    return found
