"""A place of its own for every event of a file: the line on which it begins, and its number among those of that line.

A line may hold several documents back to back, and a document several events. Places order rows and tell gathered
events apart, so no two events may share one.
"""

from __future__ import annotations

from collections.abc import Callable


class Numbering:
    """Numbers what begins on a line, in the order in which it is read.

    The parts of a record that a runtime split are put together while later lines are read, and the record begins where
    its first part does. `waits` says of a line whether such parts are still held.
    """

    def __init__(self, waits: Callable[[int], bool]) -> None:
        self._waits = waits
        self._last = 0
        self._next: dict[int, int] = {}
        self.line = 0
        """The furthest line of which anything was numbered."""

    def take(self, line: int, least: int = 0) -> int:
        """The number of the next event that begins on a line; at least `least`."""
        if line != self._last:
            furthest = max(line, self.line)
            for done in {self._last, self.line} - {furthest}:
                if not self._waits(done):
                    self._next.pop(done, None)
            self._last, self.line = line, furthest
        number = max(least, self._next.get(line, 0))
        self._next[line] = number + 1
        return number
