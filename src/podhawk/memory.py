"""How much memory a process may take, and the error when it needs more.

The system keeps the limit (`RLIMIT_DATA`), so nothing is counted here and nothing gets slower: an allocation beyond it
fails with MemoryError. Only Linux does so for all memory; elsewhere there is no limit.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import Final

from podhawk.errors import LimitError, UsageError

_SIZE: Final = re.compile(r"(\d{1,12})\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS: Final = ("", "K", "M", "G", "T")
LEAST: Final = 128 << 20
"""What podhawk needs for itself."""
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
    """Let this process, and those that it starts, take at most so many bytes each."""
    if sys.platform != "linux":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    soft = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


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
    """The error for a MemoryError."""
    size = allowed()
    limit = f"the {_shown(size)} that --memory allows" if size is not None else "there is"
    return LimitError(f"{what} needs more memory than {limit}", remedy=REMEDY)


def _shown(size: int) -> str:
    for unit in ("G", "M", "K"):
        power = 10 * _UNITS.index(unit)
        if size >> power:
            return f"{size / (1 << power):.3g} {unit}iB"
    return f"{size} bytes"
