"""The bench's corpus is what it says: real events, the same bytes for the same seed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from podhawk import api
from support import ROOT
from support.findings import event

pytestmark = pytest.mark.slow

BENCH = ROOT / "bench"


def test_the_corpus_is_repeatable_and_read_as_audit_events(tmp_path: Path) -> None:
    digests = [
        subprocess.run(
            [sys.executable, BENCH / "corpus.py", tmp_path / name, "--megabytes", "1"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in ("a.log", "b.log")
    ]
    assert digests[0] == digests[1]
    assert (tmp_path / "a.log").read_bytes() == (tmp_path / "b.log").read_bytes()
    result = api.search("* | stats count dc(auditID) as ids", tmp_path / "a.log")
    row = next(iter(result))
    assert row["count"] == row["ids"]
    assert not result.report.rejected


def test_a_checkout_is_as_fast_as_itself_with_any_content(tmp_path: Path) -> None:
    log = tmp_path / "small.log"
    log.write_text(json.dumps(event("a0", verb="create")) + "\n")
    done = subprocess.run(
        [sys.executable, BENCH / "compare.py", ROOT, ROOT, log, "--rounds", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    header, _, row = done.stdout.splitlines()
    assert header.count("|") == row.count("|")
    assert row.startswith("| small.log | ")
    failed = subprocess.run(
        [sys.executable, BENCH / "compare.py", ROOT, ROOT, log, "--content", tmp_path / "none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert "no such file or folder" in failed.stderr


def test_an_increment_is_timed_beside_kept_findings_and_beside_none() -> None:
    done = subprocess.run(
        [sys.executable, BENCH / "increments.py", "--kept", "40", "--new", "10", "--rounds", "1", "--users", "5"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("10 new events: ")
    assert "beside 40 findings" in done.stdout
