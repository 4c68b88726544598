"""The standard streams of the command line, such that no failure of them is a traceback.

A failed write to standard output raises `OutputError`, because what a user asked for is lost. A failed write to
standard error is noted, and the run goes on. Streams that were closed before podhawk began lead to the null device:
otherwise the next file that is opened, a database for example, would get the number of standard output.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from podhawk.errors import OutputError
from podhawk.writing import cannot_write

_STDOUT, _STDERR = 1, 2


class _Output(io.FileIO):
    """Standard output."""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot_write("to standard output", error) from None


class _Closed(io.RawIOBase):
    """Standard output that was closed: writing to it loses what is written."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return _STDOUT

    def write(self, data: object) -> int:
        raise OutputError("cannot write to standard output: it is closed", remedy="Name a file with --output-file.")


class _Messages(io.FileIO):
    """Standard error. `lost` says whether a message was lost on a device that failed."""

    lost = False

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            pass  # its reader has enough
        except OSError:
            _Messages.lost = True
        return memoryview(data).nbytes  # type: ignore[arg-type]


def set_up() -> None:
    """Put streams in place of `sys.stdout` and `sys.stderr` that fail as described above."""
    closed_output, closed_messages = sys.stdout is None, sys.stderr is None
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    sys.stdout = _text(_Closed() if closed_output else _Output(_STDOUT, "w", closefd=False), sys.stdout)
    if closed_messages:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - open as long as the process
    else:
        sys.stderr = _text(_Messages(_STDERR, "w", closefd=False), sys.stderr, unbuffered=True)


def _text(raw: io.RawIOBase, like: TextIO | None, *, unbuffered: bool = False) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=like.encoding if like is not None else "utf-8",
        errors=like.errors if like is not None else "backslashreplace",
        line_buffering=raw.isatty() or unbuffered,
        write_through=unbuffered,
    )


def finish() -> bool:
    """Write what is buffered for standard output. Where that fails it is discarded: Python would fail once more while
    flushing it at exit. Gives whether all that was written to both streams has arrived, as far as is known; a reader
    that has closed its pipe has all that it wants."""
    arrived = not _Messages.lost
    try:
        sys.stdout.flush()
    except (OSError, OutputError) as error:
        arrived = arrived and isinstance(error, BrokenPipeError)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - open as long as the process
    return arrived
