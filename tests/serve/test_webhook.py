"""The audit webhook, over HTTP."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from support.findings import event
from support.service import Service, balanced, event_list, service, taken

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
PATH = "/audit/prod/cp-1?timeout=30s"
SENDER = "webhook:prod/cp-1"
SECRET = "aHVudGVyMi1odW50ZXIy"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("live"), "--body-limit", "1M") as one:
        yield one


def account(live: Service, sender: str = SENDER) -> dict[str, Any]:
    empty = {"received": 0, "evaluated": 0, "waiting": 0, "rejected": {}, "dead_lettered": 0, "repeated": 0}
    return live.ledger().get(sender, empty)


def events(*names: str) -> list[dict[str, Any]]:
    return [event(name) for name in names]


def test_a_batch_is_stored_and_a_repeat_of_it_is_not(live: Service) -> None:
    before = account(live)
    body = event_list(events("w1", "w2", "w3"))
    for _ in range(2):
        answer = live.post(PATH, body)
        assert (answer.status_code, answer.json()) == (200, {})
    after = account(live)
    assert after["received"] - before["received"] == 6
    assert after["repeated"] - before["repeated"] == 3
    assert balanced(after)


def test_a_body_that_can_be_read_in_part_is_200_and_the_rest_is_accounted_for(live: Service) -> None:
    before = account(live)
    assert live.post(PATH, event_list([*events("p1"), {"kind": "Pod"}, *events("p2")])).status_code == 200
    after = account(live)
    assert sum(after["rejected"].values()) - sum(before["rejected"].values()) == 1
    assert after["received"] - before["received"] == 3
    assert balanced(after)


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b'{"items":[{"auditID":', b"[" * 100_000, b'{"items":5}'])
def test_a_body_that_cannot_be_read_is_a_dead_letter_and_not_sent_again(live: Service, body: bytes) -> None:
    before = account(live)
    assert live.post(PATH, body).status_code == 200
    after = account(live)
    assert after["dead_lettered"] - before["dead_lettered"] == 1
    assert balanced(after)
    letters = live.get("/api/v1/dead-letters", limit=1).json()["dead_letters"]
    assert letters[0]["letter"]["size"] == len(body)


def test_events_of_a_body_that_was_cut_off_are_salvaged(live: Service) -> None:
    before = account(live)
    body = event_list(events("s1", "s2", "s3"))
    assert live.post(PATH, body[:-40]).status_code == 200
    after = account(live)
    stored = after["evaluated"] + after["waiting"] - before["evaluated"] - before["waiting"]
    assert stored >= 2
    assert balanced(after)


def test_an_empty_list_is_200(live: Service) -> None:
    assert live.post(PATH, event_list([])).status_code == 200
    assert live.post(PATH, b"").status_code == 200


def test_gzip_is_read_and_a_bomb_is_refused(live: Service) -> None:
    body = gzip.compress(event_list(events("g1")))
    assert live.post(PATH, body, **{"Content-Encoding": "gzip"}).status_code == 200
    bomb = gzip.compress(b"[" + b" " * (64 << 20) + b"]")
    answer = live.post(PATH, bomb, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body")
    assert live.post(PATH, b"no gzip", **{"Content-Encoding": "gzip"}).status_code == 400
    assert live.post(PATH, b"{}", **{"Content-Encoding": "br"}).status_code == 415
    assert live.post(PATH, b" " * (3 << 20)).status_code == 413


def test_wrong_credentials_are_refused_before_the_body_is_read(live: Service) -> None:
    body = event_list(events("c1"))
    before = account(live)
    assert live.post(PATH, body, Authorization="Bearer wrong").status_code == 401
    assert live.post(PATH, body, Authorization="").status_code == 401
    other = live.new_token("other", ("dev",), scopes=("send",))
    reader = live.new_token("reader", ("prod",), scopes=("read",))
    bound = {"Authorization": f"Bearer {other}"}
    _wait_for_token(live, other)
    assert live.post(PATH, body, **bound).status_code == 403
    assert live.post("/audit/dev/cp-1", body, **bound).status_code == 200
    assert live.post(PATH, body, Authorization=f"Bearer {reader}").status_code == 403
    foreign = event_list([{"event": event("c2"), "fields": {"cluster": "prod"}}])
    assert live.post("/audit/dev/cp-1", foreign, **bound).status_code == 403
    assert taken(account(live)) == taken(before)
    assert live.metric("podhawk_requests_refused_total") >= 4


def _wait_for_token(live: Service, token: str) -> None:
    """Tokens are read again within a second or so."""
    from support.processes import wait_for

    wait_for(
        lambda: live.post("/audit/dev/x", event_list([]), Authorization=f"Bearer {token}").status_code == 200,
        20,
        "a new token",
    )


def test_secrets_are_masked_before_they_are_stored(live: Service) -> None:
    secret = event(
        "m1",
        objectRef={"resource": "secrets", "namespace": "default", "name": "s"},
        requestObject={"kind": "Secret", "data": {"password": SECRET}},
    )
    assert live.post(PATH, event_list([secret])).status_code == 200
    assert live.post(PATH, event_list([secret])[:-2]).status_code == 200
    live.wait_until_evaluated()
    files = [one for one in live.folder.rglob("*") if one.is_file()]
    assert any(one.name.startswith("inbox-") for one in files)
    assert [one for one in files if SECRET.encode() in one.read_bytes()] == []


def test_an_event_without_secrets_keeps_its_bytes(live: Service) -> None:
    line = json.dumps(event("b1", user={"username": "zoë"}), ensure_ascii=False, separators=(", ", " : ")).encode()
    assert live.post(PATH, event_list([line])).status_code == 200
    stored = b""
    for path in sorted((live.folder / "inbox").glob("inbox-*.db")):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            stored += b"".join(row[0] for row in connection.execute("SELECT lines FROM bodies"))
    assert line + b"\n" in stored


def test_names_in_the_path_are_checked(live: Service) -> None:
    assert live.post("/audit/prod/" + "x" * 64, b"{}").status_code == 404
    assert live.post("/audit/pr%0Aod/x", b"{}").status_code == 404
    assert live.post("/audit/prod", b"{}").status_code == 404


def test_pretty_printed_items_become_lines(live: Service) -> None:
    before = account(live)
    body = json.dumps({"items": events("n1", "n2")}, indent=2)
    assert live.post(PATH, body).status_code == 200
    live.wait_until_evaluated()
    after = account(live)
    assert after["evaluated"] - before["evaluated"] >= 2
    assert not after["waiting"]
