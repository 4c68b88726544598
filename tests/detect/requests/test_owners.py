"""Who wrote the template of a pod, and who made a controller act on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from podhawk.content.model import Detection
from podhawk.detect.finding import Actor, ChainLink, Finding, identity_of
from podhawk.detect.report.finding_json import from_record, to_record
from podhawk.detect.report.sentences import who
from podhawk.detect.requests.components import Credentials
from podhawk.detect.requests.owner_writes import write_of
from podhawk.detect.requests.owners import Owners
from podhawk.detect.requests.request import Request, key_of
from podhawk.events.event import AuditEvent, Origin, View
from support.findings import detection, event, only_finding, run, write

FINDING = Finding(
    finding_id="x",
    detection=Detection(name="Made", search=""),
    kind="intermediate",
    first_time=1.0,
    last_time=1.0,
    title="",
    severity="low",
    risk_score=0,
    cluster="",
)
KUBE_SYSTEM = ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"]
SEARCH = "verb=create objectRef.resource=pods NOT objectRef.subresource=*"


def template(image: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "image": image}]}}


def account(name: str) -> dict[str, Any]:
    return {"username": f"system:serviceaccount:kube-system:{name}", "groups": KUBE_SYSTEM}


def change(
    audit_id: str, at: str, who: str, verb: str, image: str, body: Any = None, part: str = "", kind: str = "deployments"
) -> dict[str, Any]:
    """A change of the Deployment `web`, with its template in the answer."""
    reference = {"resource": kind, "namespace": "shop", "name": "web"}
    return event(
        audit_id,
        at=at,
        verb=verb,
        level="RequestResponse",
        user={"username": who, "groups": ["dev"]},
        objectRef={**reference, "subresource": part} if part else reference,
        responseStatus={"code": 201 if verb == "create" else 200},
        requestObject=body,
        responseObject={} if part else {"metadata": {"name": "web"}, "spec": {"template": template(image)}},
    )


def replicas(at: str, image: str) -> dict[str, Any]:
    return event(
        "rs",
        at=at,
        level="RequestResponse",
        user=account("deployment-controller"),
        objectRef={"resource": "replicasets", "namespace": "shop", "name": "web-5d4f8c7b9"},
        responseObject={"metadata": _owned("Deployment", "web"), "spec": {"template": template(image)}},
    )


def pod(at: str, image: str) -> dict[str, Any]:
    return event(
        "pod",
        at=at,
        level="RequestResponse",
        user=account("replicaset-controller"),
        userAgent="kcm",
        objectRef={"resource": "pods", "namespace": "shop"},
        requestObject={"metadata": _owned("ReplicaSet", "web-5d4f8c7b9"), **template(image)},
    )


def _owned(kind: str, name: str) -> dict[str, Any]:
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True}]}


def actor(tmp_path: Path, *events: dict[str, Any]) -> Actor:
    return only_finding(tmp_path, *events, search=SEARCH).actor


def behind(one: Actor) -> tuple[str, bool, str]:
    return one.chain[-1].user, one.chain[-1].certain, one.trigger.user if one.trigger else ""


FRESH = (change("d", "09:00:00.1", "ann", "create", "good"), replicas("09:00:00.2", "good"))
POISON = change("p", "09:10:00.1", "eve", "patch", "bad", {"spec": {"template": template("bad")}})


def test_who_scaled_was_charged_with_the_template(tmp_path: Path) -> None:
    scaled = change("s", "09:05:00.1", "bob", "patch", "", {"spec": {"replicas": 3}}, "scale")
    assert behind(actor(tmp_path, *FRESH, scaled, pod("09:05:00.3", "good"))) == ("ann", True, "bob")


def test_a_change_of_something_else_is_no_change_of_the_template(tmp_path: Path) -> None:
    labelled = change("l", "09:05:00.1", "bob", "update", "good", {"spec": {"template": template("good")}})
    assert behind(actor(tmp_path, *FRESH, labelled, pod("09:05:00.3", "good"))) == ("ann", True, "bob")


def test_who_poisoned_a_template_is_charged_with_its_pods_and_nobody_else(tmp_path: Path) -> None:
    poisoned = {**replicas("09:10:00.2", "bad"), "auditID": "rs2"}
    assert behind(actor(tmp_path, *FRESH, POISON, poisoned, pod("09:10:00.3", "bad"))) == ("eve", True, "")


def test_a_pod_of_the_template_before_is_not_certain(tmp_path: Path) -> None:
    one = actor(tmp_path, FRESH[0], POISON, replicas("09:10:00.2", "good"), pod("09:10:00.3", "good"))
    assert behind(one)[:2] == ("ann", False)
    assert [link.user for link in one.possible or ()] == ["ann", "eve"]


def test_a_template_that_nobody_wrote_in_this_log_is_charged_to_nobody(tmp_path: Path) -> None:
    forged = {**pod("09:05:00.3", "forged"), "requestObject": {"metadata": _owned("ReplicaSet", "web-5d4f8c7b9")}}
    forged["requestObject"].update(template("forged"))
    assert not actor(tmp_path, *FRESH, forged).chain_complete


def test_a_change_half_a_second_later_was_taken_for_the_cause(tmp_path: Path) -> None:
    later = change("s", "09:05:00.8", "bob", "patch", "", {"spec": {"replicas": 3}}, "scale")
    assert behind(actor(tmp_path, *FRESH, pod("09:05:00.3", "good"), later)) == ("ann", True, "")


def test_who_deleted_a_pod_made_the_controller_act(tmp_path: Path) -> None:
    deleted = event(
        "x",
        at="09:05:00.1",
        verb="delete",
        user={"username": "eve", "groups": []},
        objectRef={"resource": "pods", "namespace": "shop", "name": "web-5d4f8c7b9-abcde"},
        responseStatus={"code": 200},
    )
    other = {**deleted, "auditID": "y", "user": {"username": "bob"}, "objectRef": {**deleted["objectRef"], "name": "z"}}
    assert behind(actor(tmp_path, *FRESH, deleted, other, pod("09:05:00.3", "good"))) == ("ann", True, "eve")


def test_a_job_without_a_name_in_the_log_has_a_maker(tmp_path: Path) -> None:
    nameless = event(
        "j",
        at="09:00:00.1",
        user={"username": "eve", "groups": []},
        objectRef={"resource": "jobs", "namespace": "default"},
    )
    made = event(
        "p",
        at="09:00:00.2",
        user=account("job-controller"),
        objectRef={"resource": "pods", "namespace": "default"},
        userAgent="kcm",
    )
    one = only_finding(tmp_path, nameless, made, search=SEARCH)
    assert behind(one.actor) == ("eve", False, "")
    assert one.visible


def test_an_owner_of_another_cluster_is_none() -> None:
    def of(cluster: str, data: dict[str, Any]) -> Request:
        seen = AuditEvent(View(data, ""), None, float(data["auditID"] == "pod"), 1.0, Origin("a", 1), cluster=cluster)
        return Request(key_of(seen), (seen,))

    writes = [write_of(of("east", one), Credentials()) for one in FRESH]
    owners = Owners(write for write in writes if write is not None)
    assert owners.chain(of("east", pod("09:05:00.3", "good"))).complete
    assert not owners.chain(of("west", pod("09:05:00.3", "good"))).links


def test_what_an_autoscaler_makes_of_a_reported_template_is_shown_once_more(tmp_path: Path) -> None:
    scaled = {
        **change("h", "09:15:00.1", "x", "patch", "", {"spec": {"replicas": 9}}, "scale"),
        "user": account("horizontal-pod-autoscaler"),
    }
    poisoned = {**replicas("09:10:00.2", "bad"), "auditID": "rs2"}
    more = [{**pod("09:15:00.3", "bad"), "auditID": f"pod{number}"} for number in range(2)]
    log = write(tmp_path / "a.log", *FRESH, POISON, poisoned, pod("09:10:00.3", "bad"), scaled, *more)
    search = "verb IN (create, patch) objectRef.resource IN (pods, deployments) NOT objectRef.subresource=*"
    known = detection(search, risk_score=50)  # a patch by a person is no ordinary work then
    found = {one.requests[0].audit_id: one for one in run(log, known) if one.kind != "incident"}
    assert not found["pod"].visible  # the poisoned template is in sight
    assert found["p"].visible
    assert (found["pod0"].actor.cause, found["pod0"].visible, found["pod1"].visible) == ("h", True, False)


def test_a_write_that_another_detection_shows_hid_what_the_controller_made_of_it(tmp_path: Path) -> None:
    poisoned = {**replicas("09:10:00.2", "bad"), "auditID": "rs2"}
    log = write(tmp_path / "a.log", *FRESH, POISON, poisoned, pod("09:10:00.3", "bad"))
    writes = detection("verb=patch objectRef.resource=deployments", name="Writes", id="w", risk_score=50)
    found = {one.requests[0].audit_id: one for one in run(log, writes, detection(SEARCH)) if one.kind != "incident"}
    assert found["p"].visible
    assert found["pod"].visible


def test_pods_of_a_stateful_set_have_volumes_that_its_template_has_not(tmp_path: Path) -> None:
    made = change("s", "09:00:00.1", "ann", "create", "good", kind="statefulsets")
    poisoned = change(
        "p", "09:10:00.1", "eve", "patch", "bad", {"spec": {"template": template("bad")}}, kind="statefulsets"
    )
    body = {"metadata": _owned("StatefulSet", "web"), **template("good")}
    body["spec"] = {**body["spec"], "volumes": [{"name": "data"}]}
    old = {**pod("09:05:00.3", "good"), "user": account("statefulset-controller"), "requestObject": body}
    assert behind(actor(tmp_path, made, old, poisoned)) == ("ann", True, "")


def test_how_sure_it_is_who_is_behind_a_controller_is_said_and_follows_from_the_chain() -> None:
    def link(user: str, certain: bool) -> ChainLink:
        return ChainLink("Deployment", "shop", "web", user, "a0", certain)

    def controller(**members: Any) -> Actor:
        return Actor(user="system:serviceaccount:kube-system:replicaset-controller", kind="controller", **members)

    several = (link("alice", False), link("bob", False))
    for actor, certainty, said in (
        (controller(chain=(link("alice", True),)), "certain", "acting for alice"),
        (controller(chain=(link("alice", False),)), "likely", "likely acting for alice: Deployment web was the only"),
        (
            controller(chain_complete=False, possible=several),
            "possible",
            "possibly acting for alice, bob: several people",
        ),
        (controller(chain_complete=False), None, "replicaset-controller"),
        (Actor(user="alice", kind="human"), None, "alice"),
    ):
        assert actor.certainty == certainty
        assert said in who(actor)
        found = replace(FINDING, actor=actor)
        record = json.loads(json.dumps(to_record(found)))
        assert record["actor"].get("certainty") == certainty
        assert ("inferred" in record["actor"]) is (certainty in ("likely", "possible"))
        assert from_record(record).actor.certainty == certainty
        assert identity_of(found) == ("alice" if certainty == "certain" else actor.user)


def test_a_repeated_audit_id_gave_a_deletion_the_time_of_another(tmp_path: Path) -> None:
    def deleted(at: str) -> dict[str, Any]:
        return event(
            "same",
            at=at,
            verb="delete",
            user={"username": "eve", "groups": []},
            objectRef={"resource": "pods", "namespace": "shop", "name": "web-5d4f8c7b9-abcde"},
            responseStatus={"code": 200},
        )

    found = actor(tmp_path, deleted("08:00:00.1"), *FRESH, deleted("09:05:00.1"), pod("09:05:00.3", "good"))
    assert behind(found) == ("ann", True, "eve")
