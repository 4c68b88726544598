"""A worker process ends with its parent, and holds nothing open that belongs to the parent.

A process that is killed cannot end its workers. On Linux the kernel is asked to kill a worker when its parent dies
(`PR_SET_PDEATHSIG`). On every system a thread of the worker also waits for the end of a pipe that `multiprocessing`
makes for each process. Only the parent holds its other end, so it closes with the parent.

A fork inherits all descriptors of its parent. A worker gives up those that it does not need: otherwise a reader of the
parent's output would not see its end while a worker still runs, and connections to a database would stay open.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Collection
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_STDERR: Final = 2


def end_with_parent(parent: int) -> None:
    """End this process when its parent, which has this process number, ends. Called in a process that
    `multiprocessing` forked."""
    if sys.platform == "linux":
        _ask_kernel()
    threading.Thread(target=_wait_for_parent, args=(_pipe_of_parent(),), name="parent", daemon=True).start()
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)


def give_up_descriptors(keep: Collection[int]) -> None:
    """Give up all descriptors but these, standard error and the pipe of the parent.

    They are not closed but lead to `os.devnull`. So their numbers are not given to other files, which objects of the
    parent, copied by the fork, would close in the belief that they are theirs.
    """
    kept = {_STDERR, _pipe_of_parent(), *keep}
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in _descriptors():
        if descriptor not in kept and descriptor != null:
            os.dup2(null, descriptor, inheritable=False)
    os.close(null)


def _ask_kernel() -> None:
    import ctypes

    with contextlib.suppress(OSError, AttributeError):  # the pipe is enough
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _pipe_of_parent() -> int:
    from multiprocessing import parent_process

    process = parent_process()
    assert process is not None, "called in a process that multiprocessing forked"
    return int(process.sentinel)


def _wait_for_parent(pipe: int) -> None:
    with contextlib.suppress(OSError):
        os.read(pipe, 1)
    os._exit(1)


def _descriptors() -> list[int]:
    """The open descriptors of this process; none where the system does not list them."""
    try:
        return [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        return []
