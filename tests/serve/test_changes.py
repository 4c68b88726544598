"""The changes of findings: as pages, and as a stream that goes on where a client left it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from podhawk.serve import changes as table
from podhawk.serve.changes import LoggedChange, changes_after
from podhawk.store.database import open_engine, transaction
from support.findings import event
from support.processes import wait_for
from support.service import Service, event_list, service

pytestmark = [pytest.mark.needs("serve")]
ANONYMOUS = {"username": "system:anonymous", "groups": ["system:unauthenticated"]}


def secrets_listed(name: str, at: str) -> dict[str, Any]:
    about = {"resource": "secrets", "namespace": "kube-system"}
    return event(name, at=at, verb="list", user=ANONYMOUS, objectRef=about)


def test_rows_are_numbered_for_ever_and_the_oldest_go(tmp_path: Path) -> None:
    state = str(tmp_path)
    table.make_tables(state)
    assert changes_after(state, None, ("*",), 10) == table.Changes([], 0)
    with transaction(open_engine(state)) as connection:
        table.put(connection, [LoggedChange("new", str(one), 1.0, "ab"[one % 2]) for one in range(4)])
        connection.execute(table.CHANGES.delete().where(table.CHANGES.c.number <= 2))
    found = changes_after(state, 1, ("*",), 10)
    assert ([one.id for one in found.changes], found.last, found.missed) == ([3, 4], 4, True)
    assert not changes_after(state, 2, ("*",), 10).missed
    assert [one.id for one in changes_after(state, 2, ("a",), 10).changes] == [3]
    assert changes_after(state, 3, ("a",), 10) == table.Changes([], 4)
    page = changes_after(state, 2, ("*",), 1)
    assert ([one.id for one in page.changes], page.last) == ([3], 3)
    assert changes_after(state, 99, ("*",), 10).missed  # the state is another one
    with transaction(open_engine(state)) as connection:
        connection.execute(table.CHANGES.delete())
        table.put(connection, [LoggedChange("new", "x", 1.0, "a")])
    assert changes_after(state, 4, ("*",), 10).last == 5


def events_of(lines: Iterator[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line:
            found[name] = value
        elif "data" in found:
            yield found["id"], found["event"], json.loads(found["data"])
            found = {}


def stream(live: Service, **headers: str) -> Any:
    return httpx.stream(
        "GET",
        f"{live.url}/api/v1/changes",
        headers={**live.headers, "Accept": "text/event-stream", **headers},
        timeout=httpx.Timeout(30, read=30),
    )


@pytest.mark.slow
def test_a_stream_goes_on_where_the_client_left_it(tmp_path: Path) -> None:
    with service(tmp_path / "live") as live:
        wait_for(lambda: live.get("/readyz").json()["evaluator"] == "ready", 30, live.log)
        with stream(live) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            told = events_of(answer.iter_lines())
            assert next(told)[1] == "begin"
            assert (
                live.post("/audit/prod/cp-1", event_list([secrets_listed("a", "10:00:00.000001")])).status_code == 200
            )
            number, kind, change = next(told)
            assert (kind, change["cluster"], change["visible"]) == ("new", "prod", True)
        first = [one for one in live.findings() if one["finding_id"] == change["finding_id"]]
        assert len(first) == 1
        assert live.post("/audit/prod/cp-1", event_list([secrets_listed("b", "11:00:00.000001")])).status_code == 200
        live.wait_until_evaluated()
        path = f"/api/v1/findings/{change['finding_id']}"
        assert httpx.patch(live.url + path, json={"status": "closed"}, headers=live.headers).status_code == 200
        page = live.get("/api/v1/changes", after=number).json()
        with stream(live, **{"Last-Event-ID": number}) as answer:
            told = events_of(answer.iter_lines())
            again = [next(told) for _ in page["changes"]]
        assert [int(one[0]) for one in again] == [one["id"] for one in page["changes"]]
        assert {"new", "triage"} <= {one[1] for one in again}
        assert page["last"] == page["changes"][-1]["id"]


@pytest.mark.slow
def test_scopes_and_clusters_bound_what_a_stream_shows(tmp_path: Path) -> None:
    with service(tmp_path / "live") as live:
        dev = live.new_token("dev", ("dev",), scopes=("stream",))
        sender = live.new_token("sender", ("dev",), scopes=("send",))
        for cluster in ("dev", "prod"):
            body = event_list([secrets_listed(cluster, "10:00:00.000001")])
            assert live.post(f"/audit/{cluster}/cp-1", body).status_code == 200
        live.wait_until_evaluated()

        def asked(token: str, path: str = "/api/v1/changes", **headers: str) -> httpx.Response:
            given = {"Authorization": f"Bearer {token}", **headers}
            return httpx.get(live.url + path, params={"after": 0}, headers=given, timeout=30)

        wait_for(lambda: asked(dev).status_code == 200, 10, live.log)
        assert {one["change"]["cluster"] for one in asked(dev).json()["changes"]} == {"dev"}
        assert asked(dev, "/api/v1/findings").status_code == 403
        assert asked(sender).status_code == 403
        assert asked("wrong").status_code == 401
        wrong = {"Accept": "text/event-stream", "Last-Event-ID": "x"}
        assert asked(live.token, **wrong).status_code == 400
