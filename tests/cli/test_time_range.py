"""A time range that holds no event is an error that says what the input covers, not a log in which nothing happened."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import podhawk as library
from cli.test_unreadable import assert_error, each_verb
from support.command_line import podhawk
from support.findings import event, write

pytestmark = pytest.mark.slow

COVERS = "the input covers 2026-11-25T10:00:00.500000Z to 2026-11-25T10:30:00Z (3 events)"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    times = ("10:30:00.000000", "10:00:00.500000", "10:10:00.000000")
    return write(tmp_path / "audit.log", *(event(f"a{number}", at=time) for number, time in enumerate(times)))


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (("--earliest", "2030-01-01T00:00:00Z"), "from 2030-01-01T00:00:00Z"),
        (("--latest", "2026-11-25T10:00:00Z"), "before 2026-11-25T10:00:00Z"),
        (("--earliest", "-1h", "--now", "2026-11-25T11:30:01Z"), "from 2026-11-25T10:30:01Z"),
        (
            ("--earliest", "2026-11-25T10:11:00Z", "--latest", "2026-11-25T10:12:00Z"),
            "from 2026-11-25T10:11:00Z before 2026-11-25T10:12:00Z",
        ),
    ],
)
def test_a_range_outside_the_log_was_silent(tmp_path: Path, log: Path, options: tuple[str, ...], asked: str) -> None:
    done = podhawk("run", log, *options)
    assert (done.returncode, done.stdout) == (4, "")
    assert f"no event in the time range ({asked}): {COVERS}" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_verb_that_reads_logs_says_what_the_log_covers(tmp_path: Path, log: Path) -> None:
    assert_error(each_verb(tmp_path, log, "--earliest", "2030-01-01"), COVERS)


def test_a_range_in_which_no_search_matches_is_not_outside(tmp_path: Path, log: Path) -> None:
    done = podhawk("search", "verb=nosuch", log, "--earliest", "2026-11-25T10:20:00Z")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_library_raises_an_input_error(log: Path, jobs: str) -> None:
    for call in (
        lambda: library.search("verb=x | stats count", log, earliest="2030-01-01", jobs=int(jobs)),
        lambda: library.run(library.shipped_pack(), log, earliest="2030-01-01"),
        lambda: library.run_rows(library.shipped_pack(), log, earliest="2030-01-01"),
    ):
        with pytest.raises(library.InputError, match="the input covers"):
            call()


def test_events_without_a_time_are_in_no_range(tmp_path: Path) -> None:
    log = tmp_path / "other.jsonl.gz"
    log.write_bytes(gzip.compress(json.dumps({"verb": "get"}).encode()))
    done = podhawk("search", "*", log, "--input-format", "json", "--earliest", "-1h")
    assert done.returncode == 4
    assert "no event of the input has a time (1 event)" in done.stderr


def test_processes_count_what_is_in_the_range_together(tmp_path: Path) -> None:
    log = tmp_path / "large.log"
    line = json.dumps(event("a", at="10:00:00.000000", note="x" * 3000)) + "\n"
    log.write_text(line * 3000)
    done = podhawk("search", "verb=* | stats count", log, "--jobs", "2", "--earliest", "2026-11-25T09:00:00Z")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"count": "3000"})


def test_a_range_that_ends_before_it_begins_was_silent(log: Path) -> None:
    done = podhawk("run", log, "--earliest", "2026-11-25T12:00:00Z", "--latest", "2026-11-25T10:00:00Z")
    assert done.returncode == 2
    assert "the time range is empty" in done.stderr
