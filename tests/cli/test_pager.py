"""Long tables on a terminal go through a pager."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podhawk.cli.pager import pager_of
from support.findings import event
from support.screens import on_terminal

PAGER = "sed s/^/PAGED:/"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "audit.log"
    lines = (json.dumps(event(f"a{number}", verb="get", extra={f"m{number}": "x"})) for number in range(80))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.slow
def test_only_what_is_longer_than_the_screen_goes_through_the_pager(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", PAGER)
    shown = on_terminal(100, "fields", log, "-q", colours=True)
    assert shown.count("PAGED:") > 50
    assert "PAGED:" not in on_terminal(100, "fields", log, "-q", "--limit", "10", colours=True)
    assert "PAGED:" not in on_terminal(100, "fields", log, "-q", "--no-pager", colours=True)
    assert "PAGED:" not in on_terminal(100, "fields", log, "-q", "-o", "jsonl", colours=True)


def test_which_pager() -> None:
    xterm = {"TERM": "xterm"}
    assert pager_of(xterm) == ["less"]
    assert pager_of({**xterm, "PAGER": "more -d"}) == ["more", "-d"]
    assert pager_of({**xterm, "PAGER": ""}) == pager_of({**xterm, "PAGER": "cat"}) == []
    assert pager_of({"TERM": "dumb", "PAGER": "less"}) == pager_of({"PAGER": "less"}) == []
    assert pager_of({**xterm, "PAGER": "'"}) == []
