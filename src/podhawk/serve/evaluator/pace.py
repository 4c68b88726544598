"""How many lines the next increment has.

Short increments lose little when they are killed, and let triage in. Long ones cost less for each event, because an
increment also has a cost that does not depend on its lines: aggregate plans look at their whole window again. So what
an increment costs is told apart into both, from the last ones. It may take about a second for its lines, and more where
the other cost is larger than that: shorter increments would only pay it more often, and fall behind for good.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from podhawk.serve.evaluator.attempts import MOST_LINES

SECONDS: Final = 1.0
"""What the lines of an increment should take at most."""
FEWEST: Final = 1000
"""Lines that an increment may have, however long they take."""
_KNOWN: Final = 8
"""Increments that are looked at."""


class Pace:
    """The pace of an evaluator: `lines` is how many the next increment may have."""

    def __init__(self) -> None:
        self.lines = FEWEST
        self._known: deque[tuple[int, float]] = deque(maxlen=_KNOWN)

    def note(self, lines: int, seconds: float) -> None:
        """An increment of so many lines took so long."""
        self._known.append((lines, seconds))
        costs = self._costs()
        if costs is None:  # all had about as many lines: a longer one will tell
            right = lines * 3 // 2
        else:
            fixed, each = costs
            right = int(max(SECONDS - fixed, fixed, SECONDS / 4) / each)
        self.lines = max(FEWEST, min(right, MOST_LINES, 2 * max(lines, FEWEST)))

    def _costs(self) -> tuple[float, float] | None:
        """Seconds of an increment, and of each line in it: the line of least squares through what is known. None if
        that does not tell them apart."""
        count = len(self._known)
        mean_lines = sum(lines for lines, _ in self._known) / count
        mean_seconds = sum(seconds for _, seconds in self._known) / count
        spread = sum((lines - mean_lines) ** 2 for lines, _ in self._known)
        if spread < (mean_lines / 20) ** 2:
            return None
        together = sum((lines - mean_lines) * (seconds - mean_seconds) for lines, seconds in self._known)
        each = max(together / spread, mean_seconds / mean_lines / 10)
        return max(0.0, mean_seconds - each * mean_lines), each
