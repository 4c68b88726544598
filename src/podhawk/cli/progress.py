"""Progress bars: on standard error, and only where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
WIDTH = 40
BETWEEN = 0.1
"""Seconds between two drawings."""


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
