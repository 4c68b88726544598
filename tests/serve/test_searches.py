"""Searches over the lake by the interface: bounded, cancellable, and within the clusters of a token."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from podhawk import api
from podhawk.engine.run.source import TimeRange
from podhawk.serve.searches.overview import overview_of
from podhawk.serve.searches.pool import WATCHED_SECONDS, SearchPool
from podhawk.settings.resolve import resolve
from support.findings import event
from support.processes import wait_for
from support.service import Service, event_list, service

pytestmark = [pytest.mark.needs("serve")]
PATH = "/api/v1/searches"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("searches") / "live") as made:
        for cluster, count in (("prod", 5), ("dev", 3)):
            events = [event(f"{cluster}-{number}", at=f"10:0{number}:00.0") for number in range(count)]
            assert made.post(f"/audit/{cluster}/cp-1", event_list(events)).status_code == 200
        made.wait_until_evaluated()
        yield made


def begin(live: Service, token: str = "", **question: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or live.token}"}
    given = {"earliest": "2026-11-25T00:00:00Z", **question}
    return httpx.post(live.url + PATH, json=given, headers=headers, timeout=30)


def ended(live: Service, token: str = "", **question: Any) -> dict[str, Any]:
    began = begin(live, token, **question)
    assert began.status_code == 202, began.text
    headers = {"Authorization": f"Bearer {token or live.token}"}
    for _ in range(4):
        url = f"{live.url}{PATH}/{began.json()['search_id']}"
        shown = httpx.get(url, params={"wait": 30}, headers=headers, timeout=60)
        found: dict[str, Any] = shown.json()
        if found["ended"] is not None:
            return found
    raise AssertionError(found)


@pytest.mark.slow
def test_a_search_over_what_the_service_keeps(live: Service) -> None:
    found = ended(live, text="verb=create | stats count by user.username")
    assert (found["status"], found["columns"], found["error"]) == ("done", ["user.username", "count"], "")
    assert found["rows"] == [{"user.username": "alice", "count": "8"}]
    assert not found["truncated"]


@pytest.mark.slow
def test_no_more_rows_than_are_wanted(live: Service) -> None:
    found = ended(live, text="* | table auditID", limit=3)
    assert (len(found["rows"]), found["truncated"]) == (3, True)


@pytest.mark.slow
def test_a_token_sees_the_events_of_its_clusters_only(live: Service) -> None:
    token = live.new_token("dev", ("dev",), scopes=("search",))
    other = live.new_token("reader", scopes=("read",))
    wait_for(lambda: begin(live, other, text="*").status_code != 401, 10, "the tokens to be read")
    assert ended(live, token, text="* | stats count")["rows"] == [{"count": "3"}]
    assert begin(live, other, text="*").status_code == 403
    mine = begin(live, text="*").json()["search_id"]
    assert httpx.get(f"{live.url}{PATH}/{mine}", headers={"Authorization": f"Bearer {token}"}).status_code == 404
    assert live.get(f"{PATH}/{mine}", wait=30).json()["status"] == "done"


@pytest.mark.parametrize(
    ("clusters", "sees"), [(("prod",), False), (("prod", "dev", "x"), True), (("*",), True), ((), False)]
)
def test_an_answer_could_be_read_after_the_token_lost_a_cluster(
    tmp_path: Path, clusters: tuple[str, ...], sees: bool
) -> None:
    async def asked() -> None:
        pool = SearchPool(resolve("serve", {"state": str(tmp_path)}, {}, tmp_path))
        hunt = pool.begin("search", "*", (None, None), 10, 60, "me", ("prod", "dev"))
        await pool.stop()
        assert (pool.find(hunt.search_id, "me", clusters) is hunt) == sees
        assert pool.find(hunt.search_id, "you", ("*",)) is None

    asyncio.run(asked())


@pytest.mark.slow
def test_what_an_entity_did(live: Service) -> None:
    found = ended(live, kind="entity", text="alice")
    assert found["status"] == "done", found
    assert any(row.get("value") == "203.0.113.9" or "alice" in str(row) for row in found["rows"])


@pytest.mark.slow
def test_what_each_detection_could_tell(live: Service) -> None:
    found = ended(live, kind="judgements")
    words = {row["detection"]: row["judgement"] for row in found["rows"]}
    assert len(words) > 50
    assert set(words.values()) & {"silent", "fired"}
    assert not any(row["judgement"] == "silent" and row["undecided"] for row in found["rows"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"text": "* | stast count"}, "unknown command 'stast'"),
        ({"text": "*", "earliest": "yesterday-ish"}, "yesterday-ish"),
        ({"text": "*", "earliest": "2030-01-01T00:00:00Z"}, "no event"),
    ],
)
def test_what_cannot_be_answered_is_told(live: Service, question: dict[str, Any], told: str) -> None:
    found = ended(live, **question)
    assert found["status"] == "failed"
    assert told in found["error"] + found["remedy"]


@pytest.mark.slow
def test_a_search_can_be_cancelled_and_only_two_run(live: Service) -> None:
    first, second = (begin(live, text="*").json()["search_id"] for _ in range(2))
    third = begin(live, text="*")
    assert (third.status_code, third.headers["Retry-After"]) == (429, "5")
    for one in (first, second):
        done = httpx.delete(f"{live.url}{PATH}/{one}", headers=live.headers).json()
        assert done["status"] == "cancelled"
        assert live.get(f"{PATH}/{one}", wait=10).json()["ended"] is not None
    assert ended(live, text="* | stats count")["rows"] == [{"count": "8"}]


@pytest.mark.slow
def test_a_search_ends_after_its_time(live: Service) -> None:
    expensive = "* " + "| append [search * | eval n=mvrange(0, 50000) | mvexpand n | stats count] " * 50
    found = ended(live, text=expensive, seconds=1)
    assert (found["status"], found["rows"]) == ("timeout", []), found["error"]


@pytest.mark.slow
def test_exceptions_are_proposed(live: Service) -> None:
    name = "Kubernetes Pod Created in Default Namespace"
    names = {row["detection"] for row in ended(live, kind="judgements")["rows"] if row["count"]}
    fired = sorted(names)[0] if names else name
    proposed = ended(live, kind="tune", text=fired)
    assert proposed["status"] == "done", proposed
    assert all(row["hidden"] <= row["visible"] and row["when"] for row in proposed["rows"])
    assert "no detection" in ended(live, kind="tune", text="nosuch thing at all")["error"]


def test_what_is_shown_beside_the_rows_of_a_search(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    events = [event(f"a-{number}", at=f"10:{number:02}:00.0") for number in range(30)]
    log.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in events))
    found = overview_of(api.search("*", log), TimeRange())
    assert (found.rows, found.groups, found.looked) == (30, False, 30)
    assert sum(count for _, _, count in found.timeline) == 30
    fields = {one.name: one for one in found.fields}
    assert (fields["user.username"].events, fields["user.username"].top[0]) == (30, ("alice", 30))
    assert "_raw" not in fields
    grouped = overview_of(api.search("* | stats count by user.username", log), TimeRange())
    assert (grouped.rows, grouped.groups, grouped.timeline) == (1, True, [])
    timeless = overview_of(api.search("* | fields - _time | table verb", log), TimeRange())
    assert (timeless.rows, timeless.timeline) == (30, [])


def test_a_search_that_no_page_shows_any_more_kept_others_waiting(tmp_path: Path) -> None:
    async def asked() -> None:
        pool = SearchPool(resolve("serve", {"state": str(tmp_path)}, {}, tmp_path))
        given = ("search", "*", (None, None), 10, 60, "me", ("*",))
        left, shown = (pool.begin(*given, key=key) for key in ("a", "b"))
        left.watched -= 2 * WATCHED_SECONDS
        assert pool.same("b", "me", ("*",)) is shown
        await pool.make_room()
        assert (left.status, shown.status) == ("cancelled", "running")
        assert pool.same("a", "me", ("*",)) is None
        await pool.stop()

    asyncio.run(asked())
