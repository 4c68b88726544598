"""Several runs on one state: they wait and say so, and what lasts too long has an exit code of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from podhawk.store.database import open_engine, transaction
from support import unprivileged
from support.command_line import podhawk
from support.findings import event, write
from support.states import DETECTIONS, NewState, known

pytestmark = pytest.mark.slow

CONTENT = "name: Pods\nid: p\nversion: 1\ntype: Anomaly\nstatus: production\nsearch: {search}\n"


@pytest.fixture
def content(tmp_path: Path) -> Path:
    path = tmp_path / "pods.yml"
    path.write_text(CONTENT.format(search=DETECTIONS[0].search))
    return path


@contextmanager
def taken(state: str) -> Iterator[None]:
    """The state as another run holds it."""
    with transaction(open_engine(state)):
        yield


def start(state: str, content: Path, log: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "podhawk", "run", "--state", state, "--content", str(content), str(log), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_of_four_runs_at_once_two_ended_with_database_is_locked(
    tmp_path: Path, content: Path, new_state: NewState
) -> None:
    """The state is new, so that they also meet while it is made."""
    state = new_state()
    logs = [write(tmp_path / f"{one}.log", event(one, user={"username": one})) for one in "abcd"]
    runs = [start(state, content, log) for log in logs]
    said = [one.communicate(timeout=120)[1] for one in runs]
    assert [one.returncode for one in runs] == [0] * 4, said
    assert len(known(state)) == 4


def test_a_run_that_waits_says_so_and_goes_on(tmp_path: Path, content: Path, new_state: NewState) -> None:
    state, log = new_state(), write(tmp_path / "a.log", event())
    with taken(state):
        waiting = start(state, content, log, "--quiet")
        assert waiting.stderr is not None
        line = waiting.stderr.readline()
        assert line.startswith("podhawk: another run uses the state ")
        assert "at most 300 seconds" in line
    assert waiting.communicate(timeout=60)[1] == ""
    assert waiting.returncode == 0
    assert len(known(state)) == 1


def test_a_state_that_stays_locked_was_a_usage_error(tmp_path: Path, content: Path, new_state: NewState) -> None:
    state, log = new_state(), write(tmp_path / "a.log", event())
    with taken(state):
        done = podhawk("run", "--state", state, "--content", content, log, "--wait", "1")
    assert (done.returncode, done.stdout) == (7, "")
    assert "cannot be used now" in done.stderr
    assert "Try again later, or wait longer with --wait." in done.stderr
    assert podhawk("run", "--state", state, "--content", content, log, "--wait", "1").returncode == 0


def test_a_server_that_does_not_answer_was_a_usage_error(tmp_path: Path, content: Path) -> None:
    log = write(tmp_path / "a.log", event())
    done = podhawk("run", "--state", "postgresql://me:secret@127.0.0.1:1/x", "--content", content, log)
    assert done.returncode == 7
    assert "Try again later" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.postgres
def test_a_database_that_does_not_exist_is_no_matter_of_time(tmp_path: Path, content: Path, postgres: str) -> None:
    log = write(tmp_path / "a.log", event())
    done = podhawk("run", "--state", f"{postgres}/nowhere", "--content", content, log)
    assert done.returncode == 2
    assert "does not exist" in done.stderr


def test_a_folder_that_cannot_be_written_is_no_matter_of_time(tmp_path: Path, content: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o500)
    log = write(tmp_path / "a.log", event())
    (done,) = unprivileged.podhawk(["run", "--state", tmp_path / "state", "--content", content, log])
    assert done.code == 2, done.err


def test_a_damaged_state_is_no_matter_of_time(tmp_path: Path, content: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "podhawk.db").write_text("this is no database" * 100)
    log = write(tmp_path / "a.log", event())
    done = podhawk("run", "--state", tmp_path / "state", "--content", content, log)
    assert done.returncode == 2
    assert "file is not a database" in done.stderr
