"""Opening what a path names: files, and pipes that somebody writes to. Devices are refused, most of which never end."""

from __future__ import annotations

import os
import stat
import threading
from typing import Final

PATIENCE: Final = 10.0
"""Seconds that a pipe without a writer is waited for."""


class Unfit(OSError):
    """A path names what podhawk does not read; `remedy` says what to do."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(0, why)
        self.remedy = remedy


def open_to_read(path: str, patience: float = PATIENCE) -> int:
    """A descriptor of a file, pipe or terminal. Raises OSError if it cannot be opened, `Unfit` for any other device and
    for a pipe that nobody opens for writing within `patience` seconds."""
    mode = os.stat(path).st_mode
    if stat.S_ISFIFO(mode):
        return _open_pipe(path, patience)
    if stat.S_ISSOCK(mode):
        raise Unfit("it is a socket", "Let the program that writes to it write to a file, or to podhawk run -")
    descriptor = os.open(path, os.O_RDONLY)
    if _is_device(descriptor):
        os.close(descriptor)
        raise Unfit("it is a device", "Name the log that the API server writes (--audit-log-path).")
    return descriptor


def _is_device(descriptor: int) -> bool:
    """Whether a descriptor is one of a device other than a terminal or the null device."""
    about = os.fstat(descriptor)
    if stat.S_ISCHR(about.st_mode):
        return not os.isatty(descriptor) and about.st_rdev != os.stat(os.devnull).st_rdev
    return stat.S_ISBLK(about.st_mode)


def _open_pipe(path: str, patience: float) -> int:
    """Opening a pipe waits for a writer, so a thread does it. If none comes, this process becomes the writer for a
    moment, and the thread ends."""
    opened: list[int] = []
    thread = threading.Thread(target=lambda: opened.append(os.open(path, os.O_RDONLY)), name="pipe", daemon=True)
    if os.access(path, os.R_OK):  # else opening it raises below
        thread.start()
        thread.join(patience)
        if thread.is_alive():
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            thread.join()
            os.close(opened[0])
            raise Unfit(
                f"it is a pipe, and no process opened it for writing within {patience:g} seconds",
                "Start the process that writes to it, or pipe its output in: … | podhawk run -",
            )
    return opened[0] if opened else os.open(path, os.O_RDONLY)
