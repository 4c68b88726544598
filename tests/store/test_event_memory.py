"""What a process remembers of kept events changes nothing but what it costs."""

from __future__ import annotations

import json

from msgspec.structs import replace

from podhawk.detect.increment.evidence import SEARCHES, KeptEvent
from podhawk.events.event import AuditEvent
from podhawk.events.line_reader import LineReader
from podhawk.events.options import InputReport, ReadOptions
from podhawk.store.event_memory import EventMemory
from support.findings import event


def made(name: str) -> AuditEvent:
    (one,) = LineReader("", ReadOptions(), InputReport()).read_part(json.dumps(event(name)).encode(), 0)
    return one


def test_what_the_last_increment_did_not_ask_for_goes_when_there_is_no_room() -> None:
    memory = EventMemory(most_bytes=20)
    one, other, third = made("a"), made("b"), made("c")
    memory.begin()
    memory.add("a", one, 10)
    memory.add("b", other, 10)
    memory.add("c", third, 10)
    assert memory.event("c") is None  # there was no room
    memory.begin()
    assert memory.event("a") is one
    memory.begin()
    assert memory.event("b") is None
    assert memory.size == 10
    memory.add("c", third, 10)
    assert memory.event("c") is third


def test_notes_are_of_one_event() -> None:
    memory = EventMemory()
    one = made("a")
    memory.begin()
    memory.add("a", one, 10)
    notes = memory.notes_of(one)
    assert notes is not None
    notes["x"] = 1
    assert memory.notes_of(one) == {"x": 1}
    assert memory.notes_of(made("a")) is None


def test_a_new_event_is_remembered_with_what_wants_it_unless_it_holds_secrets() -> None:
    memory = EventMemory()
    memory.begin()
    one, other = made("a"), made("b")
    memory.keep("a", KeptEvent(one, "request", wanted=frozenset({3, 1})), 10)
    memory.keep("b", KeptEvent(other, "request"), 10)  # no aggregate plan looks at it again
    memory.keep("c", KeptEvent(replace(made("c"), unmasked=other), "request", wanted=frozenset({1})), 10)
    assert memory.notes_of(one) == {(SEARCHES, True): [1, 3]}
    assert (memory.event("b"), memory.event("c"), memory.size) == (None, None, 10)
