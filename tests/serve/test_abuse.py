"""What attackers and broken senders do to a receiver: it stays up, answers as documented, and the metrics say so."""

from __future__ import annotations

import gzip
import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.findings import event
from support.processes import HOST, wait_for
from support.service import Service, balanced, event_list, service

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
PATH = "/audit/prod/cp-1"


def works(live: Service, name: str) -> None:
    """An ordinary batch is taken and evaluated."""
    assert live.post(PATH, event_list([event(name)])).status_code == 200
    live.wait_until_evaluated()
    assert all(balanced(one) for one in live.ledger().values())
    assert live.get("/livez").status_code == 200


def large(size: int) -> bytes:
    return event_list([event("large", annotations={"x": "y" * size})])


def test_an_event_of_50_mb_is_refused_or_a_dead_letter(tmp_path: Path) -> None:
    with service(tmp_path / "live") as live:
        answer = live.post(PATH, large(50 << 20))
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body")
        assert 'podhawk_requests_refused_total{cluster="prod",reason="body 413"} 1' in live.get("/metrics").text
        works(live, "after")
    with service(tmp_path / "other", "--body-limit", "64M") as live:
        body = json.loads(large(50 << 20))
        body["items"].append(event("beside it"))
        assert live.post(PATH, json.dumps(body, separators=(",", ":"))).status_code == 200
        account = live.ledger()["webhook:prod/cp-1"]
        assert (account["dead_lettered"], account["received"]) == (1, 2)
        (letter,) = live.get("/api/v1/dead-letters").json()["dead_letters"]
        assert letter["letter"]["size"] > 50 << 20
        assert live.metric("podhawk_dead_letters_total") == 1
        works(live, "afterwards")


@pytest.mark.parametrize("path", [PATH, "/services/collector/event", "/services/collector/raw"])
def test_a_gzip_bomb_is_refused_before_it_has_gone_off(tmp_path: Path, path: str) -> None:
    bomb = gzip.compress(b" " * (1 << 26)) * 8  # several members, half a gigabyte
    with service(tmp_path / "live") as live:
        answer = live.post(path, bomb, **{"Content-Encoding": "gzip"})
        assert answer.status_code == 413
        assert live.metric("podhawk_requests_refused_total") == 1
        assert live.process is not None
        status = Path(f"/proc/{live.process.pid}/status")
        if status.exists():
            peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            assert int(peak.split()[1]) < 600 << 10
        works(live, "after")


def test_wrong_tokens_at_speed_are_counted_and_others_are_served(tmp_path: Path) -> None:
    with service(tmp_path / "live") as live:

        def guess(number: int) -> int:
            path = (PATH, "/services/collector/event", "/api/v1/findings")[number % 3]
            given = {"Authorization": f"Bearer {number:032x}"}
            method = "GET" if path.startswith("/api") else "POST"
            return httpx.request(method, live.url + path, content=b"{}", headers=given, timeout=30).status_code

        with ThreadPoolExecutor(8) as threads:
            guesses = threads.map(guess, range(600))
            works(live, "meanwhile")
            answers = Counter(guesses)
        assert answers == {401: 400, 403: 200}
        assert live.metric("podhawk_requests_refused_total") == 400  # those of senders
        assert live.log.count("refused") < 20
        works(live, "after")


def test_as_many_idle_connections_as_are_allowed_and_more(tmp_path: Path) -> None:
    with service(tmp_path / "live", "--connections", "100") as live:
        idle = [socket.create_connection((HOST, live.port)) for _ in range(100)]
        try:
            assert live.get("/livez").status_code in (200, 503)

            def served() -> bool:
                try:
                    return live.post(PATH, event_list([event("beside")])).status_code == 200
                except httpx.TransportError:
                    return False

            wait_for(served, 30, "idle connections to make room")
        finally:
            for one in idle:
                one.close()
        works(live, "after")
