"""Findings in order of time, what surrounds them, and groups."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from podhawk import api
from podhawk.detect.activity.digests import nearby_digest
from podhawk.detect.activity.grouping import Grouping, group_of_each
from podhawk.detect.activity.nearby import NearbyDigest, span_at
from podhawk.detect.activity.timeline import MOST_SHOWN, TimelineEntry, timeline_of
from podhawk.events.collected import CollectedLine, EventDecoder
from podhawk.events.inputs import Inputs
from podhawk.events.options import ReadOptions
from support.findings import NOW, detection, event, run, write

DELETES = detection("verb=delete objectRef.resource=pods")


def entries(
    tmp_path: Path, *events: dict[str, Any], grouping: Grouping = "none", around: float = 300
) -> list[TimelineEntry]:
    log = write(tmp_path / "audit.log", *events)
    found = run(log, DELETES).found.findings
    session = api.session_of({"now": NOW, "jobs": 1})
    with Inputs([str(log)], keep=True) as inputs:
        nearby = nearby_digest(found, around, api.content_of({}), inputs, session)
    return timeline_of(found, nearby, grouping)


def texts(found: list[TimelineEntry]) -> list[str]:
    return [("finding" if one.finding is not None else one.text) for one in found]


def test_requests_of_the_actor_stand_around_its_finding(tmp_path: Path) -> None:
    found = entries(
        tmp_path,
        event("early", at="09:00:00.000001", verb="list"),
        event("a", at="09:58:00.000001", verb="list"),
        event("b", at="09:59:00.000001", verb="list"),
        event("c", at="10:00:00.000001", verb="delete"),
        event("d", at="10:01:00.000001", verb="create"),
        event("other", at="10:01:00.000001", verb="create", user={"username": "bob"}),
        event("late", at="11:00:00.000001", verb="create"),
    )
    assert [(one.text, one.count) for one in found if one.finding is None] == [
        ("list pods -n default: success", 2),
        ("delete pods -n default: success", 1),
        ("create pods -n default: success", 1),
    ]
    assert texts(found)[1] == "finding"


def test_changes_and_refusals_come_before_frequent_reads(tmp_path: Path) -> None:
    reads = [
        event(f"r{number}-{again}", verb="get", objectRef={"resource": f"kind{number:02}"})
        for number in range(20)
        for again in range(3)
    ]
    found = entries(
        tmp_path,
        event("x", verb="delete"),
        event("w", verb="patch"),
        event("f", verb="list", responseStatus={"code": 403}),
        *reads,
    )
    shown = [one.text for one in found if one.finding is None]
    assert len(shown) == MOST_SHOWN + 1
    assert {"patch pods -n default: success", "list pods -n default: denied"} <= set(shown)
    assert "other requests of 15 kinds" in shown


@pytest.mark.parametrize(
    ("grouping", "groups"),
    [
        ("none", [""]),
        ("actor", ["bob", "alice"]),
        ("namespace", ["team-b", "default"]),
        ("node", ["(no node)"]),
    ],
)
def test_groups_come_in_the_order_of_their_first_finding(tmp_path: Path, grouping: Grouping, groups: list[str]) -> None:
    found = entries(
        tmp_path,
        event("a", at="10:02:00.000001", verb="delete"),
        event(
            "b",
            at="10:01:00.000001",
            verb="delete",
            user={"username": "bob"},
            objectRef={"resource": "pods", "namespace": "team-b", "name": "x"},
        ),
        grouping=grouping,
    )
    assert list(dict.fromkeys(one.group for one in found)) == groups


def test_spans_that_touch_are_one() -> None:
    spans = {"alice": [(0.0, 10.0), (20.0, 30.0)]}
    assert [span_at(spans, "alice", time) for time in (0.0, 10.0, 15.0, 25.0, 31.0, None)] == [
        0,
        0,
        None,
        1,
        None,
        None,
    ]
    assert span_at(spans, "bob", 5.0) is None


def test_a_few_members_tell_what_the_whole_event_tells() -> None:
    chance = random.Random(7)
    lines = []
    for number in range(400):
        made = event(
            f"{number}",
            verb=chance.choice(["get", "create", "delete", "GET", ""]),
            user={"username": chance.choice(["alice", "bob", 7])},
            stage=chance.choice(["ResponseComplete", "Panic", "RequestReceived"]),
            requestURI=chance.choice(["/api/v1/pods", "/api/v1/pods?dryRun=All", "/healthz?x=1", None]),
            objectRef=chance.choice([{"resource": "pods", "namespace": "a"}, {"resource": 1}, {}, {"resource": ""}]),
            responseStatus=chance.choice([{"code": 200}, {"code": 403}, {"code": 500}, {}, {"code": "201"}]),
            impersonatedUser=chance.choice([{"username": "root"}, {}]),
            requestReceivedTimestamp=chance.choice(["2026-11-25T10:00:00.000001Z", "odd"]),
        )
        if chance.random() < 0.3:
            made.pop(
                chance.choice(["user", "objectRef", "responseStatus", "requestURI", "impersonatedUser", "stage"]), None
            )
        lines.append(CollectedLine("a.log", number + 1, json.dumps(made).encode()))
    spans = {"alice": [(0.0, 2e9)], "bob": [(0.0, 2e9)], "7": [(0.0, 2e9)]}
    decoder = EventDecoder(ReadOptions())
    short, whole = NearbyDigest(spans, decoder), NearbyDigest(spans, decoder)
    for line in lines:
        short.take(line)
        whole.take(decoder.event(line))

    def counts(digest: NearbyDigest) -> dict[str, dict[str, int]]:
        return {
            user: {text: one.count for text, one in found.values.items()} for (user, _), found in digest.actions.items()
        }

    assert counts(short) == counts(whole)
    assert len(counts(whole)["alice"]) > 10


def test_findings_are_grouped_by_their_most_urgent_incident(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", event("a", verb="delete"), event("b", verb="delete", user={"username": "bob"}))
    first, second = run(log, DELETES).found.findings
    small = replace(first, finding_id="i1", kind="incident", title="small", priority=10, findings=(first.finding_id,))
    great = replace(small, finding_id="i2", title="great", priority=90)
    group_of = group_of_each([first, second, great, small], "incident")
    assert [group_of(one) for one in (first, second, great, small)] == ["great", "(no incident)", "great", "small"]
    assert group_of_each([first], "detection")(first) == first.detection.name
