"""Risk objects with many findings: increments read parts of what is known of them, and find the same."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podhawk.content.model import Content
from podhawk.detect.evaluate.prepare import prepare
from podhawk.detect.increment.kept import KindOfRisk
from podhawk.detect.passes.settle import Policies
from podhawk.detect.risk.factors import DEFAULTS, RiskFactor, RiskPolicy
from podhawk.detect.risk.incidents import RiskSearch
from podhawk.detect.risk_event import RiskEvent
from podhawk.store.state import SqlState
from store.test_increments import told
from support.findings import detection, event, run, write
from support.histories import DETECTIONS, SCORE, Event
from support.sessions import session_with
from support.states import NewState

CROWD = (
    *DETECTIONS[:6],
    detection("verb=get objectRef.resource=configmaps | table user.username", name="Config maps", id="20", **SCORE),
    detection("verb=patch | stats count by user.username | where count > 2", name="Patches", id="21", **SCORE),
)

BIGGEST = (
    "| tstats max(All_Risk.calculated_risk_score) as most sum(All_Risk.calculated_risk_score) as risk_score "
    "from datamodel=Risk.All_Risk by All_Risk.risk_object All_Risk.risk_object_type | rename All_Risk.* as * "
    "| where risk_score > 20 | table risk_object risk_object_type most risk_score"
)
"""A search that reads the points of each risk event, and so is given each."""

ONE = RiskEvent(
    time=1.0,
    finding_id="f",
    detection=CROWD[0],
    message="",
    object="alice",
    object_type="user",
    object_field="user.username",
    score=7,
    applied=7.0,
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


def test_points_whose_sum_no_float_holds_and_a_search_that_reads_single_points(
    tmp_path: Path, new_state: NewState
) -> None:
    state, events = new_state(), crowd(7, 120)
    factors = (*DEFAULTS, RiskFactor("third", "severity=*", multiply=1 / 3))
    policies = Policies(risk=RiskPolicy(cap=1e6, factors=factors))
    biggest = detection(BIGGEST, name="Biggest", id="22", type="Correlation", message="$risk_object$ has $most$")
    seen: list[Event] = []
    for number in range(0, len(events), 24):
        seen += events[number : number + 24]
        run(
            write(tmp_path / "piece.log", *events[number : number + 24]),
            *CROWD,
            biggest,
            state=state,
            policies=policies,
        )
        expected = told(run(write(tmp_path / "seen.log", *seen), *CROWD, biggest, policies=policies))
        assert told(SqlState(state).known()) == expected, number
    reasons = {reason["detection"]["name"] for one in expected.values() for reason in one.get("reasons", ())}
    assert {"Biggest", "Risk Threshold Exceeded"} <= reasons, reasons


@given(st.lists(st.floats(0, 100), max_size=8))
def test_points_are_summed_only_if_nothing_is_lost(points: list[float]) -> None:
    times = [float(number) for number in range(len(points))]
    given_ = KindOfRisk(ONE, times, points).points_within((1.0, 6.0))
    assert sum(map(Fraction, given_)) == sum(map(Fraction, points[1:6]))


def test_whole_points_are_one_sum() -> None:
    assert KindOfRisk(ONE, [1.0, 2.0, 3.0], [7.0, 7.0, 49.0]).points_within((1.0, 3.0)) == [14.0]


@pytest.mark.parametrize(
    ("item", "takes"),
    [
        ("sum(All_Risk.calculated_risk_score)", True),
        ("sum(All_Risk.calculated_risk_score) as points values(All_Risk.source)", True),
        ("max(All_Risk.calculated_risk_score)", False),
        ("count", False),
        ("dc(All_Risk.calculated_risk_score)", False),
    ],
)
@pytest.mark.parametrize(
    ("where", "allows"),
    [
        ("", True),
        ("where All_Risk.calculated_risk_score>0", True),
        ("where All_Risk.calculated_risk_score>5", False),
        ("where NOT All_Risk.calculated_risk_score=0", False),
        ("where NOT All_Risk.calculated_risk_score>0", True),
    ],
)
def test_a_search_over_risk_is_given_sums_only_if_it_cannot_tell(
    item: str, takes: bool, where: str, allows: bool
) -> None:
    text = f"| tstats {item} from datamodel=Risk.All_Risk {where} by All_Risk.risk_object All_Risk.risk_object_type"
    content, session = Content(detections=(detection(text, type="Correlation"),)), session_with()
    prepared = prepare(content.detections[0], content, session, session.lookups(content))
    assert RiskSearch(prepared, content).takes_sums is (takes and allows)
