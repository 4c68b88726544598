"""Texts on the command line that are longer than anything of their kind may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.cli.main import invoke
from support.findings import event, write


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run", "--content", "LONG", "LOG"], 2),
        (["run", "--state", "LONG", "LOG"], 2),
        (["run", "--exceptions", "LONG", "LOG"], 2),
        (["run", "-o", "html", "--output-file", "LONG", "LOG"], 2),
        (["diff", "LONG", "LONG", "LOG"], 2),
        (["lint", "LONG"], 2),
        (["test", "LONG"], 2),
        (["status", "--state", "LONG"], 2),
        (["who", "LONG", "LOG"], 0),
        (["fields", "LONG"], 4),
        (["run", "--only", "LONG", "LOG"], 2),
    ],
)
def test_a_text_where_a_path_belongs_ended_with_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    """A search or a password that was given to the wrong option is longer than a path may be."""
    log = write(tmp_path / "audit.log", event("a"))
    given = {"LONG": "x" * 100_000, "LOG": str(log)}
    assert invoke([given.get(one, one) for one in words]) == code
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("podhawk: ")]
    assert len(told) == (1 if code else 0)
    assert all(len(line) < 3000 for line in told)
