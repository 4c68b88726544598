"""A pause for the garbage collector.

A run makes hundreds of thousands of small values that stay until it ends, and none of them in cycles. The collector
would look through all of them again and again, for a third of the time, and find nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """No cyclic garbage collection within the block; afterwards as it was."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
