"""Nothing that was acknowledged is lost, whenever the service is killed."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from random import Random

import httpx
import pytest

from podhawk.serve.inbox.segment import segments
from support.processes import wait_for
from support.served import alike, demo_lines, expected, risk_of
from support.service import Service, balanced, event_list, service

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
KILLS = 200 if os.environ.get("PODHAWK_EFFORT") == "full" else 20
SENDER = "webhook:prod/cp-1"


class Sender(threading.Thread):
    """Sends batches as an API server does: each until it is acknowledged, several at a time, in any order."""

    def __init__(self, live: Service, batches: list[bytes]) -> None:
        super().__init__(daemon=True)
        self._live = live
        self._left = list(enumerate(batches))
        self._lock = threading.Lock()
        self._released = threading.Semaphore(0)
        self.acknowledged: set[int] = set()
        self.refused: list[int] = []

    def run(self) -> None:
        threads = [threading.Thread(target=self._send, daemon=True) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()

    def release(self, count: int) -> None:
        """Let so many more batches go."""
        self._released.release(count)

    def _send(self) -> None:
        while True:
            self._released.acquire()
            with self._lock:
                if not self._left:
                    return
                number, body = self._left.pop(0)
            while True:
                try:
                    status = self._live.post("/audit/prod/cp-1?timeout=30s", body).status_code
                except httpx.TransportError:
                    threading.Event().wait(0.05)
                    continue
                if status == 200:
                    self.acknowledged.add(number)
                    break
                self.refused.append(status)


def test_killed_under_load_it_finds_what_a_run_finds(tmp_path: Path) -> None:
    lines = demo_lines(1200)
    findings, risk = expected(lines, tmp_path, "prod")
    random = Random(3)
    sent = [*lines, *random.sample(lines, 400)]
    batches = [event_list(sent[start : start + 20]) for start in range(0, len(sent), 20)]
    with service(tmp_path / "live") as live:
        sender = Sender(live, batches)
        sender.start()
        for number in range(KILLS):
            sender.release(len(batches) // KILLS + 1)
            threading.Event().wait(random.choice((0.01, 0.05, 0.4, 4.0)))
            live.kill(everything=number % 2 == 0)
            live.start()
        sender.release(len(batches))
        sender.join(300)
        assert not sender.is_alive()
        assert sender.acknowledged == set(range(len(batches)))
        assert sender.refused == []
        live.wait_until_evaluated()
        account = live.ledger()[SENDER]
        assert balanced(account)
        assert account["received"] >= len(sent)
        assert alike(live.findings()) == findings
        assert risk_of(str(live.folder)) == risk
        assert live.get("/api/v1/dead-letters").json()["dead_letters"] == []


def test_files_of_the_inbox_go_when_they_are_evaluated(tmp_path: Path) -> None:
    """A file is left only when it is old or large; the next one knows the counts and the repeats."""
    from podhawk.serve.inbox.deposit import ClusterLines, Deposit
    from podhawk.serve.inbox.room import Room
    from podhawk.serve.inbox.writer import InboxWriter

    folder = tmp_path / "inbox"
    writer = InboxWriter(folder, Room(free=0), segment_bytes=20_000)
    writer.start()
    for number in range(40):
        lines = (b'{"n":%d}' % number).ljust(2000) + b"\n"
        deposit = Deposit("s", "prod", b"%d" % number, 1.0, 1.0, (ClusterLines("prod", lines, 1),))
        assert writer.put(deposit).result(10)
    assert len(segments(folder)) > 2
    assert not writer.put(deposit).result(10)
    assert writer.drop({"prod": 10}) == [] or len(segments(folder)) > 1
    writer.drop({"prod": 40})
    assert len(segments(folder)) == 1
    writer.stop()
    again = InboxWriter(folder, Room(free=0))
    assert again.ledger() == {("s", "received"): 41, ("s", "stored"): 40, ("s", "repeated"): 1}
    again.start()
    assert not again.put(deposit).result(10)
    again.stop()


def test_an_inbox_that_was_removed_does_not_begin_behind_the_position(tmp_path: Path) -> None:
    """Its events had numbers that the state had evaluated already, and were never evaluated."""
    import shutil

    lines = demo_lines(8)
    with service(tmp_path / "live") as live:
        for line in lines[:4]:
            assert live.post("/audit/prod/cp-1", event_list([line])).status_code == 200
        live.wait_until_evaluated()
        live.stop()
        shutil.rmtree(live.folder / "inbox")
        live.start()
        assert live.post("/audit/prod/cp-2", event_list(lines[4:])).status_code == 200
        wait_for(lambda: live.metric("podhawk_event_lag_seconds_count") == 4, 60, "evaluation")
        assert list(live.ledger()) == ["webhook:prod/cp-2"]
        assert all(one["waiting"] == 0 and balanced(one) for one in live.ledger().values())
