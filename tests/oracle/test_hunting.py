"""Hunting searches over a real audit log: the engine and the second reading give the same rows."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import pytest

from oracle.logs import results_of, rows_of, without_nothing
from podhawk import api
from podhawk.content import Content

pytestmark = pytest.mark.slow

SEARCHES = [
    line
    for line in (Path(__file__).parent / "hunting.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
EVERY = 8
"""Of the log, one event in so many: the second reading is slow."""


def test_there_are_enough_of_them() -> None:
    assert len(SEARCHES) >= 60
    assert len(set(SEARCHES)) == len(SEARCHES)


def test_hunting_searches_agree(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "audit.log.gz"
    log = shared / "audit" / "corpus" / "A-metadata.log.gz"
    with gzip.open(log, "rb") as lines, gzip.open(path, "wb") as some:
        some.writelines(itertools.islice(lines, 0, None, EVERY))
    rows = rows_of(path)
    assert len(rows) > 1_000
    failures = []
    for search in SEARCHES:
        got = without_nothing(api.search(search, path, content=Content(), splunk_exact=True))
        expected = results_of(search, {}, rows, True)
        if got != expected:
            failures.append(f"{search}\n  second reading: {expected[:3]}\n  engine: {got[:3]}")
    assert not failures, "\n".join(failures)
