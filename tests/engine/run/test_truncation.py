"""Logs that shrink or grow while they are read: what was lost is told, a line that is being written is no damage."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.model import Content
from podhawk.errors import InputError
from podhawk.events.inputs import Inputs
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.read import read_events
from podhawk.events.reasons import SHRANK
from support.findings import detection, event

pytestmark = pytest.mark.slow

NOTHING = Content()
CREATED = detection("verb=create objectRef.resource=pods | table auditID")
SEARCHES = ["* | stats count by verb", "verb=create | stats count by verb", "verb=create | table auditID verb"]
COUNT = 60


def line(name: str, size: int = 0) -> str:
    return json.dumps(event(name, **({"note": "x" * size} if size else {}))) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log that several processes share."""
    path = tmp_path / "audit.log"
    path.write_text("".join(line(f"old{number}", 500_000) for number in range(COUNT)))
    return path


def halved(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    """As logrotate's copytruncate does."""
    os.truncate(path, 0)


def emptied_and_written_on(path: Path) -> None:
    path.write_text("".join(line(f"new{number}", 400_000) for number in range(10)))


def written_over(path: Path) -> None:
    """There is more in it than there was."""
    path.write_text("".join(line(f"new{number}", 600_000) for number in range(COUNT)))


def full_of_holes(path: Path) -> None:
    """A writer that does not append goes on where it was."""
    size = path.stat().st_size
    os.truncate(path, 0)
    with path.open("r+b") as file:
        file.seek(size)
        file.write(line("new").encode())


CHANGES = [halved, emptied, emptied_and_written_on, written_over, full_of_holes]
changes = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("jobs", [1, 2])
def test_events_of_a_log_that_shrank_were_lost_in_silence(log: Path, search: str, jobs: int) -> None:
    with Inputs([str(log)]) as inputs:
        assert inputs.files
        halved(log)
        result = api.search(search, content=NOTHING, inputs=inputs, jobs=jobs)
        (row, *others) = result
        assert (int(row["count"]) if "count" in row else 1 + len(others)) == COUNT // 2
        assert result.report.rejected[SHRANK].count == 1
        assert str(result.report.rejected[SHRANK].first) == f"{log}:{COUNT // 2 + 1}"
        assert f"shrank while it was read: {log.stat().st_size:,} of" in result.report.gaps[str(log)].text("")
        assert set(result.report.rejected) == {SHRANK}  # no half line is told beside it
        with pytest.raises(InputError, match="1 × file that shrank while it was read"):
            api.search(search, content=NOTHING, inputs=inputs, jobs=jobs, strict=True)


@changes
@pytest.mark.parametrize("jobs", [1, 2])
def test_no_way_of_truncating_is_silent(log: Path, change: Callable[[Path], None], jobs: int) -> None:
    other = log.with_name("other.log")
    other.write_text("".join(line(f"other{number}") for number in range(5)))
    with Inputs([str(other), str(log)]) as inputs:
        assert inputs.files
        change(log)
        result = api.search("* | stats count", content=NOTHING, inputs=inputs, jobs=jobs)
        assert result.report.rejected[SHRANK].count == 1
        found = api.run(Content(detections=(CREATED,)), inputs=inputs, jobs=jobs)
        assert found.report.rejected[SHRANK].count == 1
        assert not [one for one in found if any("new" in info.audit_id for info in one.requests)]
        with pytest.raises(InputError, match="shrank"):
            api.run(Content(detections=(CREATED,)), inputs=inputs, jobs=jobs, strict=True)


@changes
def test_a_log_that_shrinks_in_the_middle_of_being_read(log: Path, change: Callable[[Path], None]) -> None:
    report = InputReport()
    events: Iterator = read_events([str(log)], ReadOptions(), report)
    assert next(events).view.data["auditID"] == "old0"
    change(log)
    left = [one.view.data["auditID"] for one in events]
    assert report.rejected[SHRANK].count == 1
    assert len(left) < COUNT


@changes
def test_a_log_that_shrinks_between_two_passes(tmp_path: Path, change: Callable[[Path], None]) -> None:
    log = tmp_path / "small.log"
    log.write_text("".join(line(f"old{number}") for number in range(5)))
    with Inputs([str(log)]) as inputs:
        assert list(api.search("* | stats count", content=NOTHING, inputs=inputs)) == [{"count": "5"}]
        change(log)
        report = InputReport()
        read = [one.view.data["auditID"] for one in read_events(inputs, ReadOptions(), report)]
        assert not [one for one in read if one.startswith("new")]
        assert report.rejected[SHRANK].count == 1


def test_a_compressed_log_that_shrinks(tmp_path: Path) -> None:
    log = tmp_path / "audit.log.gz"
    log.write_bytes(b"".join(gzip.compress(line(f"old{number}", 100_000).encode(), 0) for number in range(COUNT)))
    with Inputs([str(log)]) as inputs:
        assert inputs.files
        halved(log)
        result = api.search("* | stats count", content=NOTHING, inputs=inputs)
        assert 0 < int(next(iter(result))["count"]) < COUNT
        assert result.report.rejected[SHRANK].count == 1


def test_each_file_that_shrank_counts_once(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.log" for number in range(3)]
    for path in paths:
        path.write_text("".join(line(f"{path.stem}-{number}", 500_000) for number in range(COUNT)))
    with Inputs([str(tmp_path)]) as inputs:
        assert inputs.files
        halved(paths[0])
        halved(paths[2])
        for jobs in (1, 2):
            result = api.search("* | stats count", content=NOTHING, inputs=inputs, jobs=jobs)
            assert result.report.rejected[SHRANK].count == 2
            assert list(result.report.gaps) == [str(paths[0]), str(paths[2])]
            assert [gap.missing for gap in result.report.gaps.values()] == [
                result.report.gaps[str(paths[0])].size - paths[0].stat().st_size
            ] * 2


@pytest.mark.parametrize("verb", ["run", "run --rows", "search", "explain", "tune", "diff", "run --state"])
def test_each_verb_warns_of_it(log: Path, tmp_path: Path, verb: str) -> None:
    (tmp_path / "made.yml").write_text(
        "name: Made\nid: '1'\nversion: 1\ntype: TTP\nstatus: production\nsearch: verb=create | table auditID\n"
    )
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    made = str(tmp_path / "made.yml")
    arguments = {
        "run": ["run", "--content", made],
        "run --rows": ["run", "--rows", "--content", made],
        "search": ["search", "* | stats count"],
        "explain": ["explain", "Made", "--content", made],
        "tune": ["tune", "Made", "--content", made],
        "diff": ["diff", made, made],
        "run --state": ["run", "--content", made, "--state", str(tmp_path / "state")],
    }[verb]
    for strict in ([], ["--strict"]):
        log.write_text("".join(line(f"old{number}", 50_000) for number in range(COUNT)))
        command = [sys.executable, "-m", "podhawk", *arguments, str(log), str(pipe), *strict]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with pipe.open("w") as file:  # the log before it is open by now
            halved(log)
            file.write(line("piped"))
        _, err = running.communicate(timeout=120)
        assert f"warning: {log} shrank while it was read: " in err
        assert running.returncode == (4 if strict else 0), err
        assert ("rejected input under --strict: 1 × file that shrank" in err) is bool(strict)


def test_a_line_that_was_being_written_counted_as_broken(tmp_path: Path) -> None:
    """The first half stood in the log when it was opened; the rest came before it was read to its end."""
    log = tmp_path / "audit.log"
    whole = line("a") + line("b")
    for cut in range(len(line("a")) + 1, len(whole)):
        log.write_text(whole[:cut])
        with Inputs([str(log)]) as inputs:
            assert inputs.files
            with log.open("a") as file:
                file.write(whole[cut:] + line("later"))
            for strict in (False, True):
                result = api.search("* | table auditID", content=NOTHING, inputs=inputs, strict=strict)
                assert [row["auditID"] for row in result] == ["a", "b"], cut
                assert not result.report.rejected
                assert not result.report.truncated


def test_a_log_is_read_while_a_writer_cuts_its_lines(tmp_path: Path) -> None:
    """A writer whose buffer is full writes half a line, and the rest a moment later."""
    log = tmp_path / "audit.log"
    log.write_text(line("a"))
    stop = threading.Event()

    def write() -> None:
        number = 0
        with log.open("ab", buffering=0) as file:
            while not stop.is_set():
                whole = line(f"w{number}").encode()
                file.write(whole[: 1 + number * 37 % (len(whole) - 1)])
                stop.wait(0.001)
                file.write(whole[1 + number * 37 % (len(whole) - 1) :])
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(60):
            result = api.search("* | stats count dc(auditID) as d", log, content=NOTHING, strict=bool(number % 2))
            (row,) = result
            assert row["count"] == row["d"] == str(result.report.lines)
            assert not result.report.truncated
    finally:
        stop.set()
        writer.join()


def test_half_a_line_that_ends_in_a_brace_counted_as_whole(tmp_path: Path) -> None:
    """It looked as if nothing was missing, and its other half was not waited for."""
    log = tmp_path / "audit.log"
    whole = line("a")
    for cut in (place for place in range(1, len(whole) - 1) if whole[place - 1] == "}"):
        log.write_text(whole[:cut])
        with Inputs([str(log)]) as inputs:
            assert inputs.files

            def write(rest: str = whole[cut:]) -> None:
                with log.open("a") as file:
                    file.write(rest)

            other = threading.Timer(0.01, write)
            other.start()
            result = api.search("* | table auditID", content=NOTHING, inputs=inputs)
            other.join()
        if cut < len(whole.rstrip()):
            assert not result.report.truncated, whole[:cut]
        assert [row["auditID"] for row in result] == ["a"]


def test_half_a_line_at_the_end_is_saved_as_before(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(line("a") + line("b")[:200])
    os.utime(log, (1_700_000_000, 1_700_000_000))
    result = api.search("* | table auditID", log, content=NOTHING)
    assert [row["auditID"] for row in result] == ["a", "b"]
    assert result.report.truncated == 1
