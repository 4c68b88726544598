"""A pause for the garbage collector.

A run makes hundreds of thousands of small values that stay until it ends, and none of them in cycles. The collector
would look through all of them again and again, for a third of the time, and find nothing. Only what was made lately is
looked through, and seldom, so that whatever does go round in a circle goes all the same.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SELDOM: Final = (300_000, 1_000_000, 1_000_000)


@contextmanager
def rare_collection() -> Iterator[None]:
    """Cyclic garbage is seldom collected within the block; afterwards as it was."""
    was = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*was)


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
