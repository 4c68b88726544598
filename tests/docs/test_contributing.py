"""The worked example of CONTRIBUTING.md: its diff is applied to a copy of the repository, and what it adds works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from podhawk.commands.registry import SUPPORTED
from support import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COPIED = ("src", "tests", "docs", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository with the example's diff applied."""
    (diff,) = re.findall(r"^```diff\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    folder = tmp_path / "podhawk"
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    subprocess.run(["git", "apply", "-"], cwd=folder, input=diff, text=True, check=True)
    return folder


def call(folder: Path, *arguments: str) -> str:
    """What a Python module prints that runs on the sources of the copy."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.needs("git")
def test_the_worked_example_adds_a_command(copy: Path) -> None:
    (name,) = re.findall(r"^\+    name=\"(\w+)\",$", PAGE, re.MULTILINE)
    (search,) = re.findall(r"^    \.venv/bin/podhawk search '(.*)'$", PAGE, re.MULTILINE)
    assert name not in {command.name for command in SUPPORTED}
    assert f"| {name}" in search
    assert call(copy, "podhawk", "search", search, "-o", "csv") == "reltime\n2 minutes ago\n"
    assert name in call(copy, "podhawk", "help", "spl", name)
    call(copy, "podhawk.cli.pages")
    call(copy, "ruff", "check", "src", "tests")
    call(copy, "ruff", "format", "--check", "src", "tests")
    passed = call(copy, "pytest", "-q", "tests/commands", "tests/golden", "tests/docs/test_reference.py", "-k", name)
    assert int(re.findall(r"(\d+) passed", passed)[0]) >= 5
    call(copy, "pytest", "-q", "tests/docs/test_reference.py")
