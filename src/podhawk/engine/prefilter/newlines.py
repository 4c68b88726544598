"""Counting the lines of large inputs: every byte of them comes through here.

Hyperscan counts line feeds six times as fast as `bytes.count`: an expression of so many lines, anchored at the
beginning, matches after each such run of them, so that Python hears of one line in thirty-two. Where there is no
Hyperscan, numpy takes its place.
"""

from __future__ import annotations

import sys
import threading
from bisect import bisect_left
from collections.abc import Callable
from types import ModuleType

WORTH_NUMPY = 300 << 20
"""Bytes after which numpy is worth importing, which takes longer than to read a small input."""
SHORT = 16384
"""Bytes up to which counting costs less than calling anything that counts faster."""
OFTEN = 32
"""Places in a block after which it is worth looking up all line feeds, if they stand close together."""
_STEP = 32
_seen = 0
_expected = 0


def expect(size: int) -> None:
    """Say how many bytes are to come: for a large input numpy is worth importing from the beginning."""
    global _expected
    _expected = size


def count_lines(block: bytes, start: int, stop: int) -> int:
    """The line feeds in a part of a block."""
    _saw(stop - start)
    return _count(block, start, stop)


def _count(block: bytes, start: int, stop: int) -> int:
    if stop - start < SHORT:
        return block.count(b"\n", start, stop)
    counter = _counter()
    if counter is not None:
        return counter(block, start, stop)
    numpy = _numpy(stop - start)
    if numpy is None:
        return block.count(b"\n", start, stop)
    return int(numpy.count_nonzero(numpy.frombuffer(block, numpy.uint8, stop - start, start) == 10))


class _Ours(threading.local):
    """A thread's counter: a database can be used by one at a time."""

    counter: Callable[[bytes, int, int], int] | None = None
    made = False


_ours = _Ours()


def _counter() -> Callable[[bytes, int, int], int] | None:
    """Counts with Hyperscan; None where there is none."""
    if not _ours.made:
        _ours.counter, _ours.made = _make_counter(), True
    return _ours.counter


def _make_counter() -> Callable[[bytes, int, int], int] | None:
    try:
        import hyperscan
    except ImportError:
        return None
    database = hyperscan.Database()
    database.compile(expressions=[rb"\A(?:(?:[^\n]*\n){%d})+" % _STEP], ids=[0], elements=1, flags=[0])

    def count(block: bytes, start: int, stop: int) -> int:
        steps, last = 0, 0

        def seen(identity: int, begin: int, end: int, flags: int, context: object) -> None:
            nonlocal steps, last
            steps += 1
            last = end

        database.scan(memoryview(block)[start:stop], match_event_handler=seen)  # type: ignore[type-var]
        lines, place = steps * _STEP, start + last
        while place := block.find(b"\n", place, stop) + 1:
            lines += 1
        return lines

    return count


class LineNumbers:
    """How many line feeds stand between a place in a block and others, which are asked for in ascending order.

    Few are asked for where lines are only counted, so nothing is worked out before; where many are, all line feeds that
    follow are looked up once.
    """

    def __init__(self, block: bytes, start: int) -> None:
        self._block = block
        self._at = start
        self._line = 0
        self._asked = 0
        self._feeds: list[int] | None = None
        _saw(len(block) - start)

    def before(self, place: int) -> int:
        """The line feeds from the first place to this one."""
        if self._feeds is None:
            self._asked += 1
            numpy = _numpy(len(self._block) - self._at) if self._asked > OFTEN and place - self._at < SHORT else None
            if numpy is None:
                self._line += _count(self._block, self._at, place)
                self._at = place
                return self._line
            rest = numpy.frombuffer(self._block, numpy.uint8, len(self._block) - self._at, self._at)
            feeds: list[int] = numpy.flatnonzero(rest == 10).tolist()
            self._feeds = feeds
        return self._line + bisect_left(self._feeds, place - self._at)


def _saw(size: int) -> None:
    """Remember that so many bytes more have come."""
    global _seen
    _seen += size


def _numpy(size: int) -> ModuleType | None:
    """numpy, where it is worth it for so many bytes."""
    if size < SHORT or (max(_seen, _expected) < WORTH_NUMPY and "numpy" not in sys.modules):
        return None
    import numpy

    return numpy
