"""Sinks of a service that runs: killed while it sends, told of late logs, with receivers that fail."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from podhawk.serve.sinks.kept import MESSAGES, STUCK
from podhawk.serve.sinks.runner import RunningSink, pause_after
from podhawk.store.database import open_engine, transaction
from support.findings import event
from support.processes import wait_for
from support.service import Service, event_list
from support.sinks import NOW, SECRET, Planner, Receiver, receiver, record, sink

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
ANONYMOUS = {"username": "system:anonymous", "groups": ["system:unauthenticated"]}


def secrets_listed(name: str, ago: float, namespace: str = "kube-system", **members: Any) -> dict[str, Any]:
    at = datetime.fromtimestamp(time.time() - ago, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    about = {"resource": "secrets", "namespace": namespace}
    times = {"requestReceivedTimestamp": at, "stageTimestamp": at}
    return event(name, **{**times, "verb": "list", "user": ANONYMOUS, "objectRef": about, **members})


def live_with(folder: Path, one: Receiver, **settings: Any) -> Service:
    """A service with a webhook as its sink."""
    table = {"kind": "webhook", "url": one.url, "secret": SECRET, "dry_run": False, "digest_after": 0.3, **settings}
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
    folder.mkdir()
    (folder / "podhawk.toml").write_text("\n".join(["[sinks.one]", *lines, ""]))
    made = Service(folder, ("--content", Path(__file__).parents[3] / "src/podhawk/pack"), directory=folder)
    made.start()
    return made


def items(one: Receiver) -> list[tuple[str, str]]:
    return [(body["urgency"], item["key"]) for body in one.json() for item in body["items"]]


def test_nothing_is_lost_when_killed_in_mid_send_and_repeats_have_the_same_key(tmp_path: Path) -> None:
    with receiver() as one:
        live = live_with(tmp_path / "live", one)
        try:
            one.hold.clear()
            for number in range(3):
                body = event_list([secrets_listed(f"e{number}", 1.0, f"ns{number}")])
                assert live.post("/audit/prod/cp-1", body).status_code == 200
            wait_for(lambda: one.bodies, 60, live.log)
            live.wait_until_evaluated()
            live.kill(everything=True)
            cut_off = json.loads(one.bodies[0][1])["key"]
            one.bodies.clear()
            one.hold.set()
            live.start()
            expected = {f"{found['finding_id']}:{found['revision']}" for found in live.findings() if found["visible"]}
            assert len(expected) >= 3
            wait_for(lambda: {key for _, key in items(one)} >= expected, 60, live.log)
            assert cut_off in {body["key"] for body in one.json()}
            wait_for(lambda: live.get("/readyz").json()["sinks"][0]["lag_seconds"] == 0, 30, live.log)
            (about,) = live.get("/api/v1/sinks").json()["sinks"]
            assert (about["waiting"], about["held"], about["unread"], about["dead"]) == (0, 0, 0, 0)
            assert live.metric("podhawk_sink_sent_total") == about["sent"] >= 3
        finally:
            live.stop()


def test_old_logs_wake_nobody_and_a_log_that_was_held_back_does(tmp_path: Path) -> None:
    with receiver() as one:
        live = live_with(tmp_path / "live", one)
        try:
            old = [secrets_listed(f"o{number}", 86400.0 * number, f"ns{number}") for number in range(30, 1, -1)]
            assert live.post("/audit/prod/cp-1", event_list(old)).status_code == 200
            wait_for(lambda: one.bodies, 60, live.log)
            assert live.post("/audit/other/cp-1", event_list([secrets_listed("late", 7200.0)])).status_code == 200
            wait_for(lambda: any(body["urgency"] == "urgent" for body in one.json()), 60, live.log)
        finally:
            live.stop()
        imported, *rest = one.json()
        assert (imported["type"], imported["urgency"], imported["imported"]) == ("podhawk.digest", "low", True)
        assert imported["total"] >= 29
        for body in rest:
            assert (body["type"], {item["record"]["cluster"] for item in body["items"]}) == (
                "podhawk.digest",
                {"other"},
            )


def test_what_a_receiver_refuses_is_a_dead_letter_that_can_be_sent_again(tmp_path: Path) -> None:
    with receiver(status=422) as one:
        live = live_with(tmp_path / "live", one)
        try:
            live.post("/audit/prod/cp-1", event_list([secrets_listed("e", 1.0)]))
            wait_for(lambda: live.metric("podhawk_sink_dead_total"), 60, live.log)
            assert live.get("/readyz").json()["sinks"][0]["ok"] is False
            one.status = 200
            one.bodies.clear()
            assert live.post("/api/v1/sinks/one/retry", b"").json()["messages"] >= 1
            wait_for(lambda: one.bodies, 60, live.log)
            assert live.post("/api/v1/sinks/two/retry", b"").status_code == 404
        finally:
            live.stop()


def test_a_new_sink_only_says_what_it_would_send(tmp_path: Path) -> None:
    with receiver() as one:
        live = live_with(tmp_path / "live", one, dry_run=True)
        try:
            live.post("/audit/prod/cp-1", event_list([secrets_listed("e", 1.0)]))
            wait_for(lambda: live.get("/api/v1/sinks").json()["sinks"][0]["would_send"], 60, live.log)
        finally:
            live.stop()
        assert one.bodies == []
        assert "would send" in live.log


def test_ten_thousand_findings_are_at_most_ten_requests(tmp_path: Path) -> None:
    with receiver() as one:
        settings = sink(url=one.url, rate="10/h")
        planner = Planner(tmp_path, settings)
        planner.put(*(record(f"f{number}", priority=number % 100) for number in range(10_000)))
        planner.plan()
        planner.plan(NOW + 31)
        running = RunningSink(planner.state, settings)
        running.work()
        running.stop()
        assert 2 <= len(one.bodies) <= 10
        assert sum(body["total"] for body in one.json()) == 10_000


def test_a_receiver_that_fails_is_tried_again_later(tmp_path: Path) -> None:
    with receiver(status=503) as one:
        settings = sink(url=one.url)
        planner = Planner(tmp_path, settings)
        planner.put(record("a", now=time.time()))
        running = RunningSink(planner.state, settings)
        running.work()
        running.work()
        assert (len(one.bodies), running.status().failed, running.status().waiting) == (1, 1, 1)
        running.stop()


def test_pauses_double_have_jitter_and_heed_what_a_receiver_asks() -> None:
    assert [pause_after(number, 0.0, 1.0) for number in range(4)] == [2, 4, 8, 16]
    assert pause_after(3, 0.0, 0.0) == 8
    assert pause_after(60, 0.0, 1.0) == 300
    assert pause_after(0, 120.0, 0.5) == 120


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[sinks.a]\nkind = "wehbook"', "Did you mean 'webhook'"),
        ('[sinks.a]\nkind = "webhook"\nurl = "ftp://x"\nsecret = "0123456789abcdef"', "http or https"),
        ('[sinks.a]\nkind = "webhook"\nurl = "http://x"\nsecret = "short"', "too short"),
        ('[sinks.a]\nkind = "webhook"\nurl = "http://x"\nsecret = "0123456789abcdef"\nrate = "9"', "is not a rate"),
        ('[sinks.a]\nkind = "webhook"\nurl = "http://x"\nsecret = "0123456789abcdef"\ntitel = "x"', "titel"),
        ('[sinks.a]\nkind = "webhook"\nurl = "http://x"\nsecret_file = "none"', "secret_file cannot be read"),
        ('[sinks.a]\nkind = "apprise"\nurls = ["nothing"]', "apprise cannot use URL 1"),
        ('[sinks.a]\nkind = "ocsf"', "either url or file"),
        ('[sinks.a]\nkind = "syslog"\nurl = "http://x"', "udp://HOST:PORT"),
        ('[sinks.a]\nkind = "syslog"\nurl = "udp://x"\ntitle = "{{ message.nothing }}"', "template"),
        ('[sinks.A]\nkind = "ocsf"\nfile = "x"', "lower case"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, told: str) -> None:
    from podhawk.errors import UsageError
    from podhawk.serve.sinks.configuration import sinks_of
    from podhawk.settings.resolve import resolve

    (tmp_path / "podhawk.toml").write_text(text)
    with pytest.raises(UsageError) as error:
        sinks_of(resolve("serve", {}, {}, tmp_path))
    assert told in str(error.value)
    assert "podhawk.toml" in str(error.value)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    from podhawk.serve.sinks.configuration import sinks_of
    from podhawk.settings.resolve import resolve

    (tmp_path / "urls").write_text("json://127.0.0.1:9/\n\njson://127.0.0.1:10/\n")
    (tmp_path / "podhawk.toml").write_text('[sinks.a]\nkind = "apprise"\nurls_file = "urls"\n')
    (one,) = sinks_of(resolve("serve", {}, {}, tmp_path))
    assert one.options.urls == ("json://127.0.0.1:9/", "json://127.0.0.1:10/")


def test_one_finding_that_a_receiver_refuses_took_others_of_its_batch_along(tmp_path: Path) -> None:
    with receiver(status=400) as one:
        settings = sink("splunk", url=one.url, token="t")
        planner = Planner(tmp_path, settings)
        planner.put(record("a"), record("b"))
        running = RunningSink(str(tmp_path), settings)
        try:
            assert [len(batch.items) for batch in planner.plan()] == [2]
            running.work()
            told = [[json.loads(line) for line in body.splitlines()] for _, body in one.bodies]
            keys = [[event["event"]["podhawk_key"] for event in some] for some in told]
            assert keys == [["a:1", "b:1"], ["a:1"], ["b:1"]]
            one.status = 200
            assert running.retry() == 2
            running.work()
        finally:
            running.stop()
        assert len(one.bodies) == 5


def test_a_message_that_is_never_taken_held_up_all_others_for_days(tmp_path: Path) -> None:
    with receiver(status=403) as one:
        settings = sink(url=one.url, give_up_after=1e12)
        planner = Planner(tmp_path, settings)
        planner.put(record("a", now=time.time()))
        running = RunningSink(str(tmp_path), settings)
        try:
            for _ in range(STUCK):
                running.work()
                with transaction(open_engine(str(tmp_path))) as connection:
                    connection.execute(MESSAGES.update().values(due=0.0))
            assert [body["key"] for body in one.json()] == ["a:1"] * STUCK
            with transaction(open_engine(str(tmp_path))) as connection:
                connection.execute(MESSAGES.update().values(due=time.time() + 1000))
            planner.put(record("b", now=time.time()))
            one.status = 200
            running.work()
            assert one.json()[-1]["key"] == "b:1"
            with transaction(open_engine(str(tmp_path))) as connection:
                connection.execute(MESSAGES.update().values(due=0.0))
            running.work()
        finally:
            running.stop()
        assert one.json()[-1]["key"] == "a:1"
