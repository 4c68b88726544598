"""The priority of a finding: the sum of its reasons, with the site's points and bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podhawk.detect.findings import Policies
from podhawk.detect.rank.priority import FACTORS, priority_policy
from podhawk.errors import UsageError
from support.findings import detection, event, only_finding, run, write

PODS = "verb=create objectRef.resource=pods"
ACCOUNT = {"username": "system:serviceaccount:payments:api", "groups": ["system:serviceaccounts"]}


def test_priority_is_the_sum_of_its_shown_reasons(tmp_path: Path) -> None:
    for members in (
        {},
        {"responseStatus": {"code": 403}},
        {"user": {"username": "system:anonymous"}},
        {"user": {"username": "root", "groups": ["system:masters"]}},
        {"user": ACCOUNT},
        {"impersonatedUser": {"username": "system:admin"}},
    ):
        found = only_finding(tmp_path, event(**members))
        assert found.priority == max(0, min(100, sum(reason.points for reason in found.priority_reasons)))
        assert found.priority_reasons[0].points == 49


def test_the_first_time_counts_by_the_time_of_the_event_not_of_the_line(tmp_path: Path) -> None:
    late, early = event("late", at="11:00:00.1"), event("early", at="09:00:00.1")
    found = list(run(write(tmp_path / "a.log", late, early), detection(PODS)))
    firsts = [any("first such request" in reason.reason for reason in one.priority_reasons) for one in found]
    assert firsts == [True, False]


def test_points_and_the_bar_are_the_sites(tmp_path: Path) -> None:
    low = only_finding(tmp_path, event(), policies=Policies(priority=priority_policy({"bar": 90, "person": 0})))
    assert not low.visible
    assert low.priority == 49 + 5 + 5 + 3
    for factor in FACTORS:
        assert priority_policy({factor.name: 1}).of(factor) == 1
    for bad in ({"persons": 1}, {"person": "much"}, {"bar": True}, {"person": 1000}):
        with pytest.raises(UsageError):
            priority_policy(bad)


def test_what_gives_power_over_the_node_raises_the_priority(tmp_path: Path) -> None:
    plain = only_finding(tmp_path, event(requestObject={"spec": {"containers": [{"image": "nginx"}]}}))
    strong = only_finding(
        tmp_path,
        event(requestObject={"spec": {"containers": [{"image": "nginx", "securityContext": {"privileged": True}}]}}),
    )
    assert strong.priority == plain.priority + 15
    assert strong.priority_reasons[-1].reason == "grants power over the node or the cluster: privileged"


def test_a_ttp_is_visible_below_the_bar(tmp_path: Path) -> None:
    assert only_finding(tmp_path, event(), type="TTP", risk_score=1).visible
    assert not only_finding(tmp_path, event(), type="Anomaly", risk_score=1).visible


def test_the_second_workload_of_a_person_was_below_the_bar_where_no_body_tells_it_from_the_first(
    tmp_path: Path,
) -> None:
    def written(name: str, resource: str = "deployments", **members: Any) -> dict[str, Any]:
        target = {"resource": resource, "namespace": "shop", **({"name": name} if name else {})}
        return event(name or "nameless", level="Metadata", objectRef=target, **members)

    log = write(
        tmp_path / "a.log",
        written("web", at="09:00:00.1"),
        written("agent", at="09:01:00.1"),
        written("again", at="09:02:00.1")
        | {"objectRef": {"resource": "deployments", "namespace": "shop", "name": "web"}},
        written("run-17", "jobs", at="09:03:00.1"),
        written("run-18", "jobs", at="09:04:00.1"),
        written("pod-a", "pods", at="09:05:00.1"),
        written("pod-b", "pods", at="09:06:00.1"),
    )
    found = sorted(run(log, detection("verb=create")), key=lambda one: one.first_time)
    firsts = [any("first such request" in reason.reason for reason in one.priority_reasons) for one in found]
    assert firsts == [True, True, False, True, False, True, False]
