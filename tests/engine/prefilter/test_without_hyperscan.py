"""Without Hyperscan there is no prefilter: results are the same, and every line takes the fast path."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from podhawk.content.load import shipped_pack
from support.wrappings import SEARCHES, event, plain_lines, spelled
from without import run_without

pytestmark = pytest.mark.slow

DEMO = shipped_pack() / "datasets" / "demo.log.gz"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chance = random.Random(11)
    path = tmp_path_factory.mktemp("without") / "audit.log"
    path.write_bytes(plain_lines(chance, [spelled(chance, event(chance, number)) for number in range(3000)]))
    return path


def rows(packages: set[str], *arguments: object) -> str:
    done = run_without(packages, *arguments, "-o", "jsonl", "--quiet", "--now", "2026-11-25T12:00:00Z")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("search", [f"{SEARCHES[0]} | table auditID verb", "* | stats count by verb"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_rows_are_the_same(search: str, jobs: int, log: Path) -> None:
    with_it, without = (rows(packages, "search", search, log, "--jobs", jobs) for packages in (set(), {"hyperscan"}))
    assert with_it == without != ""


@pytest.mark.parametrize("more", [(), ("--rows",)], ids=["findings", "rows"])
def test_a_run_gives_the_same(more: tuple[str, ...]) -> None:
    with_it, without = (rows(packages, "run", *more, DEMO) for packages in (set(), {"hyperscan"}))
    assert with_it == without != ""


@pytest.mark.parametrize("arguments", [("search", "verb=create | stats count by user.username"), ("run", "--rows")])
def test_a_search_took_many_times_as_long_as_without_a_prefilter(arguments: tuple[str, ...], log: Path) -> None:
    """Python's `re` looked for the patterns in place of Hyperscan."""
    done = run_without({"hyperscan"}, *arguments, log, "--profile")
    assert re.search(r"scan 1: [\d,]+ ms, fast path \(no prefilter: Hyperscan is not installed[;)]", done.stderr), (
        done.stderr
    )
