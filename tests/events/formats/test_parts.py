"""Lines that a runtime or a log driver cut, put together again: each row is a way in which parts are marked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from events.conftest import Read
from support.samples import line

Marks = Callable[[str, int, list[str]], dict[str, Any]]
"""A record for a part: given the part, its number and all parts."""


def fluentd(part: str, number: int, parts: list[str]) -> dict[str, Any]:
    marks = {"partial_message": "true", "partial_id": parts[0][:20], "partial_ordinal": str(number + 1)}
    marks["partial_last"] = "true" if number == len(parts) - 1 else "false"
    return {"log": part, "container_id": "c1", "source": "stdout", **(marks if len(parts) > 1 else {})}


def fluentd_of_today(part: str, number: int, parts: list[str]) -> dict[str, Any]:
    """With booleans, and the text in `message`."""
    marks = {"partial_message": True, "partial_id": parts[0][:20], "partial_ordinal": number + 1}
    return {"message": part, "container_id": "c1", **marks, "partial_last": number == len(parts) - 1}


def journal(part: str, number: int, parts: list[str]) -> dict[str, Any]:
    marks = {"CONTAINER_PARTIAL_MESSAGE": "true"} if number < len(parts) - 1 else {}
    return {"MESSAGE": part, "CONTAINER_ID": "c1", "PRIORITY": "6", "__CURSOR": "s=1", **marks}


def journal_with_ordinals(part: str, number: int, parts: list[str]) -> dict[str, Any]:
    found = journal(part, number, parts)
    last = "true" if number == len(parts) - 1 else "false"
    return {**found, "CONTAINER_PARTIAL_ORDINAL": str(number + 1), "CONTAINER_PARTIAL_LAST": last}


def docker(part: str, number: int, parts: list[str]) -> dict[str, Any]:
    end = "\n" if number == len(parts) - 1 else ""
    return {"log": part + end, "stream": "stdout", "time": "2026-11-01T10:00:00.5Z", "attrs": {"tag": "c1"}}


ALL = pytest.mark.parametrize("marks", [fluentd, fluentd_of_today, journal, journal_with_ordinals, docker])


def parts_of(id_: str) -> list[str]:
    whole = line(id_, note="x y " * 10_000).rstrip("\n")
    found = [whole[start : start + 16384] for start in range(0, len(whole), 16384)]
    assert any(part.endswith(" ") for part in found), "no part ends with a blank, so that none can be lost"
    return found


def records(marks: Marks, id_: str, container: str = "c1") -> Iterator[str]:
    parts = parts_of(id_)
    for number, part in enumerate(parts):
        yield json.dumps(marks(part, number, parts)).replace('"c1"', f'"{container}"') + "\n"


def ids(found: list[Any]) -> list[tuple[str, bool]]:
    return [(one.view.data["auditID"], one.truncated) for one in found]


@ALL
def test_parts_are_put_together_whole(read: Read, marks: Marks) -> None:
    events, report = read("".join([*records(marks, "one"), *records(marks, "two")]))
    assert ids(events) == [("one", False), ("two", False)]
    assert events[0].view.data["note"] == "x y " * 10_000
    assert not report.rejected


@ALL
def test_parts_of_two_containers_were_put_together_as_one(read: Read, marks: Marks) -> None:
    pairs = zip(records(marks, "one"), records(marks, "two", "c2"), strict=True)
    events, report = read("".join(one + other for one, other in pairs))
    assert sorted(ids(events)) == [("one", False), ("two", False)]
    assert not report.rejected


@ALL
def test_an_event_whose_last_part_is_lost_takes_no_other_with_it(read: Read, marks: Marks) -> None:
    (first, *_), second = list(records(marks, "one")), list(records(marks, "two"))
    events, _ = read("".join([first, *second]))
    assert ids(events) == [("one", True), ("two", False)]


@ALL
def test_a_part_without_its_first_one_is_told(read: Read, marks: Marks) -> None:
    _, *rest = records(marks, "one")
    events, report = read("".join([*rest, *records(marks, "two")]))
    assert ids(events)[-1] == ("two", False)
    assert report.rejected


def test_blanks_at_the_end_of_a_part_of_cri_were_lost(read: Read) -> None:
    parts = parts_of("one")
    events, report = read(
        "".join(f"2026-11-01T10:00:00.5Z stdout {'F' if part is parts[-1] else 'P'} {part}\n" for part in parts)
    )
    assert ids(events) == [("one", False)]
    assert events[0].view.data["note"] == "x y " * 10_000
    assert not report.rejected
