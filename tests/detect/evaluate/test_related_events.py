"""What findings need beside what searches want is read in the same scan; a second one follows only where it helps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from podhawk.engine.profile import Profile, profiling
from support.findings import detection, event, received, run, write

CONTROLLER = {
    "username": "system:serviceaccount:kube-system:replicaset-controller",
    "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
}


@pytest.fixture
def profile() -> Iterator[Profile]:
    """Has an entry for each scan of the input."""
    with profiling() as made:
        yield made


@pytest.mark.parametrize(
    "search",
    [
        "verb=create",
        "verb=create stage IN (RequestReceived, ResponseComplete, Panic)",
        'NOT user.username="bob" objectRef.resource=pods',
    ],
)
def test_an_end_that_the_search_would_have_wanted_is_not_looked_for(
    search: str, profile: Profile, tmp_path: Path
) -> None:
    log = write(tmp_path / "a.log", received("open"), received("done"), event("done"))
    outcomes = {one.requests[0].audit_id: one.outcome for one in run(log, detection(f"{search} | table verb"))}
    assert outcomes == {"open": "pending", "done": "success"}
    assert len(profile.scans) == 1


@pytest.mark.parametrize(
    "search",
    [
        "verb=create stage=RequestReceived",
        "verb=create stage IN (RequestReceived, Panic)",
        "NOT objectRef.name=web verb=create",
        "NOT responseStatus.code=201 verb=create",
    ],
)
def test_an_end_that_the_search_may_not_have_wanted_is_looked_for(
    search: str, profile: Profile, tmp_path: Path
) -> None:
    log = write(tmp_path / "a.log", received("open"), received("done"), event("done"))
    outcomes = {one.requests[0].audit_id: one.outcome for one in run(log, detection(f"{search} | table verb"))}
    assert outcomes == {"open": "pending", "done": "success"}
    assert len(profile.scans) == 2


def test_owners_are_found_in_the_same_scan(profile: Profile, tmp_path: Path) -> None:
    deployment = {"resource": "deployments", "apiGroup": "apps", "namespace": "default", "name": "web"}
    replica_set = {**deployment, "resource": "replicasets", "name": "web-5f6d7c8b9"}
    maker = {**CONTROLLER, "username": "system:serviceaccount:kube-system:deployment-controller"}
    log = write(
        tmp_path / "a.log",
        event("1", objectRef=deployment, at="10:00:00.000001"),
        event("2", objectRef=replica_set, user=maker, at="10:00:01.000001"),
        event("3", user=CONTROLLER, at="10:00:02.000001"),
        event("4", objectRef={**deployment, "namespace": "elsewhere"}, at="10:00:02.000001"),
    )
    (finding,) = run(log, detection("verb=create objectRef.resource=pods | table verb"))
    assert [(link.name, link.user) for link in finding.actor.chain][-1] == ("web", "alice")
    assert [len(scan.searches) for scan in profile.scans] == [4]


def test_a_name_with_a_backslash_does_not_hide_an_owner(tmp_path: Path) -> None:
    """Gathered lines are told apart by their text before they are decoded, which an escape makes another."""
    replica_set = {"resource": "replicasets", "apiGroup": "apps", "namespace": "default", "name": "web-5f6d7c8b9"}
    log = write(
        tmp_path / "a.log",
        event("1", objectRef=replica_set, at="10:00:01.000001"),
        event("3", user=CONTROLLER, at="10:00:02.000001"),
    )
    text = log.read_text()
    log.write_text(text.replace('"namespace":"default","name":"web-', '"namespace":"d\\u0065fault","name":"web-'))
    (finding,) = run(log, detection("verb=create objectRef.resource=pods | table verb"))
    assert [link.name for link in finding.actor.chain] == ["web-5f6d7c8b9"]


def test_copies_of_a_line_are_one_event_that_stands_where_the_first_one_does(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("1"), event("2"), event("1"), event("1"))
    both = run(log, detection("verb=create | stats count by auditID"))
    assert [(one.requests[0].audit_id, one.requests[0].source, one.row_count) for one in both] == [
        ("1", f"{log}:1", 1),
        ("2", f"{log}:2", 1),
    ]


def test_an_event_that_is_nested_too_deeply_ended_the_run(tmp_path: Path) -> None:
    """The fast path passes over what no search looks at, so how deep it is showed only when the event was made."""
    log = write(tmp_path / "a.log", *(event(str(number), verb="get") for number in range(100)))
    deep = '{"a":' * 300 + "1" + "}" * 300
    line = json.dumps(event("deep", level="Request", requestObject=0)).replace(
        '"requestObject": 0', f'"requestObject": {deep}'
    )
    log.write_text(log.read_text() + line + "\n")
    (finding,) = run(log, detection("verb=create | table verb"))
    assert finding.requests[0].audit_id == "deep"
    assert not finding.evaluable


def test_a_controller_that_names_no_namespace_still_has_owners(tmp_path: Path) -> None:
    owner = {"resource": "deployments", "apiGroup": "apps", "name": "web"}
    made = {"resource": "replicasets", "apiGroup": "apps", "name": "web-5f6d7c8b9"}
    maker = {**CONTROLLER, "username": "system:serviceaccount:kube-system:deployment-controller"}
    log = write(
        tmp_path / "a.log",
        event("1", objectRef=owner, at="10:00:00.000001"),
        event("2", objectRef=made, user=maker, at="10:00:01.000001"),
    )
    (finding,) = run(log, detection("verb=create objectRef.resource=replicasets | table verb"))
    assert [link.user for link in finding.actor.chain] == ["alice"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_that_issued_a_token_the_later_one_is_named(order: tuple[int, int], tmp_path: Path) -> None:
    account = {"resource": "serviceaccounts", "subresource": "token", "namespace": "default", "name": "app"}
    issued = [
        event(
            f"issued-{number}",
            at=f"09:00:0{number}.000001",
            user={"username": f"issuer-{number}"},
            objectRef=account,
            annotations={"authentication.kubernetes.io/issued-credential-id": "JTI=1"},
        )
        for number in (0, 1)
    ]
    used = event(
        "used",
        user={
            "username": "system:serviceaccount:default:app",
            "groups": [],
            "extra": {"authentication.kubernetes.io/credential-id": ["JTI=1"]},
        },
    )
    log = write(tmp_path / "a.log", *(issued[number] for number in order), used)
    (finding,) = run(log, detection("objectRef.resource=pods | table verb"))
    assert finding.actor.token_issuer == "issuer-1"
