"""What a committed baseline hides, and what it does not."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from podhawk.api import FindingsResult
from podhawk.detect.baseline.habits import Habit, SiteBaseline, stem
from podhawk.detect.finding import Finding
from podhawk.detect.passes.settle import Policies
from podhawk.detect.report.proposed_habits import HabitProposal, proposals
from support.findings import detection, event, run, write

SECRETS = detection("objectRef.resource=secrets | table user.username", name="Secrets")
GRAVE = detection("objectRef.resource=secrets | table user.username", name="Grave", id="2", type="TTP", severity="high")


def _read(name: str = "tls", *, at: str = "10:00:00.1", **members: Any) -> dict[str, Any]:
    target = {"resource": "secrets", "namespace": members.pop("namespace", "shop"), "name": name}
    made = {"verb": "get", "objectRef": target, "requestURI": f"/{name}", "responseStatus": {"code": 200}, **members}
    return event(f"{name} {at} {members}", at=at, **made)


def _learnt(result: FindingsResult) -> list[HabitProposal]:
    return proposals(result.found.matches)


def _baseline(proposed: list[HabitProposal], **changes: Any) -> SiteBaseline:
    habits: defaultdict[tuple[str, ...], list[Habit]] = defaultdict(list)
    for one in proposed:
        if not one.refused:
            habit = structs.replace(one.habit, **changes)
            habits[habit.exact].append(habit)
    return SiteBaseline(dict(habits))


def _reference(tmp_path: Path) -> list[HabitProposal]:
    times = [f"{hour:02}:00:00.1" for hour in range(1, 9)]
    return _learnt(run(write(tmp_path / "reference.log", *(_read(at=at) for at in times)), SECRETS))


def _only(tmp_path: Path, baseline: SiteBaseline, one: dict[str, Any], *more: dict[str, Any]) -> Finding:
    log = write(tmp_path / "a.log", *more, one)
    found = run(log, SECRETS, policies=Policies(baseline=baseline))
    (wanted,) = [each for each in found if each.requests and each.requests[0].audit_id == one["auditID"]]
    return wanted


def _classes(finding: Finding) -> set[str]:
    return {hit.noise_class for hit in finding.noise}


def test_a_habit_is_hidden_and_has_its_evidence(tmp_path: Path) -> None:
    (one,) = _reference(tmp_path)
    assert one.refused == ""
    record = one.record()
    assert (record["count"], record["hides"], record["identity"], record["address"]) == (8, 8, "alice", "10.0.0.7")
    found = _only(tmp_path, _baseline([one]), _read())
    assert not found.visible
    assert "baseline" in _classes(found)


@pytest.mark.parametrize(
    "changed",
    [
        {"user": {"username": "mallory", "groups": ["dev"]}},
        {"sourceIPs": ["10.0.0.8"]},
        {"sourceIPs": ["10.0.0.7", "203.0.113.9"]},
        {"verb": "list"},
        {"namespace": "kube-system"},
        {"responseStatus": {"code": 403}},
        {"impersonatedUser": {"username": "system:admin"}},
    ],
)
def test_whatever_else_is_outside_and_is_raised(tmp_path: Path, changed: dict[str, Any]) -> None:
    found = _only(tmp_path, _baseline(_reference(tmp_path)), _read(**changed))
    assert found.visible
    assert "outside-baseline" in _classes(found)
    assert 5 in [reason.points for reason in found.priority_reasons if "baseline" in reason.reason]
    plain = _only(tmp_path, SiteBaseline(), _read(**changed))
    assert found.priority == min(100, plain.priority + 5)


def test_the_user_agent_is_no_part_of_a_habit(tmp_path: Path) -> None:
    assert not _only(tmp_path, _baseline(_reference(tmp_path)), _read(userAgent="curl/8")).visible


def test_a_person_may_widen_addresses_to_a_network(tmp_path: Path) -> None:
    baseline = _baseline(_reference(tmp_path), address="10.0.0.0/24")
    assert not _only(tmp_path, baseline, _read(sourceIPs=["10.0.0.99"])).visible
    assert _only(tmp_path, baseline, _read(sourceIPs=["10.0.1.1"])).visible


def test_many_names_are_any_name_and_made_up_ones_a_stem(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(_read(name, at=f"0{n}:00:00.1") for n, name in enumerate("abcd", 1)))
    assert {one.habit.name for one in _learnt(run(log, SECRETS))} == {"*"}
    assert [stem(name) for name in ("web-7d9f8c6b5-x7k2p", "pr-123", "agent-009a3f", "web", "")] == [
        "web-*",
        "pr-*",
        "agent-*",
        "web",
        "",
    ]


def test_an_attack_within_the_reference_period_is_not_learnt(tmp_path: Path) -> None:
    grave = _learnt(run(write(tmp_path / "a.log", *(_read(at=f"0{n}:00:00.1") for n in range(1, 6))), GRAVE))
    assert [one.refused for one in grave] == ["would hide findings of high severity"]

    urgent = structs.replace(SECRETS, risk_score=90)
    (one,) = _learnt(run(write(tmp_path / "b.log", *(_read(at=f"0{n}:00:00.1") for n in range(1, 6))), urgent))
    assert one.refused == "would hide findings of priority 80 and more"

    nobody = {"username": "system:anonymous", "groups": ["system:unauthenticated"]}
    low = structs.replace(SECRETS, risk_score=20)
    (one,) = _learnt(run(write(tmp_path / "c.log", *(_read(at=f"0{n}:00:00.1", user=nobody) for n in (1, 2, 3))), low))
    assert one.refused == "anybody can be this user"


def test_high_severity_is_proposed_only_if_it_came_back_all_through_the_period(tmp_path: Path) -> None:
    high = structs.replace(SECRETS, severity="high")
    ends = [_read("other", at="00:00:00.1"), _read("other", at="12:00:00.1")]
    burst = [_read(at=f"03:00:0{n}.1") for n in range(6)]
    regular = [_read(at=f"0{n}:00:00.1") for n in (1, 4, 9)]
    for events, refused in ((burst, "would hide findings of high severity"), (regular, "")):
        found = _learnt(run(write(tmp_path / "a.log", *ends, *events), high))
        assert [one.refused for one in found if one.habit.name == "tls"] == [refused]


def test_a_suspect_gets_no_habit_for_what_was_done_once(tmp_path: Path) -> None:
    spread = [_read("tls", at=f"0{n}:00:00.1") for n in (1, 5, 9)]
    log = write(tmp_path / "a.log", *spread, _read("once", at="05:00:00.1"))
    assert {one.habit.name for one in _learnt(run(log, SECRETS)) if one.refused} == set()
    also = structs.replace(GRAVE, search="objectRef.name=once | table user.username", risk_objects=())
    found = _learnt(run(log, SECRETS, also))
    refused = {(one.habit.detection, one.habit.name): one.refused for one in found if one.refused}
    assert refused.keys() == {("Grave", "once"), ("Secrets", "once")}


def test_a_declared_component_used_elsewhere_is_borrowed_and_no_habit(tmp_path: Path) -> None:
    account = {"username": "system:serviceaccount:velero:velero", "groups": ["system:serviceaccounts:velero"]}
    reference = [_read(at=f"0{n}:00:00.1", user=account) for n in range(1, 9)]
    habits = _baseline(_learnt(run(write(tmp_path / "r.log", *reference), SECRETS)), address="0.0.0.0/0").habits
    baseline = SiteBaseline(habits, {account["username"]: ("10.0.0.0/24",)})
    assert not _only(tmp_path, baseline, _read(user=account)).visible
    found = _only(tmp_path, baseline, _read(user=account, sourceIPs=["10.9.9.9"]))
    assert found.visible
    assert found.actor.borrowed == "used from 10.9.9.9, not from 10.0.0.0/24, which the baseline declares"


def test_increments_and_one_run_agree_on_a_baseline(tmp_path: Path) -> None:
    policies = Policies(baseline=_baseline(_reference(tmp_path)))
    events = [_read("tls", at=f"0{n}:00:00.1", **({} if n % 3 else {"sourceIPs": ["10.0.0.8"]})) for n in range(1, 9)]
    state = str(tmp_path / "state")
    for number, piece in enumerate((events[5:], events[:2], events[2:5])):
        known = run(write(tmp_path / f"{number}.log", *piece), SECRETS, policies=policies, state=state)
    whole = run(write(tmp_path / "whole.log", *events), SECRETS, policies=policies)
    shown = {one.finding_id: (one.visible, one.priority, one.noise) for one in whole}
    assert {one.finding_id: (one.visible, one.priority, one.noise) for one in known.found.everything()} == shown
    assert {visible for visible, _, _ in shown.values()} == {True, False}
