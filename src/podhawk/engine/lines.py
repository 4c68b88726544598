"""Counting the lines of large inputs."""

from __future__ import annotations

import sys

WORTH_NUMPY = 300 << 20
"""Bytes after which numpy is worth importing."""
SHORT = 16384
_seen = 0


def count_lines(block: bytes, start: int, stop: int) -> int:
    """The line feeds in a part of a block."""
    global _seen
    if stop - start < SHORT:
        return block.count(b"\n", start, stop)
    _seen += stop - start
    if _seen < WORTH_NUMPY and "numpy" not in sys.modules:
        return block.count(b"\n", start, stop)
    import numpy  # takes longer to import than a small input to read

    # Four times as fast as bytes.count, and every byte of a large input comes through here.
    return int(numpy.count_nonzero(numpy.frombuffer(block, numpy.uint8, stop - start, start) == 10))
