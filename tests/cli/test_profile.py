"""--profile says where the time goes, and changes no result."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.command_line import podhawk
from support.findings import event, write

pytestmark = pytest.mark.slow


# Findings also want to know who is behind controllers and tokens: three searches more.
@pytest.mark.parametrize(("more", "searches"), [((), 4), (("--rows",), 1)])
def test_a_run_is_profiled(tmp_path: Path, more: tuple[str, ...], searches: int) -> None:
    log = write(tmp_path / "a.log", *(event(str(number), verb=("create", "get")[number % 2]) for number in range(40)))
    done = podhawk(
        "run", "--profile", *more, "-o", "jsonl", "--only", "kubernetes_pod_created_in_default_namespace", log
    )
    assert done.returncode == 0, done.stderr
    assert re.search(
        rf"scan 1: [\d,]+ ms, prefilter, then fast path \({searches} search(es)? in {searches} groups?\)", done.stderr
    )
    assert re.search(
        r"\d+ lines passed the prefilter, +20 events matched  kubernetes_pod_created_in_default_namespace", done.stderr
    )
    assert re.search(r"ms  kubernetes_pod_created_in_default_namespace\.yml: ", done.stderr)
    plain = podhawk("run", *more, "-o", "jsonl", "--only", "kubernetes_pod_created_in_default_namespace", log)
    assert plain.stdout == done.stdout
    assert "scan 1" not in plain.stderr


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ("* | stats count by verb", "search has no literal that every matching line must contain"),
        ("verb=create | table _raw", "search needs every field of an event that its clause matches"),
        ("verb=create | sort - user.username | head 2", "head"),
    ],
)
def test_a_search_is_profiled_and_says_why(tmp_path: Path, search: str, told: str) -> None:
    done = podhawk("search", search, write(tmp_path / "a.log", event("1"), event("2")), "--profile")
    assert done.returncode == 0
    assert told in done.stderr
