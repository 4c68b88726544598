"""What podhawk shows on a terminal, compared with screens that are kept as files.

`WRITE_SCREENS=1` writes them anew. Look at the difference before you commit it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

WIDTHS = (80, 120, 200)
FOLDER = Path(__file__).resolve().parent.parent / "cli" / "screens"


def on_terminal(width: int, *arguments: object, colours: bool = False, cwd: Path | None = None) -> str:
    """What a call writes on a terminal of this width, both streams."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {**os.environ, "TERM": "xterm" if colours else "dumb", "COLUMNS": "", "LINES": ""}
    environment.pop("NO_COLOR", None)
    child = subprocess.Popen(
        [sys.executable, "-m", "podhawk", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
        cwd=cwd,
        env=environment,
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # how Linux says that the other side is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    child.wait(timeout=120)
    return b"".join(parts).decode().replace("\r\n", "\n")


def check_screen(name: str, width: int, *arguments: object, cwd: Path | None = None) -> None:
    """Fail if the screen, without the summary, differs from the one that is kept, or is wider than the terminal."""
    quiet = () if name == "explain" else ("--quiet",)  # explain has no summary
    shown = on_terminal(width, *arguments, *quiet, cwd=cwd)
    path = FOLDER / f"{name}-{width}.txt"
    if os.environ.get("WRITE_SCREENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
    if name == "explain":
        return  # its commands are lines that can be pasted
    too_wide = [line for line in shown.splitlines() if len(line) > width]
    assert too_wide == []
