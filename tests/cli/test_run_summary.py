"""The summary of a run: what is named, and what is a number."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk import api
from podhawk.cli.main import invoke
from podhawk.cli.summary import MOST_SILENT, print_run
from podhawk.content.datasets import shipped_attacks
from podhawk.content.model import Content
from support.findings import NOW, detection, event, write


@pytest.mark.parametrize("number", [MOST_SILENT, MOST_SILENT + 1])
@pytest.mark.parametrize("on_terminal", [True, False])
def test_silent_detections_pushed_the_findings_off_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int, on_terminal: bool
) -> None:
    log = write(tmp_path / "audit.log", event("a"))
    silent = [detection("verb=delete", name=f"Silent {one}", id=f"id-{one}") for one in range(number)]
    content = Content(detections=[detection("verb=create"), *silent])
    print_run(api.run(content, log), on_terminal=on_terminal)
    told = capsys.readouterr().err
    assert "fired" in told
    named = [line for line in told.splitlines() if line.startswith("  silent    Silent ")]
    folded = on_terminal and number > MOST_SILENT
    assert len(named) == (0 if folded else number)
    assert (f"silent    {number} detections; --judgements-only names them" in told) == folded


def test_with_a_state_every_run_told_everything_again_and_failed_for_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["run", "--state", str(tmp_path / "state"), "--fail-on", "high", "-o", "jsonl", "--now", str(NOW)]
    assert invoke([*given, str(shipped_attacks())]) == 5
    assert capsys.readouterr().out
    assert invoke([*given, str(shipped_attacks())]) == 0
    assert capsys.readouterr().out == ""
