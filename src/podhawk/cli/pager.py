"""Long tables on a terminal go through a pager, as those of git do.

The pager is `$PAGER`, or less. Nothing goes through one if standard output is no terminal, if all of it fits on the
screen, with `--no-pager`, and with an empty `$PAGER` or one that is `cat`.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Final, TextIO

LESS: Final = "FRX"
"""What less is told if `$LESS` does not say: end if all fits, show colours, leave the text on the screen."""


class _Held(io.StringIO):
    """What is for the terminal, until it is known how long it is."""

    def isatty(self) -> bool:
        return True


def pager_of(environment: Mapping[str, str]) -> list[str]:
    """The command of the pager; empty for none."""
    try:
        command = shlex.split(environment.get("PAGER", "less"))
    except ValueError:
        return []
    return [] if command == ["cat"] or environment.get("TERM", "dumb") == "dumb" else command


@contextlib.contextmanager
def paging(out: TextIO, *, wanted: bool) -> Iterator[TextIO]:
    """Where to write a table. What was written reaches `out` at the end of the block, however that ends."""
    command = pager_of(os.environ) if wanted and out is sys.stdout and out.isatty() else []
    if not command or shutil.which(command[0]) is None:
        yield out
        return
    held = _Held()
    ended = False
    try:
        yield held
        ended = True
    finally:
        text = held.getvalue()
        if ended and text.count("\n") >= shutil.get_terminal_size((80, 25)).lines:
            out.flush()
            _show(text, command)
        else:
            out.write(text)


def _show(text: str, command: list[str]) -> None:
    """Let the pager show a text, and wait until its reader has enough. Ctrl-C is for the pager."""
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        environment = {**os.environ, "LESS": os.environ.get("LESS", LESS), "LV": os.environ.get("LV", "-c")}
        child = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, preexec_fn=_heed_interrupts)
        with contextlib.suppress(BrokenPipeError):
            child.communicate(text.encode("utf-8", "backslashreplace"))
        child.wait()
    finally:
        signal.signal(signal.SIGINT, interrupt)


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
