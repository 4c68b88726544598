"""A loss of power takes away what was not synced: nothing of it had been acknowledged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from random import Random

import httpx
import pytest

from support.forgetful import Forgetful, preloaded
from support.lakes import counted
from support.processes import wait_for
from support.served import alike, demo_lines, expected, expected_of_lake, risk_of
from support.service import balanced, event_list, service

pytestmark = [pytest.mark.needs("serve", "gcc"), pytest.mark.slow]
PATH = "/audit/prod/cp-1?timeout=30s"
KILLS = 40 if os.environ.get("PODHAWK_EFFORT") == "full" else 6
_WRITES = """
import os, signal
for name in ("synced", "not"):
    with open(f"{name}.txt", "r+") as file:
        file.write("new")
        file.flush()
        if name == "synced":
            os.fsync(file.fileno())
open("new.txt", "w").write("x")
os.rename(os.path.abspath("part"), os.path.abspath("whole"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_only_what_was_synced_is_there_afterwards(tmp_path: Path) -> None:
    """The library itself: a test that takes nothing away would prove nothing."""
    root = tmp_path / "root"
    root.mkdir()
    for name in ("synced.txt", "not.txt", "part"):
        (root / name).write_text("older")
    forgetful = Forgetful(root, tmp_path / "work")
    script = _WRITES.replace('"new.txt"', f'"{root}/new.txt"')
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env={**os.environ, **forgetful.environment}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert (root / "not.txt").read_text() == "newer"
    assert forgetful.forget() >= 3
    assert {path.name: path.read_text() for path in root.iterdir()} == {
        "synced.txt": "newer",
        "not.txt": "older",
        "part": "older",
    }


def test_nothing_acknowledged_is_lost_with_the_power(tmp_path: Path) -> None:
    lines = demo_lines(600)
    findings, risk = expected(lines, tmp_path, "prod")
    random = Random(9)
    batches = [event_list(lines[start : start + 10]) for start in range(0, len(lines), 10)]
    folder = tmp_path / "live"
    folder.mkdir()
    forgetful = Forgetful(folder, tmp_path / "work")
    taken = 0
    with service(folder, **forgetful.environment) as live:
        left = list(batches)
        for number in range(KILLS):
            timer = threading.Timer(random.choice((0.1, 0.5, 2.0)), lambda: live.kill(everything=True))
            timer.start()
            while left:
                try:
                    answer = live.post("/audit/prod/cp-1?timeout=30s", left[0])
                except httpx.TransportError:
                    break
                assert answer.status_code == 200
                left.pop(0)
                threading.Event().wait(0.02)
            timer.join()
            taken += forgetful.forget()
            if number == KILLS // 2:
                live.age_inbox()
            live.start()
        for body in left:
            assert live.post("/audit/prod/cp-1?timeout=30s", body).status_code == 200
        live.wait_until_evaluated()
        account = live.ledger()["webhook:prod/cp-1"]
        assert balanced(account)
        assert alike(live.findings()) == findings
        assert risk_of(str(folder)) == risk
        wait_for(lambda: live.metric("podhawk_lake_events") > 0, 60, f"the lake: {live.log}")
        assert set(counted(folder)) == {("prod", audit_id) for audit_id in _all(lines)}
        assert expected_of_lake(str(folder), tmp_path) == (findings, risk)
    assert taken > KILLS


def test_a_disk_that_cannot_be_written_any_more(tmp_path: Path) -> None:
    folder, flag = tmp_path / "live", tmp_path / "readonly"
    folder.mkdir()
    library = preloaded("faults", tmp_path / "work")
    lines = demo_lines(40)
    bodies = [event_list(lines[start : start + 10]) for start in range(0, 40, 10)]
    faults = {"LD_PRELOAD": str(library), "FAULT_ROOT": f"{folder}/inbox", "FAULT_READONLY": str(flag)}
    with service(folder, **faults) as live:
        assert live.post(PATH, bodies[0]).status_code == 200
        flag.touch()
        answer = live.post(PATH, bodies[1])
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert live.get("/livez").status_code == 200
        assert live.metric("podhawk_inbox_failures_total") >= 1
        assert "the inbox cannot be written" in live.log
        flag.unlink()
        for body in bodies[1:]:
            assert live.post(PATH, body).status_code == 200
        live.wait_until_evaluated()
        account = live.ledger()["webhook:prod/cp-1"]
        assert balanced(account)
        assert account["evaluated"] == 40


def test_a_state_that_cannot_be_written_any_more(tmp_path: Path) -> None:
    """Events are taken all the same, and evaluated when it can be written again."""
    folder, flag = tmp_path / "live", tmp_path / "readonly"
    folder.mkdir()
    library = preloaded("faults", tmp_path / "work")
    lines = demo_lines(40)
    faults = {"LD_PRELOAD": str(library), "FAULT_ROOT": f"{folder}/podhawk", "FAULT_READONLY": str(flag)}
    with service(folder, **faults) as live:
        assert live.post(PATH, event_list(lines[:20])).status_code == 200
        live.wait_until_evaluated()
        flag.touch()
        assert live.post(PATH, event_list(lines[20:])).status_code == 200
        wait_for(lambda: "the state cannot be written" in live.log, 60, "the evaluator to notice")
        wait_for(lambda: live.get("/readyz").json()["evaluator"] == "stuck", 30, "the answer to say so")
        assert live.get("/readyz").status_code == 200
        assert live.get("/api/v1/findings").status_code in (200, 503)
        flag.unlink()
        live.wait_until_evaluated()
        assert live.get("/api/v1/dead-letters").json()["dead_letters"] == []
        assert live.ledger()["webhook:prod/cp-1"]["evaluated"] == 40


def test_the_clock_is_stepped(tmp_path: Path) -> None:
    """Forward by a day and back by two hours: nothing is lost, doubled, or found otherwise."""
    folder, clock = tmp_path / "live", tmp_path / "clock"
    folder.mkdir()
    lines = demo_lines(600)
    findings, risk = expected(lines, tmp_path, "prod")
    faults = {"LD_PRELOAD": str(preloaded("faults", tmp_path / "work")), "FAULT_CLOCK": str(clock)}
    with service(folder, **faults) as live:
        for number, step in enumerate((0, 86400, -7200, 0)):
            clock.write_text(str(step))
            for start in range(number * 150, number * 150 + 150, 50):
                body = event_list(lines[start : start + 50])
                assert live.post(PATH, body).status_code == 200
                assert live.post(PATH, body).status_code == 200
        live.wait_until_evaluated()
        account = live.ledger()["webhook:prod/cp-1"]
        assert balanced(account)
        assert (account["received"], account["repeated"]) == (1200, 600)
        assert alike(live.findings()) == findings
        assert risk_of(str(folder)) == risk
        wait_for(lambda: live.metric("podhawk_lake_events") >= 450, 60, f"the lake: {live.log}")
        assert counted(folder) == {("prod", audit_id): count for audit_id, count in Counter(_all(lines)).items()}
        assert expected_of_lake(str(folder), tmp_path) == (findings, risk)


def _all(lines: list[bytes]) -> list[str]:
    return [json.loads(line)["auditID"] for line in lines]
