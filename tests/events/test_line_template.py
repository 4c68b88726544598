"""Events made after one another are those that decoding gives."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from podhawk.engine.search.rows import row_of
from podhawk.engine.wire import dump, load
from podhawk.events.collected import CollectedLine, CutLine, EventDecoder, LineCutter
from podhawk.events.event import AuditEvent
from podhawk.events.fields import FlattenRules
from podhawk.events.line_template import IDENTITY
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.read import read_events
from podhawk.rows import OrderKey

TIMES = ["2026-11-25T10:00:01.000001Z", "2026-11-25T10:00:02.5Z", "odd", "2026-11-25T10:00:03+01:00"]


def line(chance: random.Random, number: int) -> str:
    """An event of few kinds, now and then with a name of the identity where it is not the event's own."""
    made: dict[str, object] = {
        "kind": "Event",
        "level": "Metadata",
        "auditID": f"id-{number}",
        "stage": "ResponseComplete",
        "verb": chance.choice(["get", "list"]),
        "user": {"username": chance.choice(["ann", "bob"])},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": chance.choice(TIMES),
        "stageTimestamp": chance.choice(TIMES),
    }
    odd = chance.random()
    if odd < 0.1:
        made["requestObject"] = {"auditID": f"inner-{number}"}
    elif odd < 0.2:
        made.pop(chance.choice(IDENTITY[1:]))
        made["requestObject"] = {"stageTimestamp": TIMES[0], "requestReceivedTimestamp": TIMES[0]}
    elif odd < 0.3:
        made["annotations"] = {"note": json.dumps({"auditID": "x"}, separators=(",", ":"))}
    elif odd < 0.4:
        made["auditID"] = chance.choice(["with space", 'qu"ote', "\u00e9", ""])
    elif odd < 0.5:
        made["responseObject"] = {"deep": [{"auditID": "a", "stageTimestamp": TIMES[1]}]}
    text = json.dumps(made, separators=(",", ":") if chance.random() < 0.8 else (", ", ": "))
    if chance.random() < 0.1:  # the event's own spelled otherwise, another one as the API server would
        text = text.replace('"auditID":"', '"auditID": "', 1)[:-1] + ',"requestObject":{"auditID":"id-1"}}'
    if chance.random() < 0.05:
        text = text[:-1] + ',"auditID":"twice"}'
    return text


def both(
    tmp_path: Path, lines: list[str], templates: int = 4096, *, cut: bool = False
) -> list[tuple[AuditEvent, AuditEvent]]:
    path = tmp_path / "audit.log"
    path.write_text("".join(one + "\n" for one in lines), encoding="utf-8")
    options = ReadOptions(input_format="native", line_templates=templates)
    decoder, cutter = EventDecoder(options), LineCutter()
    read = list(read_events([str(path)], options, InputReport()))
    assert len(read) == len(lines)
    collected = [CollectedLine(str(path), number, text.encode()) for number, text in enumerate(lines, 1)]
    kept = [cutter.cut(one) for one in collected] if cut else collected
    return [(event, decoder.event(one)) for event, one in zip(read, kept, strict=True)]


def test_lines_share_what_they_have_in_common_and_are_the_same_lines() -> None:
    chance, cutter = random.Random("cut"), LineCutter()
    lines = [CollectedLine("a.log", number, line(chance, number).encode()) for number in range(400)]
    kept = [cutter.cut(one) for one in lines]
    cut = [one for one in kept if isinstance(one, CutLine)]
    assert [(one.file, one.line, one.text) for one in kept] == [(one.file, one.line, one.text) for one in lines]
    texts = len({one.rest for one in cut})
    assert len({id(one.rest) for one in cut}) <= 2 * texts < len(cut)  # the first with a text keeps its own
    assert load(dump(kept)) == lines


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("templates", [4096, 2, 0])
def test_events_made_after_others_are_as_they_are_read(templates: int, cut: bool, tmp_path: Path) -> None:
    names = frozenset({*IDENTITY, "_time", "_raw", "user.username", "requestObject.auditID", "source"})
    shared = 0
    for seed in range(5):
        chance = random.Random(f"alike {seed}")
        for event, made in both(tmp_path, [line(chance, number) for number in range(300)], templates, cut=cut):
            assert made == event
            assert list(made.view.data) == list(event.view.data)
            for wanted in (names, frozenset({"verb", "auditID"}), frozenset({"_time"})):
                row, same = (row_of(one, one.view, wanted, OrderKey(), FlattenRules()) for one in (event, made))
                assert list(row.items()) == list(same.items())
            shared += made.template is not None and len(made.template.known) > 1
    assert shared > 100 if templates else not shared


def test_an_identity_that_an_attacker_spells_is_not_taken_for_the_events_own(tmp_path: Path) -> None:
    lines = [
        '{"kind":"Event","auditID": "same","verb":"get","requestReceivedTimestamp":"a","stageTimestamp":"b",'
        f'"requestObject":{{"auditID":"{inner}"}}}}'
        for inner in ("same", "other", "third")
    ]
    for event, made in both(tmp_path, lines):
        assert made == event
        assert made.view.data["auditID"] == "same"


def test_what_events_share_stays_in_the_process(tmp_path: Path) -> None:
    chance = random.Random("stays")
    pairs = both(tmp_path, [line(chance, number) for number in range(50)])
    assert any(made.template is not None for _, made in pairs)
    for event, made in pairs:
        again = load(dump(made))
        assert again == event
        assert again.template is None
