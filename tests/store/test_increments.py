"""Increments find what one run over everything finds, whatever comes when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from podhawk.detect.report.finding_json import to_record
from podhawk.store.state import SqlState
from support.findings import run, write
from support.histories import DETECTIONS, Event, History


def told(findings: Any) -> dict[str, Any]:
    """Findings without what depends on how often they were seen, by id."""
    found = {}
    for one in map(to_record, findings):
        for name in ("revision", "replaces", "status", "disposition", "assignee"):
            one.pop(name)
        for request in one["requests"]:
            request.pop("source")
        found[one["finding_id"]] = json.loads(json.dumps(one))
    return found


def check(folder: Path, state: str, pieces: list[list[Event]]) -> None:
    """Run increments over pieces, and compare the state with one run over all that it has seen, after each."""
    seen: list[Event] = []
    for number, piece in enumerate(pieces):
        run(write(folder / "piece.log", *piece), *DETECTIONS, state=state)
        seen += piece
        expected = told(run(write(folder / "seen.log", *seen), *DETECTIONS))
        known = told(SqlState(state).known())
        assert known.keys() == expected.keys(), number
        for id_, one in expected.items():
            assert known[id_] == one, number


def pieces_of(history: History, events: list[Event]) -> list[list[Event]]:
    """Events in pieces, some of them late, some repeated."""
    random = history.random
    order = list(events)
    for _ in range(random.choice((0, 0, 2, 5))):
        order.insert(random.randrange(len(order)), order.pop(random.randrange(len(order))))
    if random.random() < 0.3:
        random.shuffle(order)
    order += random.sample(order, random.choice((0, 2)))
    found: list[list[Event]] = []
    while order:
        size = random.choice((1, 1, 2, 3, 8))
        found.append(order[:size])
        order = order[size:]
    return found


@pytest.mark.parametrize("seed", range(12))
def test_random_histories_in_pieces(seed: int, tmp_path: Path) -> None:
    history = History(seed)
    events = history.events(20)
    check(tmp_path, str(tmp_path / "state"), pieces_of(history, events))
