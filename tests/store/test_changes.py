"""With a state, a run tells what it changed, and nothing that stayed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.model import Content
from podhawk.detect.findings import Policies
from podhawk.detect.rank.exceptions import SiteException
from podhawk.spl.clause import read_clause
from support.command_line import podhawk
from support.findings import NOW, detection, event, received, run, write
from support.states import DETECTIONS, PODS, NewState, risk_of

CONTENT = """name: Pods
id: 5b0d6c5e-1111-4a86-8d6c-5a2f7d1e9b41
version: 1
type: TTP
status: production
search: verb=create objectRef.resource=pods | table auditID
rba:
  message: $user.username$ made a pod
  risk_objects:
  - {field: user.username, type: user, score: 60}
"""


def exception(when: str, expires: str = "2026-12-31", about: str = "*") -> Policies:
    clause = read_clause(when, "when")
    return Policies(
        exceptions=[SiteException("known", about, when, clause, "me", "known", date.fromisoformat(expires))]
    )


def test_only_what_is_new_or_revised_is_told(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    first = run(write(tmp_path / "a.log", received("a")), DETECTIONS[0], state=state)
    again = run(tmp_path / "a.log", DETECTIONS[0], state=state)
    grown = run(write(tmp_path / "b.log", event("a"), event("b")), DETECTIONS[0], state=state)
    kinds = [
        {one.requests[0].audit_id: result.found.changes[one.finding_id].kind for one in result.found.told()}
        for result in (first, again, grown)
        if result.found.changes is not None
    ]
    assert kinds == [{"a": "new"}, {}, {"a": "revised", "b": "new"}]
    assert {one.requests[0].audit_id for one in grown.found.told(all_known=True)} == {"a", "b"}


def test_what_a_detection_no_longer_gives_is_gone_and_what_is_left_out_is_not(
    tmp_path: Path, new_state: NewState
) -> None:
    state = new_state()
    both = [detection(PODS, name="One", id="1"), detection(PODS, name="Two", id="2")]
    log = write(tmp_path / "a.log", event("a"))
    run(log, *both, state=state)
    assert run(log, both[0], state=state).found.gone == []
    narrowed = detection(f"user.username=nobody {PODS}", name="One", id="1")
    gone = run(log, narrowed, both[1], state=state).found.gone
    assert [one["detection"]["name"] for one in gone] == ["One"]


def test_the_same_log_under_another_name_revised_every_finding(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    run(write(tmp_path / "b.log", event("a")), DETECTIONS[0], state=state)
    found = run(write(tmp_path / "a.log", event("a")), DETECTIONS[0], state=state)
    assert found.found.changes == {}
    assert [one.revision for one in found] == [1]


@pytest.mark.parametrize("now", ["2026-11-25T12:00:00Z", "2026-11-27T12:00:00Z"])
def test_an_exception_that_expired_opened_old_findings_again(now: str, tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("a"))
    policies = exception("user.username=alice", "2026-11-26")
    (one,) = run(log, detection(PODS), policies=policies, now=now)
    assert one.suppressed_by is not None
    later = event(
        "b", requestReceivedTimestamp="2026-11-26T00:00:00.000000Z", stageTimestamp="2026-11-26T00:00:00.010000Z"
    )
    (two,) = run(write(tmp_path / "b.log", later), detection(PODS), policies=policies, now=now)
    assert two.suppressed_by is None


def test_an_exception_on_one_of_two_detections_took_the_risk_of_its_twin(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("a"))
    twins = [detection(PODS, name="A twin", id="1"), detection(PODS, name="B twin", id="2")]
    whole = run(log, *twins).found.risk
    found = run(log, *twins, policies=exception("user.username=alice", about="A twin")).found.risk
    assert sum(one.applied for one in found) == sum(one.applied for one in whole) > 0
    assert [one.detection.name for one in found if one.applied] == ["B twin"]


@pytest.mark.slow
def test_the_command_line_prints_changes_and_fails_for_what_rose(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "pods.yml").write_text(CONTENT)
    log = write(tmp_path / "a.log", event("a"))
    command = ["run", "--content", tmp_path / "content", "--state", tmp_path / "state", "--now", NOW, "-o", "jsonl"]
    first = podhawk(*command, "--fail-on", "medium", log)
    again = podhawk(*command, "--fail-on", "medium", log)
    whole = podhawk(*command, "--all-known", log)
    assert [first.returncode, again.returncode] == [5, 0]
    assert [json.loads(line)["change"] for line in first.stdout.splitlines()] == ["new"]
    assert again.stdout == ""
    assert "0 new, 0 changed, 0 gone, 1 known" in again.stderr
    assert ["change" in json.loads(line) for line in whole.stdout.splitlines()] == [False]
    (tmp_path / "content" / "pods.yml").write_text(CONTENT.replace("objectRef.resource=pods", "objectRef.resource=x"))
    gone = podhawk(*command, log)
    assert [json.loads(line)["change"] for line in gone.stdout.splitlines()] == ["gone"]


def test_without_a_state_everything_is_told(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("a"))
    found = api.run(Content(detections=(detection(PODS),)), log, now=NOW).found
    assert found.told() == found.findings


@pytest.mark.parametrize(
    "search",
    [
        'requestURI="*curl*" | table auditID requestURI',
        'verb=create | where like(requestURI, "%curl%") | table auditID requestURI',
    ],
)
def test_a_finding_on_what_is_masked_was_gone_in_the_next_run(search: str, tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    uri = "/api/v1/namespaces/shop/pods/p/exec?command=sh&command=-c&command=password%3Dcurl+evil.sh"
    made = detection(search)
    first = run(write(tmp_path / "a.log", event("a", requestURI=uri)), made, state=state)
    assert len(first) == 1
    for number in range(2):
        later = run(write(tmp_path / "b.log", event("b", verb="get")), made, state=state)
        assert (later.found.changes, later.found.gone) == ({}, []), number
        assert [one.finding_id for one in later.found.told(all_known=True)] == [next(iter(first)).finding_id]
        assert risk_of(state) == ["49"]


def test_old_logs_of_one_cluster_were_dropped_for_newer_ones_of_another(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    old = "2026-01-01T10:00:00.000000Z"
    before = event("old", requestReceivedTimestamp=old, stageTimestamp=old, stage="RequestReceived")
    after = event("old", requestReceivedTimestamp=old, stageTimestamp="2026-01-01T10:00:01.000000Z")
    run(write(tmp_path / "new.log", event("new")), DETECTIONS[0], state=state)
    run(write(tmp_path / "old.log", before), DETECTIONS[0], state=state, cluster="archive")
    found = run(write(tmp_path / "older.log", after), DETECTIONS[0], state=state, cluster="archive")
    assert {one.requests[0].audit_id: one.requests[0].stages for one in found.found.told(all_known=True)} == {
        "new": ("ResponseComplete",),
        "old": ("RequestReceived", "ResponseComplete"),
    }
