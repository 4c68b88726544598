"""Where a block of lines can be cut so that no document of several lines is cut with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podhawk.events.gaps import Damaged
from podhawk.events.sifting import CONTINUES

_GOES_ON: Final = frozenset(bytes((one,)) for one in (*CONTINUES, *b"\r\n\0"))  # or does so after a blank line


def closed(line: bytes) -> bool:
    """Whether a line ends as an event ends."""
    # A line may be long; what ends in more line feeds than these is none by itself.
    return line[-8:].rstrip(b"\r\n").endswith(b"}")


def several(text: bytes) -> bool:
    """Whether text has more than one line feed. Lines may be long: all of them are not counted."""
    first = text.find(b"\n")
    return first >= 0 and text.find(b"\n", first + 1) >= 0


def last_closed(block: bytes, following: bytes) -> int:
    """Where the last whole lines of a block end that cannot be part of a document of several lines: the line before
    ends as an event ends, and what follows (given for the block itself) does not go on with it."""
    cut = block.rfind(b"\n") + 1
    while cut and ((block[cut : cut + 1] or following) in _GOES_ON or not closed(block[max(cut - 3, 0) : cut])):
        cut = block.rfind(b"\n", 0, cut - 1) + 1
    return cut


def broken_off(rest: bytes, damaged: Damaged) -> Iterator[bytes]:
    """The rest of a block, after which the content breaks off."""
    yield rest
    raise damaged
