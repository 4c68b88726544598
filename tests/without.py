"""podhawk in a process that lacks packages which are installed here."""

from __future__ import annotations

import subprocess
import sys

_START = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
{code}
"""
COMMAND_LINE = "from podhawk.cli.main import main; main(sys.argv[1:])"


def run_without(packages: set[str], *arguments: object, code: str = COMMAND_LINE) -> subprocess.CompletedProcess[str]:
    """What the command line prints where none of the packages can be imported."""
    return subprocess.run(
        [sys.executable, "-c", _START.format(packages=packages, code=code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
