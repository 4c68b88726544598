"""What was opened when a run began is read, whatever becomes of its path meanwhile."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.model import Content
from podhawk.errors import InputError
from podhawk.events.inputs import RESERVED, Inputs
from podhawk.events.reasons import BROKE_OFF, REPLACED
from podhawk.events.splits import splits_of
from support.findings import detection, event
from support.packing import zstd

pytestmark = pytest.mark.slow

NOTHING = Content()
CREATED = detection("verb=create objectRef.resource=pods | table auditID")
PAD = json.dumps(event("pad", verb="watch", objectRef={"resource": "nodes"}, note="x" * 1_000_000)) + "\n"


def lines(prefix: str, count: int) -> str:
    return "".join(json.dumps(event(f"{prefix}{number}")) + "\n" for number in range(count))


def large(path: Path, prefix: str = "old", count: int = 40) -> Path:
    """A log that several processes share, with events at both ends."""
    path.write_text(lines(prefix, count // 2) + PAD * 30 + lines(f"{prefix}-late", count - count // 2))
    return path


def renamed(path: Path) -> None:
    path.rename(path.with_name(path.name + ".1"))
    large(path, "new", 70)


def moved_away(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere.log")


def replaced(path: Path) -> None:
    large(path.with_name("made"), "new", 70).replace(path)


def deleted(path: Path) -> None:
    path.unlink()


def deleted_and_made_again(path: Path) -> None:
    path.unlink()
    large(path, "new", 70)


def packed(path: Path) -> None:
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 1))
    path.unlink()


def appended(path: Path) -> None:
    with path.open("a") as file:
        file.write(lines("new", 70))


def a_folder_in_its_place(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES = [renamed, moved_away, replaced, deleted, deleted_and_made_again, packed, appended, a_folder_in_its_place]
changes = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return large(tmp_path / "logs" / "audit.log")


@changes
@pytest.mark.parametrize("named", [True, False], ids=["file", "folder"])
def test_a_log_that_was_rotated_was_read_by_its_new_content(log: Path, change: Callable, named: bool) -> None:
    with Inputs([str(log if named else log.parent)]) as inputs:
        assert [file.path for file in inputs.files] == [str(log)]
        change(log)
        for jobs in (1, 2):
            rows = api.search("verb=create | stats count", content=NOTHING, inputs=inputs, jobs=jobs)
            assert list(rows) == [{"count": "40"}]
            assert rows.report.lines == 70
            found = api.run(Content(detections=(CREATED,)), inputs=inputs, jobs=jobs)
            assert len([one for one in found if one.kind != "incident"]) == 40
            assert {one.requests[0].source.split(":")[0] for one in found if one.requests} == {str(log)}


@changes
@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_compressed_files_were_opened_again(tmp_path: Path, change: Callable, pack: Callable[[bytes], bytes]) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.log.z").write_bytes(pack(lines(f"{number}-", 40).encode()))
    large(folder / "plain.log")
    with Inputs([str(folder)]) as inputs:
        assert len(inputs.files) == 4
        change(folder / "1.log.z")
        for jobs in (1, 2):
            (row,) = api.search("verb=create | stats count dc(auditID)", content=NOTHING, inputs=inputs, jobs=jobs)
            # What is appended to a compressed file is its next member, or no stream at all.
            assert int(row["count"]) >= 160 if change is appended else row["count"] == "160"


def test_a_pass_that_came_later_saw_another_file(log: Path) -> None:
    """The end of a request is looked for in a second pass; a subsearch reads before the search does."""
    first_stages = detection("verb=create stage=RequestReceived | table auditID")
    log.write_text("".join(json.dumps(event(stage=stage)) + "\n" for stage in ("RequestReceived", "ResponseComplete")))
    with Inputs([str(log)]) as inputs:
        for _ in range(2):
            (finding,) = api.run(Content(detections=(first_stages,)), inputs=inputs)
            assert finding.outcome == "success"
            search = "[search stage=RequestReceived | table auditID] | stats count"
            assert list(api.search(search, content=NOTHING, inputs=inputs)) == [{"count": "2"}]
            deleted_and_made_again(log)


@contextmanager
def few_descriptors(left: int) -> Iterator[None]:
    """Room for so many files beside what is open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + RESERVED + left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def many(tmp_path: Path) -> list[Path]:
    """More logs than can be held open, the last of them the oldest."""
    made = []
    for number in range(200):
        path = tmp_path / f"{number:03}.log"
        path.write_text(lines(f"{number}-", 5))
        os.utime(path, (1_700_000_000 - number, 1_700_000_000 - number))
        made.append(path)
    return made


def test_more_files_than_descriptors_are_read(many: list[Path]) -> None:
    with few_descriptors(20), Inputs([str(many[0].parent)]) as inputs:
        assert len(inputs.files) == 200
        assert len(inputs.descriptors()) == 20
        assert list(api.search("* | stats count", content=NOTHING, inputs=inputs)) == [{"count": "1000"}]


def test_the_newest_of_many_files_stay_open(many: list[Path]) -> None:
    with few_descriptors(20), Inputs([str(many[0].parent)]) as inputs:
        assert len(inputs.files) == 200
        deleted(many[0])
        many[1].rename(many[1].with_suffix(".1"))
        many[1].write_text(lines("new", 9))
        assert list(api.search("* | stats count", content=NOTHING, inputs=inputs)) == [{"count": "1000"}]


@pytest.mark.parametrize(
    "content", [lines("new", 9), lines("new", 5), lines("new", 1)], ids=["longer", "as long", "shorter"]
)
def test_a_file_that_could_not_be_held_open_and_was_replaced_is_told(many: list[Path], content: str) -> None:
    with few_descriptors(20), Inputs([str(path) for path in many]) as inputs:
        assert len(inputs.files) == 200
        many[150].unlink()
        many[150].write_text(content)
        with pytest.raises(InputError, match=r"150\.log was replaced while the input was read"):
            api.search("* | stats count", content=NOTHING, inputs=inputs)


def test_a_file_of_a_folder_that_was_replaced_is_a_gap(many: list[Path]) -> None:
    with few_descriptors(20), Inputs([str(many[0].parent)]) as inputs:
        assert len(inputs.files) == 200
        many[150].unlink()
        many[150].write_text(lines("new", 9))
        many[160].unlink()
        result = api.search("* | stats count", content=NOTHING, inputs=inputs)
        assert list(result) == [{"count": "990"}]
        assert {path: gap.reason for path, gap in result.report.gaps.items()} == {
            str(many[150]): REPLACED,
            str(many[160]): BROKE_OFF,
        }
        with pytest.raises(InputError, match="1 × file that was replaced before it was read"):
            api.search("* | stats count", content=NOTHING, inputs=inputs, strict=True)


def test_a_file_that_could_not_be_held_open_may_grow(many: list[Path]) -> None:
    with few_descriptors(20), Inputs([str(many[0].parent)]) as inputs:
        assert len(inputs.files) == 200
        with many[150].open("a") as file:
            file.write(lines("new", 9))
        assert list(api.search("* | stats count", content=NOTHING, inputs=inputs)) == [{"count": "1000"}]


def test_an_executor_reads_the_file_that_was_cut(log: Path) -> None:
    with Inputs([str(log)]) as inputs:
        pieces = splits_of(inputs, 8_000_000)
    read = [b"".join(piece.blocks(piece.input())) for piece in pieces]
    assert b"".join(read) == log.read_bytes()
    appended(log)
    assert [b"".join(piece.blocks(piece.input())) for piece in pieces] == read
    replaced(log)
    for piece in pieces:
        with pytest.raises(InputError, match="was replaced"):
            list(piece.blocks(piece.input()))


VERBS = {
    "run": ["run", "--content", "CONTENT", "-o", "jsonl"],
    "rows": ["run", "--rows", "--content", "CONTENT", "-o", "jsonl"],
    "explain": ["explain", "made", "--content", "CONTENT"],
    "tune": ["tune", "made", "--content", "CONTENT", "--when", "verb=create"],
    "diff": ["diff", "OLD", "CONTENT", "-o", "jsonl"],
}
CONTENT = """\
name: Made
id: 11111111-1111-1111-1111-111111111111
version: 1
type: TTP
status: production
search: {search} | table auditID user.username
severity: high
finding:
  title: $auditID$
  entity: {{field: user.username, type: user, score: 90}}
"""


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_verbs_read_what_they_opened(verb: str, jobs: str, log: Path, tmp_path: Path) -> None:
    """The second file is a pipe that nobody writes to until the first one has been opened, and is then rotated."""
    for name, search in (("CONTENT", "verb=create objectRef.resource=pods"), ("OLD", "verb=nothing")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "made.yml").write_text(CONTENT.format(search=search))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "podhawk", *VERBS[verb], str(log), str(pipe), "--jobs", jobs]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    with pipe.open("w") as file:  # opened by both sides: the log before it is open as well
        renamed(log)
        file.write(lines("piped", 5))
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    if verb == "explain":
        assert out.splitlines()[-1].split()[0] == "45", out
    elif verb == "tune":
        assert "hides 45 of 45 visible findings" in out
    else:
        assert len(set(re.findall(r"\b(?:old|old-late|piped)\d+", out))) == 45
        assert not re.search(r"\bnew(?:-late)?\d+", out)
