"""Risk objects with many findings: increments read parts of what is known of them, and find the same."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from podhawk.store.state import SqlState
from store.test_increments import told
from support.findings import detection, event, run, write
from support.histories import DETECTIONS, SCORE, Event
from support.states import NewState

CROWD = (
    *DETECTIONS[:6],
    detection("verb=get objectRef.resource=configmaps | table user.username", name="Config maps", id="20", **SCORE),
    detection("verb=patch | stats count by user.username | where count > 2", name="Patches", id="21", **SCORE),
)


def crowd(seed: int, count: int) -> list[Event]:
    """Events of two accounts over two days, in bursts, so that there are several incidents and full minutes."""
    random, found = Random(seed), []
    second = 0.0
    for number in range(count):
        second += random.choice((0.1, 0.1, 1.0, 1.0, 30.0, 600.0, 9_000.0))
        verb, resource = random.choice(
            (("create", "pods"), ("create", "deployments"), ("delete", "pods"), ("get", "secrets"), ("patch", "pods"))
        )
        at = f"{10 + int(second // 3600) % 12:02}:{int(second // 60) % 60:02}:{second % 60:09.6f}"
        made = event(
            f"c{number}",
            at=at,
            verb=verb,
            user={"username": random.choice(("alice", "alice", "bob")), "groups": ["system:authenticated"]},
            objectRef={"resource": resource, "namespace": "default", "name": f"n{random.randrange(3)}"},
            responseStatus={"code": random.choice((200, 200, 403))},
        )
        found.append(made)
    return found


@pytest.mark.parametrize("order", ["in order", "shuffled", "late"])
def test_a_risk_object_with_many_findings(order: str, tmp_path: Path, new_state: NewState) -> None:
    state, events = new_state(), crowd(5, 120)
    if order == "shuffled":
        Random(1).shuffle(events)
    if order == "late":
        events = [*events[::2], *events[1::2]]
    seen: list[Event] = []
    for number in range(0, len(events), 24):
        seen += events[number : number + 24]
        run(write(tmp_path / "piece.log", *events[number : number + 24]), *CROWD, state=state)
        expected = told(run(write(tmp_path / "seen.log", *seen), *CROWD))
        assert told(SqlState(state).known()) == expected, number
    assert max(len(one["findings"]) for one in expected.values()) > 16
