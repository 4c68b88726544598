"""docs/incident.md: its ten commands run as they stand, and show what the page says."""

from __future__ import annotations

import gzip
import re
import shlex
from pathlib import Path

import pytest

from podhawk.content.datasets import shipped_attacks
from support import ROOT
from support.screens import on_terminal

pytestmark = pytest.mark.slow

STEP = re.compile(r"^## (\d+)\. [^\n]*\n\n    (podhawk [^\n]*)\n(?:\n```text\n(.*?)```)?", re.MULTILINE | re.DOTALL)
STEPS = [
    (number, command, (excerpt or "").splitlines())
    for number, command, excerpt in STEP.findall((ROOT / "docs" / "incident.md").read_text("utf-8"))
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs as a rotation leaves them."""
    root = tmp_path_factory.mktemp("incident")
    lines = gzip.decompress(shipped_attacks().read_bytes()).splitlines(keepends=True)
    (root / "logs").mkdir()
    half = len(lines) // 2
    (root / "logs" / "audit-2026-11-25.log.gz").write_bytes(gzip.compress(b"".join(lines[:half])))
    (root / "logs" / "audit.log").write_bytes(b"".join(lines[half:]))
    return root


def cells(line: str) -> list[str]:
    """The parts of a line between columns, with single blanks."""
    return [" ".join(part.split()) for part in re.split(r"\s{2,}", line.strip())]


def shows(screen: str, line: str) -> bool:
    """Whether a line of the screen has these cells, in this order and next to each other."""
    wanted = "  ".join(cells(line))
    return any(wanted in "  ".join(cells(one)) for one in screen.splitlines())


def test_the_page_has_ten_commands() -> None:
    assert [number for number, _, _ in STEPS] == [str(number) for number in range(1, 11)]
    assert all(excerpt for _, _, excerpt in STEPS[:-1])


@pytest.mark.parametrize(("number", "command", "excerpt"), STEPS, ids=[number for number, _, _ in STEPS])
def test_a_command_shows_what_the_page_says(number: str, command: str, excerpt: list[str], folder: Path) -> None:
    program, *arguments = shlex.split(command)
    assert program == "podhawk"
    screen = on_terminal(200, *arguments, cwd=folder)
    assert [line for line in excerpt if not shows(screen, line)] == [], screen
    if number == "10":
        report = (folder / "report.html").read_text("utf-8")
        for text in ("mallory", "0ce2f7b4906d32f0109ea26225532f74", "What could not be seen"):
            assert text in report


def test_a_line_that_is_not_shown_is_noticed() -> None:
    assert shows("a  b   c\n", "b  c")
    assert not shows("a  b   c\n", "a  c")
