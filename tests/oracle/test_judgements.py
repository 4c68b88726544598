"""The table of judgements: every detection over logs of every kind, each word checked against a plain evaluation.

The plain evaluation reads every event and asks one question of each that lost a body: would some body have made the
first clause of the search true? To answer it, it puts in the values that the clause asks for. It knows nothing of
three-valued logic, prefilters or levels. `-s` prints the table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oracle.clause import holds
from oracle.fields import row_of
from oracle.values import many
from podhawk import api
from podhawk.content import Content
from podhawk.content.load import load_content, shipped_pack
from podhawk.engine.search.judgement import Judgement
from podhawk.events.audit_fields import lost_bodies
from podhawk.events.event import METADATA, AuditEvent
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.read import read_events
from podhawk.spl import clause as tree

pytestmark = pytest.mark.slow

CORPUS = {
    "A": "A-metadata.log.gz",
    "C": "C-requestresponse.log.gz",
    "D": "D-background-1.log.gz",
    "F": "F-background-bodies.log.gz",
}
FORMATS = {
    "AKS": "sysdiglabs-aks-audit-log/sample_KubeAuditLog_event.json",
    "GKE": "stackdriver-webhook-bridge/log_entries",
}
FIELD = {"EKS": "cw-console.csv", "mixed": "mixed-levels.jsonl"}
BODIES = ("requestObject", "responseObject")


def log_of(name: str, shared: Path) -> Path:
    if name in CORPUS:
        return shared / "audit" / "corpus" / CORPUS[name]
    if name in FORMATS:
        return shared / "audit" / "formats" / FORMATS[name]
    return shared / "field" / "inputs" / FIELD[name]


def asked_for(clause: Any, *, wanted: bool = True) -> Iterator[tuple[str, str]]:
    """The fields that a clause wants to have a value, and one that it would take. What stands in NOT is wanted if it
    stands in another NOT there."""
    match clause:
        case tree.And(parts=parts) | tree.Or(parts=parts):
            for part in parts:
                yield from asked_for(part, wanted=wanted)
        case tree.Not(part=part):
            yield from asked_for(part, wanted=not wanted)
        case tree.Compare(name=name, operator="=" | ">=" | "<=", value=value) if wanted:
            yield name, value.replace("*", "") or "x"
        case tree.In(name=name, values=values) if wanted:
            yield name, values[0].replace("*", "") or "x"
        case tree.Term(text=text) if wanted and text != "*":
            yield "_raw", text.replace("*", "")
        case _:
            pass


class PlainEvent:
    """The fields of an event, and what it lost: bodies, and fields that its provider never gives."""

    def __init__(self, event: AuditEvent) -> None:
        view = event.view
        metadata = {name: getattr(view, name) for name in METADATA if getattr(view, name, "")}
        self.row = {**row_of(view.raw), **metadata}
        self.lost = (*lost_bodies(json.loads(view.raw)), *event.missing)

    def may_match(self, clause: Any, wanted: dict[str, str]) -> bool:
        """Whether the clause holds for the event, or would with something in place of what it lost."""
        row = {name: value for name, value in self.row.items() if not name.startswith(self.lost)}
        row.update((name, value) for name, value in wanted.items() if name.startswith(self.lost))
        if self.lost and "_raw" in wanted:
            row["_raw"] = f"{row['_raw']} {wanted['_raw']}"
        return holds(clause, row, 0.0)


def events_of(path: Path) -> list[PlainEvent]:
    return [PlainEvent(event) for event in read_events([str(path)], ReadOptions(), InputReport())]


def check(one: api.DetectionResult, events: list[PlainEvent]) -> None:
    assert one.result is not None
    found, stages = one.judgement, one.result.stages
    rows = len(one.result.table.rows)
    assert (found.word in ("fired", "hunting")) == bool(rows)
    clause = stages[0].node.clause
    wanted = dict(reversed(list(asked_for(clause))))  # of several values of a field the first, of words all
    words = [text for name, text in asked_for(clause) if name == "_raw"]
    wanted |= {"_raw": " ".join(words)} if words else {}
    later = any(map(_decides_later, stages[1:]))
    blind = [one for one in events if one.lost and wanted and one.may_match(clause, wanted)]
    blind = [one for one in blind if not holds(clause, one.row, 0.0)]
    if not rows:
        _check_silence(found, blind, events, later)
    if not later:
        assert found.undecided == len(blind)


def _check_silence(found: Judgement, blind: list[PlainEvent], events: list[PlainEvent], later: bool) -> None:
    if blind:
        assert found.word in ("unknown", "cannot")
    elif not later:
        assert found.word in ("silent", "cannot")
    if found.word == "cannot" and not found.reason.startswith("no event has the source"):
        names = (
            found.reason.partition(":")[0].removeprefix("no event has ").removeprefix("any of ").partition(" and ")[0]
        )
        for name in names.partition(", by which")[0].split(", "):
            assert not any(many(one.row.get(name)) for one in events), name


def _decides_later(stage: Any) -> bool:
    """Whether a later stage may drop a row for what a body holds."""
    text = f"{stage.name} {stage.command.render(stage.node)}"
    if stage.name in ("where", "search", "regex", "eval"):
        return any(body in text for body in (*BODIES, "_raw"))
    return any(body in text.rpartition(" BY ")[2] for body in BODIES if " BY " in text)


@pytest.mark.parametrize("name", [*CORPUS, *FORMATS, *FIELD])
def test_each_word_is_that_of_a_plain_evaluation(name: str, shared: Path) -> None:
    path = log_of(name, shared)
    events = events_of(path)
    assert events
    checked = 0
    for folder in (shipped_pack(), shared / "content" / "splunk"):
        content: Content = load_content([folder])
        strict = {one.detection.name: one for one in api.rows(content, path, strict=True).detections}
        quick = {one.detection.name: one.judgement for one in api.rows(content, path).detections}
        for detection, one in strict.items():
            print(f"{name:6} {one.judgement.word:9} {one.judgement.undecided:6} {detection}")
            assert quick[detection].word == one.judgement.word
            assert quick[detection].undecided <= one.judgement.undecided
            if one.result is not None and hasattr(one.result.stages[0].node, "clause"):
                check(one, events)
                checked += 1
    assert checked > 20
