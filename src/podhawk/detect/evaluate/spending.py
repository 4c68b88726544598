"""What each detection takes of an increment: CPU, rows and RAM.

RAM is measured as the peak of the process while the detection is evaluated. Linux keeps that peak and lets a process
begin it anew; where it does not, RAM is not told.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

_STATUS: Final = "/proc/self/status"
_RESET: Final = "/proc/self/clear_refs"
_RESET_PEAK: Final = "5"
"""Source: proc_pid_clear_refs(5)."""


class Spent(Struct):
    """What a detection took: CPU seconds, rows that its search was given, and the bytes by which the process had more
    RAM at once than before."""

    cpu: float = 0.0
    rows: int = 0
    memory: int = 0


class Spending(Struct):
    """What detections took, by name. RAM is measured only where `memory` says so."""

    memory: bool = False
    by_name: defaultdict[str, Spent] = field(default_factory=lambda: defaultdict(Spent))

    @contextlib.contextmanager
    def of(self, name: str, rows: int) -> Iterator[None]:
        """Charge a detection with what the block takes."""
        spent = self.by_name[name]
        spent.rows += rows
        before = _begin_peak() if self.memory else None
        started = time.process_time()
        try:
            yield
        finally:
            spent.cpu += time.process_time() - started
            if before is not None:
                spent.memory = max(spent.memory, _line_of("VmHWM") - before)


def _begin_peak() -> int | None:
    """Begin the peak anew; gives the RAM of the process, in bytes, or None if that is not possible."""
    try:
        with open(_RESET, "w") as file:
            file.write(_RESET_PEAK)
        return _line_of("VmRSS")
    except (OSError, StopIteration):
        return None


def _line_of(name: str) -> int:
    with open(_STATUS) as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(name))
