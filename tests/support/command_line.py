"""podhawk as a user calls it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def podhawk(
    *arguments: object,
    stdin: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: int = 120,
) -> subprocess.CompletedProcess[str]:
    """What a call prints and its exit code; `env` adds variables to those of the tests. A call that has not ended after
    `timeout` seconds hangs.

    Tables have the width they have in a pipe. The processes of tests may have COLUMNS without anybody's saying so:
    importing `readline` sets it for all child processes.
    """
    return subprocess.run(
        [sys.executable, "-m", "podhawk", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "", **(env or {})},
    )
