"""What the reader asks of those who look at lines before it: a sieve over blocks, and a quick way for single lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

CONTINUES: Final = b' \t,:"[]}'
"""What a line begins with that goes on with a document of the lines before."""

FoundLine = tuple[int, bytes, frozenset[int] | None]
"""A line that a sieve found: where it stands in its block, its text, the searches that may want it (None for all)."""


class LineNumbers(Protocol):
    """Counts lines of a block."""

    def before(self, place: int) -> int:
        """The lines before a place; places are asked for in ascending order."""


class Sieve(Protocol):
    """Tells which lines of a block are worth reading (see `podhawk.engine.prefilter.prefilter`)."""

    current: frozenset[int] | None

    def wants(self, data: dict[str, Any]) -> bool:
        """Whether anybody wants the decoded line that is at hand."""

    def candidates(self, block: bytes, first_line: int, start: int, stop: int) -> Sifted | None:
        """The lines worth reading of the whole lines that a block holds between two places; None if all of them must
        be read from here on."""


class Sifted(Protocol):
    """Lines worth reading, and how many lines there were."""

    @property
    def lines(self) -> Sequence[FoundLine]: ...
    @property
    def numbers(self) -> LineNumbers: ...
    @property
    def total(self) -> int:
        """How many lines there were; asked for last."""


class Take(Protocol):
    """A quick way: it is offered lines that look like an event first."""

    take: Callable[[bytes, int], bool]
    """Takes a line and its number (from 1), and says whether nothing more need be done about it."""
    take_lines: Callable[[bytes, int, int], int] | None
    """Takes the whole lines that bytes hold between two places, each of them an event, and says how many they were; 0
    if they must be looked at one by one."""

    def take_found(self, found: Sequence[FoundLine], numbers: LineNumbers, before: int) -> list[FoundLine]:
        """Takes lines that a sieve found after `before` others; gives back those about which more need be done, with
        their numbers within the block."""

    def open(self, path: str) -> None:
        """A file begins: from it come the next lines."""
