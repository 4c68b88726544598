"""Where a block of lines can be cut so that no document of several lines is cut with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podhawk.events.candidates import CONTINUES
from podhawk.events.gaps import Damaged

_CONTINUES: Final = frozenset(bytes((one,)) for one in (*CONTINUES, *b"\r\n\0"))  # the last three: after a blank line


def closed(line: bytes) -> bool:
    """Whether a line ends as an event ends."""
    # Only the end is copied, since a line may be long. One that ends in more line feeds than these is not a single
    # line.
    return line[-8:].rstrip(b"\r\n").endswith(b"}")


def several(text: bytes) -> bool:
    """Whether text has more than one line feed. Not all of them are counted, since text may be long."""
    first = text.find(b"\n")
    return first >= 0 and text.find(b"\n", first + 1) >= 0


def last_closed(block: bytes, following: bytes) -> int:
    """Where the last lines of a block end that cannot be part of a document of several lines: the line before the
    place ends as an event ends, and the line after it (`following` gives the first byte behind the block) does not
    continue a document."""
    cut = block.rfind(b"\n") + 1
    while cut and ((block[cut : cut + 1] or following) in _CONTINUES or not closed(block[max(cut - 3, 0) : cut])):
        cut = block.rfind(b"\n", 0, cut - 1) + 1
    return cut


def broken_off(rest: bytes, damaged: Damaged) -> Iterator[bytes]:
    """The rest of a block, after which the content breaks off."""
    yield rest
    raise damaged
