"""Risk: what findings add up to, worked out by hand in `ledger.md`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from podhawk.api import FindingsResult
from podhawk.content.model import Deployment, Detection, RiskObject
from podhawk.detect.finding import Finding, ScoredEntity
from podhawk.detect.findings import Policies
from podhawk.detect.report.finding_json import from_record, to_record
from podhawk.detect.risk.factors import FIELDS, risk_policy, row_of_finding
from podhawk.detect.risk.scoring import risk_events
from podhawk.detect.risk.table import risk_table
from podhawk.errors import UsageError
from support.findings import detection, event, only_finding, run, write

LEDGER = Path(__file__).with_name("ledger.md")
VERBS = {"One": "create", "Two": "delete", "Twin": "delete"}
SCORE = {"risk_objects": (RiskObject("user", "user", 40),), "risk_score": 40}


def lines() -> Iterator[dict[str, str]]:
    """The lines of the ledger."""
    table = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in LEDGER.read_text().splitlines()
        if line.startswith("|")
    ]
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
        one = event(
            f"r{number}",
            at=f"{clock}:00.000000",
            verb=VERBS[line["detection"]],
            user=user,
            responseStatus={"code": 500 if line["note"] == "failed" else 200},
        )
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
    return run(
        log,
        *(
            detection(
                f"verb={verb} | stats count by user.username | rename user.username as user",
                name=name,
                id=name,
                **shared,
            )
            for name, verb in VERBS.items()
        ),
    )


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
    assert incident.title == "alice reached risk score 260 in 24 h"
    assert (incident.severity, incident.risk_score, incident.visible) == ("high", 260, True)
    assert incident.rows[0]["risk_score"] == "140"
    assert incident.request_count == 8


WEEK = "| tstats sum(All_Risk.calculated_risk_score) as risk_score from datamodel=Risk.All_Risk by All_Risk.risk_object"


def weekly(name: str, least: int) -> Detection:
    """A search that makes incidents of users who gathered so much in a week."""
    return correlation(
        f"{WEEK} | rename All_Risk.* as * | where risk_score >= {least}",
        name=name,
        id=name,
        deployment=Deployment("d", earliest_time="-7d", latest_time="now"),
    )


def on_days(*days: int) -> list[dict[str, Any]]:
    made = [event(f"r{day}", at="10:00:00.0") for day in days]
    for day, one in zip(days, made, strict=True):
        for name in ("requestReceivedTimestamp", "stageTimestamp"):
            one[name] = one[name].replace("2026-11-25", f"2026-11-{day:02}")
    return made


def incidents(result: FindingsResult) -> list[Finding]:
    return sorted((one for one in result if one.kind == "incident"), key=lambda one: one.first_time)


def test_two_searches_over_the_risk_of_one_user_made_two_incidents(tmp_path: Path) -> None:
    pods = detection("verb=create | table user.username", name="Pods", id="pods", risk_score=49)
    log = write(tmp_path / "a.log", *on_days(10, 11, 12))
    result = run(log, pods, weekly("First", 60), weekly("Second", 120))
    (incident,) = incidents(result)
    assert [(one.detection, one.title) for one in incident.reasons] == [("First", "site rule"), ("Second", "site rule")]
    assert len(incident.findings) == 3
    words = {one.detection.name: (one.judgement.word, one.judgement.count) for one in result.detections}
    assert words == {"Pods": ("fired", 3), "First": ("fired", 1), "Second": ("fired", 1)}


def test_a_detection_with_its_own_deployment_ended_the_run(tmp_path: Path) -> None:
    """Its settings are a mapping, which cannot be hashed."""
    pods = detection(
        "verb=create | table user.username",
        name="Pods",
        id="pods",
        deployment=Deployment("d", earliest_time="-1h", latest_time="now", alert_action={"notable": {"title": "x"}}),
    )
    (incident,) = incidents(run(write(tmp_path / "a.log", *on_days(10, 11)), pods, weekly("First", 60)))
    assert len(incident.findings) == 2


def test_an_incident_is_over_when_the_longest_window_has_passed_without_a_row(tmp_path: Path) -> None:
    pods = detection("verb=create | table user.username", name="Pods", id="pods", risk_score=49)
    log = write(tmp_path / "a.log", *on_days(1, 2, 8, 9, 29, 30))
    found = incidents(run(log, pods, weekly("First", 60)))
    assert [one.request_count for one in found] == [4, 2]
    assert len({one.finding_id for one in found}) == 2


def test_an_incident_keeps_its_id_when_it_grows(tmp_path: Path) -> None:
    pods = detection("verb=create | table user.username", name="Pods", id="pods", risk_score=49)
    rules = (weekly("First", 60), weekly("Second", 120))
    (before,) = incidents(run(write(tmp_path / "a.log", *on_days(10, 11)), pods, *rules))
    (after,) = incidents(run(write(tmp_path / "b.log", *on_days(10, 11, 12)), pods, *rules))
    assert before.finding_id == after.finding_id
    assert (len(before.reasons), len(after.reasons)) == (1, 2)


def test_the_priority_of_an_incident_says_what_it_is_made_of(result: FindingsResult) -> None:
    (incident,) = incidents(result)
    assert incident.priority == min(100, sum(one.points for one in incident.priority_reasons)) < 100
    assert {one.reason for one in incident.priority_reasons} >= {"its most urgent finding", "different detections"}
    assert to_record(from_record(to_record(incident)))["reasons"] == to_record(incident)["reasons"]


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
    made = [
        detection(
            f"verb=v{number} | table user.username",
            name=f"D{number}",
            id=f"D{number}",
            risk_score=5,
            risk_objects=(RiskObject("user.username", "user", 5),),
            mitre_attack_id=(technique,),
        )
        for number, technique in enumerate(techniques)
    ]
    titles = [one.title for one in run(write(tmp_path / "a.log", *days), *made) if one.kind == "incident"]
    assert titles == ["alice: activity across 4 ATT&CK tactics (4 detections)"]
    assert [one for one in run(write(tmp_path / "b.log", *days[:3]), *made) if one.kind == "incident"] == []


def test_a_site_can_change_the_cap_and_the_factors(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(event(f"r{number}", at=f"10:{number:02}:00.0") for number in range(3)))
    table = {"cap": 500, "factors": {"default": {"when": "namespace=default resource=pods", "multiply": 2, "add": 1}}}
    found = run(log, detection("verb=create | table user.username"), policies=Policies(risk=risk_policy(table)))
    assert [one.applied for one in found.found.risk] == [99.0] * 3
    assert found.found.risk[0].notes == ("default ×2 +1",)


def correlation(search: str, **members: Any) -> Detection:
    """A search that makes incidents, over the last day."""
    return detection(
        search,
        type="Correlation",
        risk_objects=(),
        threat_objects=(),
        message="site rule",
        **{
            "name": "Site rule",
            "id": "site",
            "deployment": Deployment("d", earliest_time="-24h", latest_time="now"),
            **members,
        },
    )


def test_clusters_do_not_add_up_to_an_incident(tmp_path: Path) -> None:
    made = [detection(f"verb={verb} | table user.username", name=verb, id=verb) for verb in ("create", "delete")]
    logs = [
        write(tmp_path / f"{name}.log", *(event(f"{name}-{verb}", verb=verb) for verb in ("create", "delete")))
        for name in ("east", "west")
    ]
    state = str(tmp_path / "state")
    results = [run(log, *made, state=state, cluster=log.stem) for log in logs]
    assert [one.kind for one in results[-1].found.told(all_known=True)] == ["intermediate"] * 4
    risk = [event for result in results for event in result.found.risk]
    assert [(one.score, one.cluster) for one in risk_table(risk)] == [(98, "east"), (98, "west")]


def test_a_rule_that_names_the_cluster_sees_all_of_them(tmp_path: Path) -> None:
    rule = correlation(
        "| tstats dc(All_Risk.cluster) as clusters from datamodel=Risk by All_Risk.risk_object | where clusters > 1"
    )
    log = [write(tmp_path / f"{name}.log", event(name)) for name in ("east", "west")]
    state = str(tmp_path / "state")
    for one in log:
        result = run(one, detection("verb=create | table user.username"), rule, state=state, cluster=one.stem)
    assert [one.title for one in result if one.kind == "incident"] == ["site rule"]


def test_an_incident_names_who_gathered_the_risk_and_by_what(result: FindingsResult) -> None:
    (incident,) = (one for one in result if one.detection.name == "Risk Threshold Exceeded")
    assert [(one.type, one.value, one.score) for one in incident.risk_objects] == [("user", "alice", 260)]
    assert incident.actor.user == "alice"


def test_an_incident_by_address_holds_only_the_findings_from_there(tmp_path: Path) -> None:
    log = write(
        tmp_path / "a.log",
        *(
            event(
                f"r{number}",
                at=f"10:0{number}:00.0",
                sourceIPs=[f"10.0.0.{number % 2}"],
                user={"username": f"user{number}"},
            )
            for number in range(5)
        ),
    )
    rule = correlation(
        "| from datamodel Risk.All_Risk | stats dc(risk_object) as users by threat_object | where users > 2"
    )
    (incident,) = (
        one
        for one in run(log, detection("verb=create | table user.username sourceIPs{}"), rule)
        if one.detection.name == "Site rule"
    )
    assert [info.audit_id for info in incident.requests] == ["r0", "r2", "r4"]
    assert [one.value for one in incident.threat_objects] == ["10.0.0.0"]


def test_a_correlation_over_events_makes_an_incident(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(event(f"r{number}", at=f"10:0{number}:00.0") for number in range(4)))
    rule = correlation("verb=create | stats count by user.username | where count > 3")
    assert [(one.kind, one.request_count, one.visible) for one in run(log, rule)] == [("incident", 4, True)]


def test_what_the_cap_took_is_told(result: FindingsResult) -> None:
    alice = next(one for one in risk_table(result.found.risk) if one.object == "alice")
    assert (alice.score, alice.capped) == (260, 60)
    assert ("capped at 100 per day",) in {one.notes for one in result.found.risk}


def test_windows_move_only_where_risk_is_gained(tmp_path: Path) -> None:
    """A user whose risk is capped early on was looked at for each of a day's minutes: 57 seconds for 2,880 requests."""
    log = write(tmp_path / "a.log", *(event(f"r{number}", at=f"10:{number:02}:00.0") for number in range(50)))
    rule = correlation("| tstats count from datamodel=Risk by All_Risk.risk_object | where count > 0")
    (incident,) = (
        one
        for one in run(log, detection("verb=create | table user.username"), rule)
        if one.detection.name == "Site rule"
    )
    assert incident.rows[-1]["count"] == "3"  # 49 + 49 + 2: the third one reaches the cap


def test_whoever_has_no_name_stands_under_an_address_and_scores_nothing(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event(user={}, responseStatus={"code": 401}, stage="ResponseStarted"))
    search = "verb=create | fillnull | stats count by user.username sourceIPs{} | rename user.username as user"
    one = detection(search, risk_objects=(RiskObject("user", "user", 49),))
    (gained,) = run(log, one).found.risk
    assert (gained.object, gained.object_type, gained.applied, gained.notes) == (
        "10.0.0.7",
        "system",
        0.0,
        ("no risk object",),
    )


def test_what_is_hidden_scores_nothing_and_says_why(tmp_path: Path) -> None:
    log = write(
        tmp_path / "a.log",
        event(
            requestURI="/api/v1/namespaces/default/pods/web/binding",
            objectRef={"resource": "pods", "subresource": "binding", "namespace": "default", "name": "web"},
        ),
    )
    (gained,) = run(log, detection("verb=create objectRef.resource=pods | table user.username")).found.risk
    assert (gained.applied, gained.notes) == (0.0, ("hidden by noise class subresource",))


@pytest.mark.parametrize(
    "table",
    [
        {"caps": 1},
        {"cap": "much"},
        {"cap": -1},
        {"factors": 3},
        {"factors": {"x": {}}},
        {"factors": {"x": {"when": "a=b", "times": 2}}},
        {"factors": {"x": {"when": "a=b", "add": "2"}}},
        {"factors": {"x": {"when": "a=(b"}}},
    ],
)
def test_faults_in_the_table_are_usage_errors(table: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        risk_policy(table)


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")


def test_an_unknown_field_in_a_risk_factor_was_not_told() -> None:
    table = {"factors": {"ours": {"when": "namespce=default", "multiply": 2}}}
    (remark,) = risk_policy(table).remarks()
    assert remark == (
        "[risk.factors.ours] names the field 'namespce', which findings do not have. Did you mean 'namespace'?"
    )
    assert risk_policy({"factors": {"ours": {"when": "namespace=default"}}}).remarks() == []


def test_conditions_can_name_the_fields_that_rows_have(tmp_path: Path) -> None:
    finding = only_finding(tmp_path, event(user={"username": "alice", "groups": ["a"]}, impersonatedUser=None))
    row = row_of_finding(finding, ScoredEntity("user", "user", "alice", 1), "actor")
    assert set(row) <= set(FIELDS)
    assert set(FIELDS) - set(row) <= {"subresource"}
