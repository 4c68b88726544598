"""An increment that is killed anywhere, and then run again, is equal to an undisturbed one."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy.engine import Engine

from podhawk.store.database import FILE
from store.test_crowded import CROWD, crowd
from support.findings import run, write
from support.histories import History

KILLS = 100 if os.environ.get("PODHAWK_EFFORT") == "full" else 8
_STEPS = 50
"""Instructions of SQLite's machine between two places."""
_LEFT_OUT = ("podhawk_counts", "podhawk_cells")
"""How many runs wrote; sums that may be missing."""


def tables(state: Path) -> dict[str, list[Any]]:
    """All that a state holds."""
    with sqlite3.connect(state / FILE) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in names if name not in _LEFT_OUT}


def each_step(act: Callable[[], object]) -> None:
    """Act every few instructions of SQLite's machine, in connections that are opened from now on."""

    def step() -> int:
        act()
        return 0

    def connected(connection: Any, _: Any) -> None:
        connection.set_progress_handler(step, _STEPS)

    sql_event.listen(Engine, "connect", connected)


def in_child(act: Callable[[], object]) -> int:
    """Start a process that does this."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    return child


def steps_of(act: Callable[[], object], folder: Path) -> int:
    """How many steps SQLite's machine takes, in fifties."""
    count = 0

    def one_more() -> None:
        nonlocal count
        count += 1

    def counted() -> None:
        each_step(one_more)
        act()
        (folder / "steps").write_text(str(count))

    assert os.waitpid(in_child(counted), 0)[1] == 0
    return int((folder / "steps").read_text())


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Do something and kill the process at a step of SQLite's machine. Returns whether it was killed."""
    left = step

    def one_less() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def doomed() -> None:
        each_step(one_less)
        act()

    return os.WIFSIGNALED(os.waitpid(in_child(doomed), 0)[1])


def killed_after(seconds: float, act: Callable[[], object]) -> bool:
    """The same at a time."""
    child = in_child(act)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.slow
def test_an_increment_that_is_killed_and_run_again(tmp_path: Path) -> None:
    events = [*crowd(7, 80), *History(7).events(40)]
    Random(7).shuffle(events)
    before, piece = write(tmp_path / "a.log", *events[::2]), write(tmp_path / "b.log", *events[1::2])
    base, whole = tmp_path / "base", tmp_path / "whole"
    run(before, *CROWD, state=str(base))

    def increment(state: Path) -> Callable[[], object]:
        return lambda: run(piece, *CROWD, state=str(state))

    shutil.copytree(base, whole)
    steps = steps_of(increment(whole), tmp_path)
    expected = tables(whole)
    shutil.rmtree(whole)
    shutil.copytree(base, whole)
    start = time.monotonic()
    assert os.waitpid(in_child(increment(whole)), 0)[1] == 0
    took = time.monotonic() - start
    assert tables(whole) == expected
    random, killed = Random(1), 0
    for number in range(KILLS):
        state = tmp_path / "state"
        shutil.copytree(base, state)
        if number % 2:
            killed += killed_after(random.random() * took, increment(state))
        else:
            killed += killed_at(random.randrange(1, steps), increment(state))
        assert os.waitpid(in_child(increment(state)), 0)[1] == 0
        assert tables(state) == expected, number
        shutil.rmtree(state)
    assert killed > KILLS // 2
