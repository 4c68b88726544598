"""Findings by identity: who is charged, in which order, with how many findings of which detection."""

from __future__ import annotations

from podhawk.content.model import Detection
from podhawk.detect.activity.identity_rows import identity_rows
from podhawk.detect.finding import Actor, ChainLink, Finding, FindingKind


def _finding(
    user: str, detection: str, priority: int = 60, *, kind: FindingKind = "intermediate", actor: Actor | None = None
) -> Finding:
    return Finding(
        finding_id=f"{user}{detection}{priority}",
        detection=Detection(name=detection, search="", id=detection),
        kind=kind,
        first_time=1.0,
        last_time=2.0,
        title="",
        severity="high" if priority > 80 else "low",
        risk_score=0,
        cluster="",
        actor=actor or Actor(user=user, kind="human"),
        priority=priority,
    )


def test_repeats_are_one_row_and_move_nobody_up() -> None:
    often = [_finding("often", "a", 60) for _ in range(50)]
    rows = identity_rows([*often, _finding("varied", "a", 60), _finding("varied", "b", 55), _finding("high", "a", 90)])
    assert [(row.name, row.severity, row.count, len(row.detections)) for row in rows] == [
        ("high", "high", 1, 1),
        ("varied", "low", 2, 2),
        ("often", "low", 50, 1),
    ]


def test_identities_with_an_incident_come_first_and_incidents_are_not_counted() -> None:
    rows = identity_rows(
        [_finding("high", "a", 100), _finding("low", "risk", 80, kind="incident"), _finding("low", "a")]
    )
    assert [(row.name, row.count, [one.name for one in row.detections]) for row in rows] == [
        ("low", 1, ["risk", "a"]),
        ("high", 1, ["a"]),
    ]
    assert rows[0].record()["detections"][0] == {
        "name": "risk",
        "kind": "incident",
        "priority": 80,
        "severity": "low",
        "count": 1,
        "finding_ids": ["lowrisk80"],
    }


def test_a_controllers_finding_is_in_the_row_of_a_certain_owner_only() -> None:
    def made(certain: bool) -> Actor:
        link = ChainLink("Deployment", "shop", "web", "alice", "a0", certain)
        return Actor(user="replicaset-controller", kind="controller", chain=(link,))

    rows = identity_rows([_finding("", "a", actor=made(True)), _finding("", "b", actor=made(False))])
    assert {row.name for row in rows} == {"alice", "replicaset-controller"}
