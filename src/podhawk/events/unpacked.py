"""Parts of the content of a compressed file, for several processes.

Compressed data can be read only from its beginning. Decompressing takes less time than looking for events, so each
process decompresses all of it and looks at the parts that it was given. A process takes parts in their order, so it
goes over the file once.

How much content a file has is not known before. It is estimated, and parts are made for that; some more parts follow
in case there is more, and the last one has no end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from podhawk.events.compression import cheaply_unpacked, is_packed, look_through
from podhawk.events.gaps import Damaged

OPEN: Final = 1 << 62
"""The end of a part that has none."""
SPARE: Final = 8
"""Parts after the expected end."""
_SAMPLE: Final = 64 << 10
_WRAP: Final = 1 << 32


def expected_size(descriptor: int, size: int) -> int:
    """Bytes that a file of so many is expected to have when it is decompressed; 0 if its content is not to be read in
    parts: it is compressed twice, an archive, or in a way that takes long to decompress. Raises OSError."""
    head = os.pread(descriptor, min(_SAMPLE, size), 0)
    if not cheaply_unpacked(head):
        return 0
    found = bytearray()
    try:
        for block in look_through(iter((head,)), layers=2):
            found += block
    except Damaged:  # it is only the beginning
        pass
    if len(found) < 512 or is_packed(bytes(found[:512])) or b"\0" in found[:512]:
        return 0
    ratio = len(found) / len(head)
    return _by_trailer(descriptor, size, round(ratio * size)) if head.startswith(b"\x1f\x8b") else round(ratio * size)


def _by_trailer(descriptor: int, size: int, expected: int) -> int:
    """The size that the last member of gzip tells, modulo 4 GiB, if it agrees with what is expected (RFC 1952)."""
    told = int.from_bytes(os.pread(descriptor, 4, max(size - 4, 0)), "little")
    nearest = told + max(round((expected - told) / _WRAP), 0) * _WRAP
    return nearest if expected / 2 < nearest < expected * 2 else expected


class Unpacked:
    """Content, given in blocks, that is read forward in parts of whole lines."""

    def __init__(self, blocks: Iterator[bytes], long_line: int) -> None:
        self._blocks = blocks
        self._long_line = long_line
        self._place = 0
        """Where `_block` begins, which has not been given."""
        self._block = b""
        self._before = b"\n"
        """The byte before it."""

    def between(self, start: int, end: int) -> Iterator[bytes]:
        """The lines that begin at `start` or later, and before `end`. Calls come in the order of the places. Raises
        what the blocks raise."""
        if not self._to_line(start):
            return
        carry: list[bytes] = []
        size = 0
        while not self._at_line(end) and (self._block or self._more()):
            block = self._block
            stop = self._end_in(block, end)
            cut = block.rfind(b"\n", 0, stop) + 1
            if stop < len(block) or not cut:
                cut = stop
            self._drop(cut)
            part = block if cut == len(block) else block[:cut]
            carry.append(part)
            size += len(part)
            if self._before == b"\n" or size > self._long_line:
                yield b"".join(carry) if len(carry) > 1 else part
                carry, size = [], 0
        if carry:
            yield b"".join(carry)

    @property
    def ended(self) -> bool:
        """Whether all content has been given."""
        return not self._block and not self._more()

    def _end_in(self, block: bytes, end: int) -> int:
        """How much of a block is to be given: up to the end of the last line that begins before `end`."""
        last = end - 1 - self._place
        if last >= len(block):
            return len(block)
        feed = block.find(b"\n", max(last, 0))
        return len(block) if feed < 0 else feed + 1

    def _to_line(self, start: int) -> bool:
        """Pass over what comes before the first line that begins at `start` or later; False if there is none."""
        while not self._at_line(start):
            if not self._block and not self._more():
                return False
            self._drop(self._end_in(self._block, start))
        return True

    def _at_line(self, place: int) -> bool:
        """Whether the next byte begins a line, at a place or later."""
        return self._place >= place and self._before == b"\n"

    def _more(self) -> bool:
        for block in self._blocks:
            if block:
                self._block = block
                return True
        return False

    def _drop(self, size: int) -> None:
        """Go on behind so many bytes of the block."""
        if size:
            self._before = self._block[size - 1 : size]
            self._block = self._block[size:]
            self._place += size
