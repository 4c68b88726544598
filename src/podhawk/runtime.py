"""A pause for the garbage collector.

A run makes hundreds of thousands of small values that stay until it ends, and none of them in cycles. The collector
would look through all of them again and again, for a third of the time, and find nothing. Only what was made lately is
looked through, and seldom, so that whatever does go round in a circle goes all the same.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SELDOM: Final = (300_000, 1_000_000, 1_000_000)


class _Blocks:
    """The blocks that are open, in all threads: the first one changes what the last one puts back."""

    lock = threading.Lock()
    open = 0
    before = (0, 0, 0)


@contextmanager
def rare_collection() -> Iterator[None]:
    """Cyclic garbage is seldom collected within the block, afterwards as before. Threads may have blocks at a time."""
    with _Blocks.lock:
        if not _Blocks.open:
            _Blocks.before = gc.get_threshold()
            gc.set_threshold(*_SELDOM)
        _Blocks.open += 1
    try:
        yield
    finally:
        with _Blocks.lock:
            _Blocks.open -= 1
            if not _Blocks.open:
                gc.set_threshold(*_Blocks.before)


@contextmanager
def no_collection(*, ending: bool = False) -> Iterator[None]:
    """No cyclic garbage is collected within the block, for work that keeps nearly all it makes until it ends: looking
    once through everything kept would already take a tenth of the time. Nor is it afterwards, where the process is
    `ending`."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if ending:
            gc.freeze()
        if was:
            gc.enable()


@contextmanager
def no_copies() -> Iterator[None]:
    """What exists when the block begins is looked through neither here nor in processes that are forked within it and
    end before it does: a collector writes to every object that it looks at, so each process would get a copy of all."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
