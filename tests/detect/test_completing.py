"""What findings need beside what searches want is read in the same scan; a second one follows only where it helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from detect.making import detection, event, received, run, write
from podhawk.engine.batch import BatchRunner

CONTROLLER = {"username": "system:serviceaccount:kube-system:replicaset-controller",
              "groups": ["system:serviceaccounts"]}


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many searches each reading of the input was for."""
    seen: list[int] = []
    gather = BatchRunner.gather

    def counted(self: BatchRunner, searches: list[object]) -> object:
        seen.append(len(searches))
        return gather(self, searches)  # type: ignore[arg-type]

    monkeypatch.setattr(BatchRunner, "gather", counted)
    return seen


@pytest.mark.parametrize("search", ["verb=create", "verb=create stage IN (RequestReceived, ResponseComplete, Panic)",
                                    'NOT user.username="bob" objectRef.resource=pods'])
def test_an_end_that_the_search_would_have_wanted_is_not_looked_for(search: str, scans: list[int],
                                                                    tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", received("open"), received("done"), event("done"))
    outcomes = {one.requests[0].audit_id: one.outcome for one in run(log, detection(f"{search} | table verb"))}
    assert outcomes == {"open": "pending", "done": "success"}
    assert len(scans) == 1


@pytest.mark.parametrize("search", ["verb=create stage=RequestReceived",
                                    "verb=create stage IN (RequestReceived, Panic)",
                                    "NOT objectRef.name=web verb=create", "NOT responseStatus.code=201 verb=create"])
def test_an_end_that_the_search_may_not_have_wanted_is_looked_for(search: str, scans: list[int],
                                                                  tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", received("open"), received("done"), event("done"))
    outcomes = {one.requests[0].audit_id: one.outcome for one in run(log, detection(f"{search} | table verb"))}
    assert outcomes == {"open": "pending", "done": "success"}
    assert len(scans) == 2


def test_owners_are_found_in_the_same_scan(scans: list[int], tmp_path: Path) -> None:
    deployment = {"resource": "deployments", "apiGroup": "apps", "namespace": "default", "name": "web"}
    replica_set = {**deployment, "resource": "replicasets", "name": "web-5f6d7c8b9"}
    maker = {**CONTROLLER, "username": "system:serviceaccount:kube-system:deployment-controller"}
    log = write(tmp_path / "a.log", event("1", objectRef=deployment, at="10:00:00.000001"),
                event("2", objectRef=replica_set, user=maker, at="10:00:01.000001"),
                event("3", user=CONTROLLER, at="10:00:02.000001"),
                event("4", objectRef={**deployment, "namespace": "elsewhere"}, at="10:00:02.000001"))
    (finding,) = run(log, detection("verb=create objectRef.resource=pods | table verb"))
    assert [(link.name, link.user) for link in finding.actor.chain][-1] == ("web", "alice")
    assert scans == [3]


def test_a_name_with_a_backslash_does_not_hide_an_owner(tmp_path: Path) -> None:
    """Gathered lines are told apart by their text before they are decoded, which an escape makes another."""
    replica_set = {"resource": "replicasets", "apiGroup": "apps", "namespace": "default", "name": "web-5f6d7c8b9"}
    log = write(tmp_path / "a.log", event("1", objectRef=replica_set, at="10:00:01.000001"),
                event("3", user=CONTROLLER, at="10:00:02.000001"))
    text = log.read_text()
    log.write_text(text.replace('"namespace":"default","name":"web-', '"namespace":"d\\u0065fault","name":"web-'))
    (finding,) = run(log, detection("verb=create objectRef.resource=pods | table verb"))
    assert [link.name for link in finding.actor.chain] == ["web-5f6d7c8b9"]


def test_copies_of_a_line_are_one_event_that_stands_where_the_first_one_does(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("1"), event("2"), event("1"), event("1"))
    both = run(log, detection("verb=create | stats count by auditID"))
    assert [(one.requests[0].audit_id, one.requests[0].source, one.row_count) for one in both] == [
        ("1", f"{log}:1", 1), ("2", f"{log}:2", 1)]
