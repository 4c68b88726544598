"""Clocks that step, told by how late the events of a sender are.

The newest event of a body is some seconds old when it arrives: as long as the API server gathers. If that changes by a
step and then stays, somebody's clock was set. A backlog that is sent later is not such a step: what comes after it is
as young as ever.
"""

from __future__ import annotations

import statistics
from collections import deque
from typing import Final

from msgspec import Struct, field

STEP: Final = 45.0
"""Seconds that are a step; a smaller one is not told from a slow network."""
STEADY: Final = 15.0
"""Seconds within which ages are alike."""
RECENT: Final = 60.0
"""Seconds for which it must last."""
OWN: Final = 5.0
"""Seconds by which our own clock may differ from the time that has passed."""
_FEWEST: Final = 5


class Ages(Struct):
    """The ages of the bodies of a sender: when each came, and how old its newest event was then."""

    known: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=2000))

    def add(self, received: float, age: float) -> float | None:
        """Take in a body. Gives by how many seconds the clock of the sender was set (forward is positive), when that is
        seen."""
        self.known.append((received, age))
        while self.known and self.known[0][0] < received - 10 * RECENT:
            self.known.popleft()
        before = [age for time, age in self.known if time < received - RECENT]
        recent = [(time, age) for time, age in self.known if time >= received - RECENT]
        ages = [age for _, age in recent]
        if len(before) < _FEWEST or len(ages) < 3 or recent[-1][0] - recent[0][0] < 0.75 * RECENT:
            return None
        step = statistics.median(ages) - statistics.median(before)
        if abs(step) < STEP or _spread(ages) > STEADY or _spread(before) > 2 * STEADY:
            return None
        self.known = deque(recent, maxlen=2000)  # what is usual begins anew
        return -step


def _spread(ages: list[float]) -> float:
    return max(ages) - min(ages)


class OwnClock:
    """Our own clock, against the time that has passed."""

    def __init__(self, now: float, passed: float) -> None:
        self._offset = now - passed

    def step(self, now: float, passed: float) -> float | None:
        """By how many seconds the clock was set, if it was."""
        step = now - passed - self._offset
        if abs(step) < OWN:
            return None
        self._offset = now - passed
        return step
