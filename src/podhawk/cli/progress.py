"""Progress bars: on standard error, and only where that is a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO, TypeVar

Item = TypeVar("Item")
WIDTH = 40
BETWEEN = 0.1
"""Seconds between two drawings."""
PATIENCE = 1.0
"""Seconds after which the reading of files is shown."""


def tracked(items: Iterable[Item], total: int, what: str, *, quiet: bool = False) -> Iterator[Item]:
    """The items, with a bar that grows as they are taken."""
    if quiet or not sys.stderr.isatty():
        yield from items
        return
    yield from _with_bar(items, total, what)


def _with_bar(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    shown = -1.0
    try:
        for number, item in enumerate(items):
            now = time.monotonic()
            if now - shown >= BETWEEN:
                shown = now
                done = min(number / max(total, 1), 1)
                bar = "━" * round(done * WIDTH)
                sys.stderr.write(f"\r{what} {bar:<{WIDTH}} {done:4.0%}")
                sys.stderr.flush()
            yield item
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


class ReadingBar:
    """How far files have been read, and how long it will take. `size` are their bytes. If they are read again, the bar
    begins anew."""

    def __init__(self, out: TextIO, size: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._size, self._clock = out, size, clock
        self._began = self._round = self._shown = clock()
        self._done = 0
        self._drawn = self._over = False

    def read(self, size: int) -> None:
        """So many more bytes were read."""
        self._done += size
        now = self._clock()
        if self._over or now - self._began < PATIENCE or now - self._shown < BETWEEN:
            return
        total = max(self._size(), 1)
        if self._done > total:
            self._done %= total
            self._round = self._shown
        self._shown = now
        self._drawn = True
        share = self._done / total
        left = (now - self._round) * (1 - share) / max(share, 1e-9)
        bar = "━" * round(share * WIDTH)
        self._out.write(f"\rreading {bar:<{WIDTH}} {share:4.0%}{time_left(left):>12}")
        self._out.flush()

    def end(self) -> None:
        """Take the bar away for good."""
        self._over = True
        if self._drawn:
            self._drawn = False
            self._out.write("\r\x1b[K")
            self._out.flush()


_BARS: list[ReadingBar] = []


@contextlib.contextmanager
def reading_bar(size: Callable[[], int]) -> Iterator[None]:
    """Within the block, show how far files of so many bytes have been read, if it takes longer than a second."""
    from podhawk.events.source import READ

    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    bar = ReadingBar(sys.stderr, size)
    token = READ.set(bar.read)
    _BARS.append(bar)
    try:
        yield
    finally:
        _BARS.remove(bar)
        READ.reset(token)
        bar.end()


def end_bars() -> None:
    """Take bars away: something else is to be written to the terminal."""
    for bar in _BARS:
        bar.end()


def time_left(seconds: float) -> str:
    """How long something will take, for people."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s left"
    return f"{whole // 60} min left" if whole < 3600 else f"{whole / 3600:.1f} h left"
