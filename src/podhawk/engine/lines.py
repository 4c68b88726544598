"""Counting the lines of large inputs: every byte of them comes through here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

WORTH_NUMPY = 300 << 20
"""Bytes after which numpy is worth importing, which takes longer than to read a small input."""
SHORT = 16384
"""Bytes up to which counting costs less than calling numpy."""
_seen = 0
_expected = 0


def expect(size: int) -> None:
    """Say how many bytes are to come: of a large input numpy is imported at once, not when much has been read."""
    global _expected
    _expected = size


def count_lines(block: bytes, start: int, stop: int) -> int:
    """The line feeds in a part of a block."""
    numpy = _numpy(stop - start)
    if numpy is None:
        return block.count(b"\n", start, stop)
    # Four times as fast as bytes.count.
    return int(numpy.count_nonzero(numpy.frombuffer(block, numpy.uint8, stop - start, start) == 10))


def lines_before(block: bytes, start: int, places: Sequence[int]) -> list[int]:
    """How many line feeds stand between a place in a block and each of others, which are sorted and follow it."""
    numpy = _numpy(places[-1] - start) if (places[-1] - start) // len(places) < SHORT else None
    if numpy is not None:
        feeds = numpy.flatnonzero(numpy.frombuffer(block, numpy.uint8, places[-1] - start, start) == 10)
        found: list[int] = numpy.searchsorted(feeds, numpy.array(places) - start).tolist()
        return found
    numbers: list[int] = []
    line, at = 0, start
    for place in places:
        line += count_lines(block, at, place)
        at = place
        numbers.append(line)
    return numbers


def _numpy(size: int) -> ModuleType | None:
    """numpy, where it is worth it for so many bytes."""
    global _seen
    if size < SHORT:
        return None
    _seen += size
    if max(_seen, _expected) < WORTH_NUMPY and "numpy" not in sys.modules:
        return None
    import numpy

    return numpy
