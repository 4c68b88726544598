"""Risk: what findings add up to, worked out by hand in `ledger.md`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from detect.making import detection, event, run, write
from podhawk.api import FindingsResult
from podhawk.content.model import RiskObject
from podhawk.detect.findings import Policies
from podhawk.detect.risk.factors import risk_policy
from podhawk.detect.risk.scoring import risk_events
from podhawk.detect.risk.table import risk_table
from podhawk.errors import UsageError

LEDGER = Path(__file__).with_name("ledger.md")
VERBS = {"One": "create", "Two": "delete", "Twin": "delete"}
SCORE = {"risk_objects": (RiskObject("user", "user", 40),), "risk_score": 40}


def lines() -> Iterator[dict[str, str]]:
    """The lines of the ledger."""
    table = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in LEDGER.read_text().splitlines()
             if line.startswith("|")]
    for row in table[2:]:
        yield dict(zip(table[0], row, strict=True))


def events() -> list[dict[str, Any]]:
    """The requests behind the ledger; that of a search published twice is there once."""
    made = []
    for number, line in enumerate(lines()):
        if line["detection"] == "Twin":
            continue
        day, clock = line["time"].split()
        user = {"username": line["user"], "groups": ["system:masters"] if line["user"] == "admin" else ["dev"]}
        one = event(f"r{number}", at=f"{clock}:00.000000", verb=VERBS[line["detection"]], user=user,
                    responseStatus={"code": 500 if line["note"] == "failed" else 200})
        for name in ("requestReceivedTimestamp", "stageTimestamp"):
            one[name] = one[name].replace("2026-11-25", day)
        made.append(one)
    return made


def search(verb: str) -> str:
    return f"verb={verb} | stats count by user.username | rename user.username as user | `x_filter`"


@pytest.fixture
def result(tmp_path: Path) -> FindingsResult:
    log = write(tmp_path / "a.log", *events())
    shared = {**SCORE, "message": "$user$"}
    return run(log, *(detection(f"verb={verb} | stats count by user.username | rename user.username as user",
                                name=name, id=name, **shared) for name, verb in VERBS.items()))


def test_every_line_of_the_ledger_is_as_it_was_worked_out(result: FindingsResult) -> None:
    got = {(_clock(one.time), one.detection.name, one.object): one.applied for one in result.found.risk}
    for line in lines():
        time = "2026-11-25 00:30" if line["detection"] == "Twin" else line["time"]
        detection_name = "Two" if line["detection"] == "Twin" else line["detection"]
        twin = got[time, "Twin", line["user"]] if detection_name == "Two" else 0.0
        real = got[time, detection_name, line["user"]]
        if line["detection"] == "Twin":
            assert min(real, twin) == 0.0
        else:
            assert max(real, twin) == float(line["applied"]), line


def test_sums_are_those_of_the_ledger(result: FindingsResult) -> None:
    expected: dict[str, float] = {}
    for line in lines():
        expected[line["user"]] = expected.get(line["user"], 0.0) + float(line["applied"])
    sums = {one.object: one.score for one in risk_table(result.found.risk)}
    assert sums == {user: score for user, score in expected.items() if score}


def test_incidents_are_those_of_the_ledger(result: FindingsResult) -> None:
    (incident,) = (one for one in result if one.kind == "incident" and one.detection.name == "Risk Threshold Exceeded")
    assert incident.title == "alice has gathered 260 points of risk within 24 hours"
    assert (incident.severity, incident.risk_score, incident.visible) == ("high", 260, True)
    assert incident.rows[0]["risk_score"] == "140"
    assert incident.request_count == 8


def test_the_order_of_findings_does_not_matter(result: FindingsResult) -> None:
    findings = [one for one in result if one.kind != "incident"]
    shuffled = findings[:]
    Random(7).shuffle(shuffled)
    assert risk_events(shuffled, risk_policy({})) == risk_events(findings, risk_policy({}))


def test_three_tactics_from_four_detections_in_a_week_are_an_incident(tmp_path: Path) -> None:
    days = [event(f"r{number}", at="10:00:00.0", verb=f"v{number}") for number in range(4)]
    for number, one in enumerate(days):
        for name in ("requestReceivedTimestamp", "stageTimestamp"):
            one[name] = one[name].replace("2026-11-25", f"2026-11-{20 + number}")
    techniques = ("T1610", "T1552.007", "T1613", "T1610")
    made = [detection(f"verb=v{number} | table user.username", name=f"D{number}", id=f"D{number}", risk_score=5,
                      risk_objects=(RiskObject("user.username", "user", 5),), mitre_attack_id=(technique,))
            for number, technique in enumerate(techniques)]
    titles = [one.title for one in run(write(tmp_path / "a.log", *days), *made) if one.kind == "incident"]
    assert titles == ["alice shows 4 tactics of an attack in 4 detections"]
    assert [one for one in run(write(tmp_path / "b.log", *days[:3]), *made) if one.kind == "incident"] == []


def test_a_site_can_change_the_cap_and_the_factors(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(event(f"r{number}", at=f"10:{number:02}:00.0") for number in range(3)))
    table = {"cap": 500, "factors": {"default": {"when": "namespace=default resource=pods", "multiply": 2, "add": 1}}}
    found = run(log, detection("verb=create | table user.username"), policies=Policies(risk=risk_policy(table)))
    assert [one.applied for one in found.found.risk] == [99.0] * 3
    assert found.found.risk[0].notes == ("default ×2 +1",)


@pytest.mark.parametrize("table", [
    {"caps": 1}, {"cap": "much"}, {"cap": -1}, {"factors": 3}, {"factors": {"x": {}}},
    {"factors": {"x": {"when": "a=b", "times": 2}}}, {"factors": {"x": {"when": "a=b", "add": "2"}}},
    {"factors": {"x": {"when": "a=(b"}}},
])
def test_faults_in_the_table_are_usage_errors(table: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        risk_policy(table)


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")
