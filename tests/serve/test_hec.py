"""Splunk's HTTP Event Collector, over HTTP: codes, the order of checks, channels, acknowledgement.

Source: https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/9.4/get-data-with-http-event-collector
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.command_line import podhawk
from support.findings import event
from support.service import Service, balanced, service, taken

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
EVENT = "/services/collector/event"
RAW = "/services/collector/raw"
ACK = "/services/collector/ack"
HEALTH = "/services/collector/health"
CHANNEL = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("live")
    made = Service(folder)
    made.new_token("disabled", disabled=True)
    with service(folder, token=made.token) as one:
        yield one


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("strict"), "--hec-strict") as one:
        yield one


@pytest.fixture(scope="module")
def acknowledging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("acknowledging")
    token = Service(folder, token="-").new_token("acknowledging", acknowledge=True)
    with service(folder, token=token) as one:
        yield one


def envelope(name: str, **members: Any) -> str:
    return json.dumps({"event": event(name), **members})


def post(live: Service, path: str, body: str | bytes, **headers: str) -> tuple[int, Any]:
    answer = live.post(path, body, **{"Authorization": f"Splunk {live.token}", **headers})
    return answer.status_code, answer.json()


def account(live: Service) -> dict[str, Any]:
    return next(one for name, one in live.ledger().items() if name.startswith("hec:"))


@pytest.mark.parametrize("path", [EVENT, "/services/collector", f"{EVENT}/1.0"])
def test_events_are_taken_under_each_path(live: Service, path: str) -> None:
    assert post(live, path, envelope(f"path{path}")) == (200, {"text": "Success", "code": 0})


@pytest.mark.parametrize("between", ["", "\n", "\r\n\r\n", " "])
def test_envelopes_may_follow_each_other(live: Service, between: str) -> None:
    post(live, EVENT, envelope("first"))
    before = account(live)
    body = between.join(envelope(f"s{number}{between!r}") for number in range(3))
    assert post(live, EVENT, body)[0] == 200
    after = account(live)
    assert after["received"] - before["received"] == 3
    assert balanced(after)


def test_wrong_credentials_have_splunks_codes(live: Service) -> None:
    body = envelope("x")

    def answer(authorization: str | None, query: str = "") -> tuple[int, int]:
        headers = {} if authorization is None else {"Authorization": authorization}
        found = httpx.post(live.url + EVENT + query, content=body, headers=headers, timeout=30)
        return found.status_code, found.json()["code"]

    assert answer(None) == (401, 2)
    assert answer("Nonsense") == (401, 3)
    assert answer("Splunk wrong") == (403, 4)
    assert answer(None, "?token=wrong") == (403, 4)
    assert answer(None, f"?token={live.token}") == (400, 16)
    basic = base64.b64encode(f"x:{live.token}".encode()).decode()
    assert answer(f"Basic {basic}") == (200, 0)
    assert answer(f"Bearer {live.token}") == (200, 0)


def test_the_token_is_checked_before_the_body(live: Service) -> None:
    assert post(live, EVENT, "", Authorization="Splunk wrong")[1]["code"] == 4
    assert post(live, EVENT, "") == (400, {"text": "No data", "code": 5})
    assert post(live, RAW, "")[1]["code"] == 5


def test_without_strict_the_other_events_are_taken(live: Service) -> None:
    post(live, EVENT, envelope("first"))
    before = account(live)
    body = (
        envelope("ok1") + '{"time": 1}' + '{"event": ""}' + '{"event": {"a": 1}, "fields": {"b": {}}}' + envelope("ok2")
    )
    assert post(live, EVENT, body) == (200, {"text": "Success", "code": 0})
    after = account(live)
    assert after["dead_lettered"] - before["dead_lettered"] == 3
    assert after["received"] - before["received"] == 5
    assert balanced(after)


def test_a_body_in_which_nothing_can_be_read_has_a_code(live: Service) -> None:
    assert post(live, EVENT, "nonsense")[1]["code"] == 6
    assert post(live, EVENT, '{"time": 1}') == (
        400,
        {"text": "Event field is required", "code": 12, "invalid-event-number": 0},
    )


@pytest.mark.parametrize(
    ("bad", "code"),
    [('{"time":1}', 12), ('{"event":""}', 13), ('{"event":{"a":1},"fields":{"b":{}}}', 15), ("nonsense", 6)],
)
def test_strict_refuses_the_batch_and_stores_nothing_of_it(strict: Service, bad: str, code: int) -> None:
    post(strict, EVENT, envelope("first"))
    before = account(strict)
    status, told = post(strict, EVENT, envelope(f"good{code}") + bad + envelope(f"more{code}"))
    assert (status, told["code"], told["invalid-event-number"]) == (400, code, 1)
    assert taken(account(strict)) == taken(before)


def test_raw_takes_lines_and_what_the_query_says_of_them(live: Service) -> None:
    post(live, EVENT, envelope("first"))
    before = account(live)
    lines = "\n".join(json.dumps(event(f"raw{number}")) for number in range(3))
    assert post(live, RAW, lines)[0] == 200
    assert post(live, f"{RAW}/1.0?source=audit&sourcetype=kube:audit&host=cp-1", lines.replace("raw", "more"))[0] == 200
    assert post(live, EVENT, gzip.compress(envelope("gz").encode()), **{"Content-Encoding": "gzip"})[0] == 200
    after = account(live)
    assert after["received"] - before["received"] == 7
    assert not after["dead_lettered"] - before["dead_lettered"]
    live.wait_until_evaluated()
    assert balanced(account(live))


def test_channels_and_acknowledgement(acknowledging: Service, live: Service) -> None:
    channel = {"X-Splunk-Request-Channel": CHANNEL}
    assert post(acknowledging, EVENT, envelope("a"))[1]["code"] == 10
    assert post(acknowledging, EVENT, "")[1]["code"] == 10
    assert post(acknowledging, EVENT, envelope("a"), **{"X-Splunk-Request-Channel": "none"})[1]["code"] == 11
    first, second = (post(acknowledging, EVENT, envelope(name), **channel)[1]["ackId"] for name in ("a", "b"))
    assert post(acknowledging, f"{EVENT}?channel={CHANNEL}", envelope("c"))[1]["ackId"] == second + 1
    asked = json.dumps({"acks": [first, second, 99]})
    told = {"acks": {str(first): True, str(second): True, "99": False}}
    assert post(acknowledging, ACK, asked, **channel) == (200, told)
    other = {"X-Splunk-Request-Channel": CHANNEL.replace("1", "9")}
    assert post(acknowledging, ACK, asked, **other)[1] == {"acks": {str(first): False, str(second): False, "99": False}}
    assert post(acknowledging, ACK, "nonsense", **channel)[1]["code"] == 6
    assert post(live, ACK, asked, **channel) == (400, {"text": "ACK is disabled", "code": 14})


def test_health_needs_no_token(live: Service) -> None:
    assert httpx.get(live.url + HEALTH).json() == {"text": "HEC is healthy", "code": 17}
    assert httpx.get(f"{live.url}{HEALTH}/1.0").status_code == 200
    wrong = httpx.get(live.url + HEALTH, headers={"Authorization": "Splunk wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, 21)


def test_replay_sends_to_it(live: Service, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text("".join(json.dumps(event(f"replayed{number}")) + "\n" for number in range(700)), encoding="utf-8")
    for path in (EVENT, RAW, "/audit/prod/replay"):
        sent = podhawk("replay", log, "--to", live.url + path, env={"PODHAWK_TOKEN": live.token})
        assert sent.returncode == 0, sent.stderr
    assert live.ledger()["webhook:prod/replay"]["received"] == 700
