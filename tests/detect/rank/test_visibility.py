"""Throttling: what stays quiet, for how long, and per cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.content.model import Throttling
from podhawk.detect.finding import Finding
from podhawk.detect.match import Match
from podhawk.detect.rank.priority import PriorityPolicy, first_times, with_priority
from podhawk.detect.rank.visibility import throttled
from support.findings import detection, event, run, write

PODS = "verb=create objectRef.resource=pods"
NODE = {"username": "system:node:n1", "groups": ["system:nodes"]}


def test_throttling_quiets_equal_values_for_its_period(tmp_path: Path) -> None:
    events = [event(f"r{hour}", at=f"{hour:02}:00:00.000001") for hour in (1, 2, 4, 5)]
    other = event("other", at="01:30:00.000001", user={"username": "bob"})
    found = run(
        write(tmp_path / "a.log", *events, other),
        detection("verb=create | table user.username", throttling=Throttling(("user.username",), "7200s")),
    )
    assert [one.throttled for one in found if one.kind != "incident"] == [False, False, True, False, True]


@pytest.mark.parametrize(
    ("period", "quiet"),
    [("3h", True), ("1w", True), ("2 hours", True), ("7200", True), ("30m", False), ("1 fortnight", False)],
)
def test_a_period_is_read_with_its_unit(tmp_path: Path, period: str, quiet: bool) -> None:
    log = write(tmp_path / "a.log", event("1", at="01:00:00.000001"), event("2", at="02:00:00.000001"))
    made = detection(f"{PODS} | table user.username", throttling=Throttling(("user.username",), period))
    assert [one.throttled for one in run(log, made)] == [False, quiet]


def test_what_is_below_the_bar_does_not_throttle_what_is_above_it(tmp_path: Path) -> None:
    machine = event("machine", at="01:00:00.000001", user=NODE, userAgent="kubelet/1")
    person = event("person", at="01:10:00.000001")
    found = run(
        write(tmp_path / "a.log", machine, person),
        detection(f"{PODS} | table objectRef.namespace", throttling=Throttling(("objectRef.namespace",), "1h")),
    )
    assert [(one.actor.kind, one.visible, one.throttled) for one in found] == [
        ("node", False, False),
        ("human", True, False),
    ]


def test_clusters_throttle_and_get_used_to_things_by_themselves(tmp_path: Path) -> None:
    matches = [
        Match(
            Finding(
                finding_id=name,
                detection=detection(PODS, throttling=Throttling((), "1h")),
                kind="finding",
                first_time=1.0 + number,
                last_time=1.0,
                title="",
                severity="low",
                risk_score=1,
                cluster=name,
            ),
            (),
        )
        for number, name in enumerate(("east", "west"))
    ]
    assert throttled(matches, 50) == [False, False]
    first = "first such request by this actor"
    for one in with_priority(matches, PriorityPolicy(), first_times(matches)):
        assert first in [reason.reason for reason in one.finding.priority_reasons]
