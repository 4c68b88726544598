"""Equal parts of events as one object: the events stay as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest

from podhawk.events.collected import CollectedLine, EventDecoder
from podhawk.events.decode import JsonNumber
from podhawk.events.equal_parts import MOST_PARTS, EqualParts
from podhawk.events.event import WORTH_COMPRESSING, AuditEvent
from podhawk.events.options import ReadOptions
from support.findings import event


def read(**members: Any) -> AuditEvent:
    line = json.dumps(event("a", **members), ensure_ascii=False).encode()
    return EventDecoder(ReadOptions()).event(CollectedLine("audit.log", 1, line))


BODY: dict[str, Any] = {
    "spec": {"containers": [{"name": "web", "image": "nginx", "ports": [80, "80", 8.5, True, None]}]},
    "metadata": {"labels": {}, "names": []},
}


def test_equal_parts_are_one_object_and_events_stay_equal() -> None:
    parts = EqualParts(0)
    shared = [read(requestObject=BODY, auditID=name) for name in "ab"]
    for one in shared:
        parts.share(one)
    assert shared == [read(requestObject=BODY, auditID=name) for name in "ab"]
    first, second = (one.view.data["requestObject"] for one in shared)
    assert first["spec"] is second["spec"]


def test_a_number_and_the_text_of_it_stay_apart() -> None:
    parts = EqualParts(0)
    one = read(requestObject={"a": "1", "b": 1, "c": ["1", 1], "d": [1, "1"], "e": {}, "f": []})
    parts.share(one)
    body = one.view.data["requestObject"]
    assert [type(body[name]) for name in "ab"] == [str, JsonNumber]
    assert [[type(value) for value in body[name]] for name in "cd"] == [[str, JsonNumber], [JsonNumber, str]]
    assert body["e"] == {}
    assert body["f"] == []


def test_the_order_of_members_is_kept() -> None:
    parts = EqualParts(0)
    for order in (("a", "b"), ("b", "a")):
        one = read(requestObject=dict.fromkeys(order, "x"))
        parts.share(one)
        assert tuple(one.view.data["requestObject"]) == order


@pytest.mark.parametrize("filling", ["x", "é", "\U0001f980"])
def test_the_text_of_a_compressed_event_is_the_same(filling: str) -> None:
    one = read(requestObject={"data": filling * WORTH_COMPRESSING})
    before = one.view.raw
    EqualParts(0).share(one)
    assert isinstance(one.view.text, bytes)
    assert one.view.raw == before


def test_small_inputs_do_without() -> None:
    one = read(requestObject={"data": "x" * WORTH_COMPRESSING})
    EqualParts().share(one)
    assert isinstance(one.view.text, str)


def test_parts_that_are_forgotten_do_no_harm() -> None:
    parts = EqualParts(0)
    numbered = [str(number) for number in range(MOST_PARTS)]
    events = [read(requestObject={"data": numbered[start::3], **BODY}) for start in range(3)]
    for one in events:
        parts.share(one)
    for start, one in enumerate(events):
        assert one == read(requestObject={"data": numbered[start::3], **BODY})
