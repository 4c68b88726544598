"""The command line as a user who may not read everything, also where the tests run as root: root reads any file by two
capabilities of the Linux kernel, which a process can drop.

Several command lines run in one process: standard input has them as JSON, standard output what became of each.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_VERSION = 0x20080522
_READ_ANYTHING = (1 << 1) | (1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def drop() -> None:
    """Give up what lets root read files that nobody may read. Source: capabilities(7), capget(2)."""
    if os.geteuid():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = _Header(_VERSION, 0), (_Data * 2)()
    if libc.capget(ctypes.byref(header), data):
        raise OSError(ctypes.get_errno(), "capget")
    data[0].effective &= ~_READ_ANYTHING
    data[0].permitted &= ~_READ_ANYTHING
    if libc.capset(ctypes.byref(header), data):
        raise OSError(ctypes.get_errno(), "capset")


class Done(NamedTuple):
    """What became of a command line."""

    code: int
    out: str
    err: str


def podhawk(*command_lines: Sequence[str | Path]) -> list[Done]:
    """Run command lines in a process that may not read everything."""
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps([[str(part) for part in line] for line in command_lines]),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Done(*one) for one in json.loads(done.stdout)]


def _run(command_lines: Sequence[Sequence[str]]) -> None:
    from podhawk.cli.main import invoke

    drop()
    found = []
    for line in command_lines:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = invoke(list(line))
        found.append((code, out.getvalue(), err.getvalue()))
    print(json.dumps(found))


if __name__ == "__main__":
    _run(json.loads(sys.stdin.read()))
