"""Worker processes do not outlive their parent, and hold nothing of it open."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.findings import event
from support.processes import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs the list of processes in /proc"),
]
PROGRAM = """
import ctypes, os, sys
from podhawk.engine.options import EngineOptions
from podhawk.engine.run.files import FileSource
from podhawk.engine.run.workers import scan_in_parallel
from podhawk.events.options import InputReport, ReadOptions

log, database, told, how = sys.argv[1:]
connection = open(database, "w")
source = FileSource([log], ReadOptions())

class Endless:
    def __call__(self, piece, report):
        if how == "pipe only":
            ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
        held = [os.path.realpath(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd")]
        with open(f"{told}/{os.getpid()}", "w") as file:
            file.write("\\n".join(held) + "\\nend")
        while True:
            for candidate in source.split_candidates(piece, InputReport()):
                pass

    def settle(self):
        pass

scan_in_parallel([], source, 3, Endless(), EngineOptions())
"""
"""Its workers tell what they hold open, and never come to the end of their first split. Those that are to
learn of the end of their parent by the pipe only take back what they asked of the kernel."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log that several processes share."""
    path = tmp_path / "audit.log"
    path.write_text((json.dumps(event("a", note="x" * 100_000)) + "\n") * 300)
    return path


@pytest.fixture
def told(tmp_path: Path) -> Path:
    folder = tmp_path / "told"
    folder.mkdir()
    return folder


@pytest.fixture
def running(log: Path, told: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose workers are at work."""
    how = getattr(request, "param", "kernel too")
    arguments = [sys.executable, "-c", PROGRAM, log, log.with_name("database"), told, how]
    with subprocess.Popen(list(map(str, arguments)), stdout=subprocess.PIPE) as process:
        try:
            wait_for(lambda: len(whole(told)) == 3, 60, "three workers")
            yield process
        finally:
            process.kill()
            for name in whole(told):
                if alive(int(name)):
                    os.kill(int(name), signal.SIGKILL)


def whole(told: Path) -> dict[str, list[str]]:
    """What each worker told."""
    found = {path.name: path.read_text().splitlines() for path in told.iterdir()}
    return {name: lines[:-1] for name, lines in found.items() if lines[-1:] == ["end"]}


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@pytest.mark.parametrize("running", ["kernel too", "pipe only"], indirect=True)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_workers_outlived_a_parent_that_was_killed(
    running: subprocess.Popen[bytes], told: Path, how: signal.Signals
) -> None:
    workers = list(map(int, whole(told)))
    assert all(map(alive, workers))
    running.send_signal(how)
    assert running.wait(60) == -how
    wait_for(lambda: not any(map(alive, workers)), 30, "the end of the workers")


def test_workers_held_the_output_and_the_database_of_their_parent(
    running: subprocess.Popen[bytes], log: Path, told: Path
) -> None:
    output = os.path.realpath(f"/proc/{running.pid}/fd/1")
    for held in whole(told).values():
        assert str(log) in held
        assert str(log.with_name("database")) not in held
        assert not [one for one in held if one == output or output.rpartition("/")[2] == one.rpartition("/")[2]]
