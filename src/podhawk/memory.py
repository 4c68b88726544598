"""How much memory a process may take, and the error when it needs more.

The system keeps the limit (`RLIMIT_DATA`): a large allocation beyond it fails with MemoryError. Only Linux does so for
all memory; elsewhere there is no limit.

When many small allocations have taken the last byte, Python cannot even end: CPython 3.11 to 3.13 needs a small
integer to enter a `finally`, and tries for ever to get one. So a timer looks at what the process has taken, more often
the less is left, and raises MemoryError while there is still a reserve. The error that follows gives up the limit: its
message needs memory too.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from podhawk.errors import LimitError, UsageError

_SIZE: Final = re.compile(r"(\d{1,12})\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS: Final = ("", "K", "M", "G", "T")
LEAST: Final = 128 << 20
"""What podhawk needs for itself."""
_RESERVE: Final = 12 << 20
"""Bytes that are left when the timer ends a run."""
_GROWTH: Final = 2 << 30
"""Bytes a second that a process takes at most."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE") if sys.platform == "linux" else 4096
_CGROUP: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
REMEDY: Final = (
    "Raise --memory if the machine has more. Or search a shorter time range (--earliest, --latest), group by fields "
    "with fewer values, or select fewer fields or detections."
)


def size_of(text: str) -> int:
    """Bytes of a size such as `500M` or `2G`, in powers of 1,024. Raises UsageError."""
    found = _SIZE.fullmatch(text.strip())
    size = int(found[1]) << 10 * _UNITS.index(found[2].upper()) if found else 0
    if size < LEAST:
        raise UsageError(
            f"--memory {text!r} is not a size of at least {_shown(LEAST)}", remedy="Write a size such as 500M or 2G."
        )
    return size


def available() -> int | None:
    """Bytes that this machine, or the container, has; None where that is not known."""
    found = []
    for path in _CGROUP:
        with contextlib.suppress(OSError, ValueError):  # "max" is no limit
            found.append(int(Path(path).read_text()))
    with contextlib.suppress(OSError, ValueError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(found, default=None)


def limit_to(size: int) -> None:
    """Let this process, and those that it starts, take at most so many bytes each.

    In the main thread it takes over SIGALRM, which raises MemoryError shortly before the limit.
    """
    if sys.platform != "linux":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    soft = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGALRM, _look)
        atexit.unregister(_stop_looking)
        atexit.register(_stop_looking)
        _look()


def _stop_looking() -> None:
    """When Python ends it gives up its handlers, and a signal without one ends the process with an error."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _look(*_: object) -> None:
    """Raise MemoryError if only the reserve is left; else look again before the process can have taken what is left."""
    size = allowed()
    if size is None:
        return
    left = size - max(_RESERVE, size // 16) - _taken()
    signal.setitimer(signal.ITIMER_REAL, min(max(left / _GROWTH, 0.005), 1.0))
    if left < 0:
        raise MemoryError


def _taken() -> int:
    """Bytes that count for the limit of this process."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[5]) * _PAGE


def _give_up_limit() -> None:
    if sys.platform != "linux":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def allowed() -> int | None:
    """The limit of this process in bytes; None if it has none."""
    if sys.platform != "linux":
        return None
    import resource

    soft = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def share(processes: int) -> None:
    """Leave this process its part of the limit, for all of `processes` run at once."""
    size = allowed()
    if size is not None:
        limit_to(size // processes)


def out_of_memory(what: str = "this run") -> LimitError:
    """The error for a MemoryError. It ends the run, so the limit ends here."""
    size = allowed()
    limit = f"the {_shown(size)} that --memory allows" if size is not None else "there is"
    _give_up_limit()
    return LimitError(f"{what} needs more memory than {limit}", remedy=REMEDY)


def _shown(size: int) -> str:
    for unit in ("G", "M", "K"):
        power = 10 * _UNITS.index(unit)
        if size >> power:
            return f"{size / (1 << power):.3g} {unit}iB"
    return f"{size} bytes"
