"""The fields of a log: what is counted, and what bounds it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from podhawk import api
from podhawk.detect.activity import fields
from podhawk.detect.activity.digests import field_digest
from podhawk.detect.activity.fields import FieldDigest, FieldOverview
from podhawk.detect.activity.value_counts import LONGEST, ValueCounts
from podhawk.events.collected import CollectedLine, EventDecoder
from podhawk.events.event import AuditEvent
from podhawk.events.inputs import Inputs
from podhawk.events.options import ReadOptions
from podhawk.events.redaction.mask import Redaction
from support.findings import event, write

READING = ReadOptions(redaction=Redaction())


def lines(*events: dict[str, Any]) -> list[CollectedLine]:
    return [CollectedLine("audit.log", number, json.dumps(one).encode()) for number, one in enumerate(events, 1)]


def digest_of(collected: list[Any], most: int = fields.MOST_FIELDS) -> FieldDigest:
    made = FieldDigest(EventDecoder(READING), most)
    for one in collected:
        made.take(one)
    return made


def by_name(digest: FieldDigest) -> dict[str, FieldOverview]:
    return {one.name: one for one in digest.summary(5)}


EVENTS = [
    event("11111111-2222-3333-4444-555555555555"),
    event("b", verb="get", sourceIPs=["10.0.0.7", "10.0.0.8"], userAgent=""),
    event("c", user={"username": "bob"}, requestObject={"spec": {"replicas": 2, "paused": True, "x": None}}),
    event("d", objectRef=None, responseStatus={"code": 403}, impersonatedUser={"username": "eve"}),
    event("e", requestURI='/api/v1/pods?fieldSelector=spec.nodeName="a\\b"'),
]


def test_fields_are_counted_by_event_and_values_by_occurrence() -> None:
    found = by_name(digest_of(lines(*EVENTS)))
    addresses = found["sourceIPs{}"]
    assert (addresses.events, addresses.share, addresses.top) == (5, 1.0, (("10.0.0.7", 5), ("10.0.0.8", 1)))
    assert found["objectRef.resource"].events == 4
    assert found["impersonatedUser.username"].top == (("eve", 1),)
    assert found["requestReceivedTimestamp"].kinds == (("time", 5),)
    assert found["responseStatus.code"].kinds == (("number", 5),)
    body = {name: one.kinds for name, one in found.items() if name.startswith("requestObject")}
    assert body == {
        "requestObject.spec.replicas": (("number", 1),),
        "requestObject.spec.paused": (("boolean", 1),),
        "requestObject.spec.x": (("null", 1),),
    }


def test_counting_texts_of_members_gives_what_whole_events_give() -> None:
    decoder = EventDecoder(READING)
    whole: list[AuditEvent] = [decoder.event(one) for one in lines(*EVENTS)]
    assert digest_of(whole).summary(5) == digest_of(lines(*EVENTS)).summary(5)


def test_the_order_and_the_parts_of_a_log_change_nothing() -> None:
    chance = random.Random(5)
    events = [
        event(str(number), annotations={f"key-{chance.randrange(60)}": str(number)}, userAgent=f"a{number % 7}")
        for number in range(400)
    ]
    expected = digest_of(lines(*events), 30)
    assert len(expected.summary(9)) == 30
    assert not expected.complete
    for _ in range(5):
        chance.shuffle(events)
        cut = chance.randrange(len(events))
        first, second = digest_of(lines(*events[:cut]), 30), digest_of(lines(*events[cut:]), 30)
        first.merge(second)
        assert first.summary(9) == expected.summary(9)
        assert first.complete is False


def test_counts_keep_a_fixed_number_of_values_with_exact_counts() -> None:
    values = [str(number) for number in range(100)] * 3
    chance = random.Random(3)
    kept = []
    for _ in range(3):
        chance.shuffle(values)
        counts = ValueCounts(10)
        for one in values:
            counts.add(one)
        kept.append(sorted((value, found.count) for value, found in counts.values.items()))
        assert not counts.complete
    assert kept[0] == kept[1] == kept[2]
    assert [count for _, count in kept[0]] == [3] * 10


def test_long_values_are_cut_and_told_apart() -> None:
    counts = ValueCounts()
    counts.add("x" * 5000 + "1")
    counts.add("x" * 5000 + "2")
    assert [len(one) <= LONGEST for one in counts.values] == [True, True]


@pytest.mark.parametrize("jobs", [1, 2])
def test_secrets_are_masked(tmp_path: Path, jobs: int) -> None:
    token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJhYmNkZWZnaGlqa2xtbm8ifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    log = write(
        tmp_path / "audit.log",
        event("a", requestURI=f"/api/v1/pods?access={token}", userAgent=f"agent {token}"),
        event(
            "b",
            requestObject={"kind": "Secret", "data": {"k": "aHVudGVyMg=="}},
            objectRef={"resource": "secrets", "namespace": "default", "name": "s"},
        ),
    )
    with Inputs([str(log)]) as inputs:
        digest, report = field_digest(inputs, api.session_of({"jobs": jobs}))
    text = str(digest.summary(9))
    assert report.events == 2
    assert token not in text
    assert "aHVudGVyMg" not in text
    assert "access=" in text
