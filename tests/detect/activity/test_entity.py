"""What one entity did: where it is looked for, what is counted, what is new, and that parts of a log add up."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from podhawk import api
from podhawk.content.model import Content
from podhawk.detect.activity.digests import entity_scan
from podhawk.detect.activity.entity import EntityDigest
from podhawk.detect.activity.kept import BoundedSet
from podhawk.detect.activity.profile import EntityProfile, profile_of
from podhawk.events.inputs import Inputs
from support.findings import NOW, detection, event, received, write

POD = {"authentication.kubernetes.io/pod-name": ["web-1"], "authentication.kubernetes.io/node-name": ["n1"]}
BUILDER = "system:serviceaccount:team-a:builder"
CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"


def profile(tmp_path: Path, name: str, *events: dict[str, Any], since: float | None = None) -> EntityProfile:
    log = write(tmp_path / "audit.log", *events)
    session = api.session_of({"now": NOW, "jobs": 1})
    content = Content(detections=[detection("verb=delete")])
    scan, digest = entity_scan(name, content, session)
    with Inputs([str(log)], keep=True) as inputs:
        result = api.run(content, session=replace(session, along=scan), inputs=inputs)
        return profile_of(digest(inputs), result.found.findings, since)


def values(found: EntityProfile, facet: str) -> dict[str, int]:
    return {one.value: one.occurrence.count for one in found.of(facet)}


def test_requests_are_counted_once_whatever_stages_the_log_has(tmp_path: Path) -> None:
    found = profile(
        tmp_path, "alice", received("a"), event("a"), event("b", verb="get"), event("c", user={"username": "bob"})
    )
    assert (found.requests.count, found.events.count) == (2, 3)
    assert values(found, "actions") == {"create pods -n default": 1, "get pods -n default": 1}
    assert values(found, "addresses") == {"10.0.0.7": 2}
    assert values(found, "as") == {"user": 2}


@pytest.mark.parametrize(
    ("name", "role", "members"),
    [
        ("10.0.0.7", "address", {}),
        ("9.9.9.9", "address named by the client", {"sourceIPs": ["9.9.9.9", "10.0.0.7"]}),
        ("web-1", "pod", {"user": {"username": BUILDER, "extra": POD}}),
        ("n1", "node of a pod", {"user": {"username": BUILDER, "extra": POD}}),
        ("n1", "node", {"user": {"username": "system:node:n1"}}),
        ("admin", "impersonated user", {"impersonatedUser": {"username": "admin"}}),
        ("web", "target (pods)", {}),
    ],
)
def test_a_name_is_looked_for_wherever_it_can_stand(
    tmp_path: Path, name: str, role: str, members: dict[str, Any]
) -> None:
    found = profile(tmp_path, name, event("a", **members))
    assert values(found, "as") == {role: 1}


@pytest.mark.parametrize(
    ("asked", "logged"),
    [
        ("2001:db8::1", "2001:db8::1"),
        ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001"),
        ("2001:db8::1", "2001:DB8:0:0:0:0:0:1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("10.0.0.9", "::ffff:10.0.0.9"),
        ("10.0.0.9", "::ffff:a00:9"),
        ("fe80::1", "fe80::1%eth0"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_an_address_is_the_same_however_it_is_spelled(tmp_path: Path, asked: str, logged: str) -> None:
    found = profile(tmp_path, asked, event("a", sourceIPs=[logged], verb="delete"), event("b"))
    assert values(found, "as") == {"address": 1}
    assert len(found.findings) == 1


@pytest.mark.parametrize(
    ("asked", "logged"),
    [("fe80::1%eth0", "fe80::1"), ("fe80::1%eth0", "fe80::1%eth1"), ("10.0.0.1", "10.0.0.10"), ("::1", "::1:1")],
)
def test_another_address_is_not_taken_for_it(tmp_path: Path, asked: str, logged: str) -> None:
    assert not profile(tmp_path, asked, event("a", sourceIPs=[logged])).events.count


def test_impersonation_is_told_from_both_sides(tmp_path: Path) -> None:
    events = [event("a", impersonatedUser={"username": "admin"})]
    assert values(profile(tmp_path, "alice", *events), "impersonated") == {"admin": 1}
    assert values(profile(tmp_path, "admin", *events), "impersonated by") == {"alice": 1}


def test_tokens_that_it_asked_for(tmp_path: Path) -> None:
    token = event(
        "t",
        objectRef={"resource": "serviceaccounts", "subresource": "token", "namespace": "team-a", "name": "builder"},
        annotations={"authentication.kubernetes.io/issued-credential-id": "JTI=1"},
    )
    assert values(profile(tmp_path, "alice", token), "tokens asked for") == {"team-a/builder (JTI=1)": 1}


def test_a_pod_of_a_controller_is_due_to_who_made_its_owner(tmp_path: Path) -> None:
    owner = event(
        "o",
        requestURI="/apis/apps/v1/replicasets",
        objectRef={"resource": "replicasets", "namespace": "default", "name": "web"},
    )
    body = {"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": True}]}}
    pod = event("p", at="10:00:01.000001", user={"username": CONTROLLER}, requestObject=body)
    found = profile(tmp_path, "alice", owner, pod)
    assert values(found, "pods caused") == {"default/web (replicaset web)": 1}
    assert found.requests.count == 1


def test_new_is_what_was_not_there_before(tmp_path: Path) -> None:
    events = [
        event("a", at="10:00:00.000001"),
        event("b", at="10:30:00.000001", sourceIPs=["10.9.9.9"], verb="delete"),
        event("c", at="10:31:00.000001"),
    ]
    since = 1795602600.0  # 10:30
    found = profile(tmp_path, "alice", *events, since=since)
    assert {one.value for one in found.values if one.new} == {"10.9.9.9", "delete pods -n default"}
    assert [one.requests[0].verb for one in found.findings] == ["delete"]
    assert profile(tmp_path, "alice", *events).since is None


def test_an_entity_that_no_event_names(tmp_path: Path) -> None:
    found = profile(tmp_path, "nobody", event("a"))
    assert (found.events.count, found.values, found.findings) == (0, (), ())


def test_a_selection_does_not_depend_on_the_order() -> None:
    chance, things = random.Random(1), list(range(300))
    kept = set()
    for _ in range(4):
        chance.shuffle(things)
        first: BoundedSet[int] = BoundedSet(20)
        second: BoundedSet[int] = BoundedSet(20)
        for one in things:
            (first if one % 3 else second).add(str(one), one)
        first.merge(second)
        assert not first.complete
        kept.add(tuple(sorted(first)))
    assert len(kept) == 1
    assert len(next(iter(kept))) == 20


def test_two_processes_say_what_one_says(tmp_path: Path) -> None:
    lines = [event(f"{number}", userAgent=f"agent-{number % 50}") for number in range(2000)]
    log = write(tmp_path / "audit.log", *lines)
    found = []
    for jobs in (1, 2):
        session = api.session_of({"now": NOW, "jobs": jobs})
        session = replace(session, engine=replace(session.engine, parallel_from=1, smallest_split=1000))
        _, digest = entity_scan("alice", Content(), session)
        with Inputs([str(log)]) as inputs:
            made: EntityDigest = digest(inputs)
        found.append(
            [
                (facet, sorted((v, o.count, o.first, o.last) for v, o in c.values.items()))
                for facet, c in made.facets.items()
            ]
        )
    assert found[0] == found[1]
    assert found[0][3][1][0][1] == 40


def test_a_detection_that_reads_whole_events_does_not_show_secrets(tmp_path: Path) -> None:
    """The digest is made along with other searches, whose events it must not unmask."""
    token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJhYmNkZWZnaGlqa2xtbm8ifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    log = write(tmp_path / "audit.log", event("a", userAgent=f"agent {token}"))
    whole = detection("verb=create | append [search verb=create] | table user.username userAgent", type="TTP")
    content = Content(detections=[whole])
    session = api.session_of({"now": NOW, "jobs": 1})
    scan, digest = entity_scan("alice", content, session)
    with Inputs([str(log)], keep=True) as inputs:
        result = api.run(content, session=replace(session, along=scan), inputs=inputs)
        found = profile_of(digest(inputs), result.found.findings, None)
    assert len(result) > 0
    assert values(found, "agents") != {}
    assert token not in str(result.records())
    assert token not in str(list(found.records()))


def seen_for(tmp_path: Path, name: str, *events: dict[str, Any]) -> list[str]:
    """The auditIDs of the findings that are made when an entity is asked for."""
    log = write(tmp_path / "audit.log", *events)
    session = api.session_of({"now": NOW, "jobs": 1})
    content = Content(detections=[detection("verb=create")])
    scan, _ = entity_scan(name, content, session)
    with Inputs([str(log)], keep=True) as inputs:
        result = api.run(content, session=replace(session, along=scan), inputs=inputs)
    return sorted(one.requests[0].audit_id for one in result.found.findings)


def test_searches_look_only_at_what_matters_to_the_entity(tmp_path: Path) -> None:
    owner = event("o", objectRef={"resource": "deployments", "namespace": "default", "name": "web"})
    events = [
        event("a", user={"username": "alice"}, sourceIPs=["10.1.1.1"]),
        event("b", user={"username": "alice"}, sourceIPs=["10.2.2.2"]),
        event("c", user={"username": "bob"}, sourceIPs=["10.3.3.3"]),
        event("d", user={"username": CONTROLLER}, sourceIPs=["10.4.4.4"]),
    ]
    assert seen_for(tmp_path, "alice", *events) == ["a", "b"]
    assert seen_for(tmp_path, "10.1.1.1", *events) == ["a", "b"]  # how urgent a is depends on b
    assert seen_for(tmp_path, "bob", *events, owner | {"user": {"username": "bob"}}) == ["c", "d", "o"]
    assert seen_for(tmp_path, "nobody", *events) == []


def test_an_entity_with_many_users_is_asked_of_the_whole_log(tmp_path: Path) -> None:
    events = [event(f"{number}", user={"username": f"u{number}"}) for number in range(70)]
    assert len(seen_for(tmp_path, "10.0.0.7", *events, event("x", sourceIPs=["10.9.9.9"]))) == 71
