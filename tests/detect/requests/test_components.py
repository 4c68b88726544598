"""Who uses the credential of a component that is no component."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podhawk.detect.finding import Finding
from podhawk.detect.requests.components import credentials
from podhawk.detect.requests.request import Request, key_of
from podhawk.events.event import AuditEvent, Origin, View
from support.findings import detection, event, only_finding, run, write

KUBE_SYSTEM = ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"]
REPLICASETS = "system:serviceaccount:kube-system:replicaset-controller"
MANAGER = "system:kube-controller-manager"


def user(name: str, groups: list[str] | None = None, credential: str = "JTI=1") -> dict[str, Any]:
    extra = {"authentication.kubernetes.io/credential-id": [credential]}
    return {"username": name, "groups": KUBE_SYSTEM if groups is None else groups, "extra": extra}


def issued(to: str, by: str, credential: str = "JTI=1", address: str = "10.0.0.10") -> dict[str, Any]:
    """A request for a token."""
    return event(
        f"token-{by}",
        at="09:00:00.1",
        user={"username": by, "groups": ["system:authenticated"]},
        sourceIPs=[address],
        objectRef={"resource": "serviceaccounts", "subresource": "token", "namespace": "kube-system", "name": to},
        annotations={"authentication.kubernetes.io/issued-credential-id": credential},
    )


def made(by: dict[str, Any], address: str = "10.0.0.10", **members: Any) -> dict[str, Any]:
    return event("made", user=by, sourceIPs=[address], userAgent="kube-controller-manager/v1", **members)


def _owner(address: str) -> dict[str, Any]:
    """A ReplicaSet that its controller makes for a Deployment."""
    return event(
        "rs",
        at="09:00:00.1",
        user=user("system:serviceaccount:kube-system:deployment-controller"),
        sourceIPs=[address],
        objectRef={"resource": "replicasets", "namespace": "other", "name": "web-5d4f8c7b9"},
    )


def found(tmp_path: Path, *events: dict[str, Any]) -> Finding:
    search = "verb=create objectRef.resource IN (pods, secrets)"
    (one,) = (one for one in run(write(tmp_path / "a.log", *events), detection(search)) if one.kind != "incident")
    return one


def test_a_controller_with_the_token_that_was_issued_to_it_is_one(tmp_path: Path) -> None:
    one = found(tmp_path, issued("replicaset-controller", MANAGER), made(user(REPLICASETS)))
    assert (one.actor.kind, bool(one.actor.borrowed), one.visible) == ("controller", False, False)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ((issued("replicaset-controller", "eve"), made(user(REPLICASETS))), "its token was issued to eve"),
        ((made(user(REPLICASETS, credential="X509SHA256=1")),), "a certificate with the name of a service account"),
        (
            (issued("deployment-controller", MANAGER, "JTI=2"), made(user(REPLICASETS), "198.51.100.7")),
            "used from 198.51.100.7, not from 10.0.0.10",
        ),
        (
            (made(user(REPLICASETS), requestObject={"metadata": {"name": "x"}, "spec": {}}),),
            "a pod without an owner, which this controller never creates",
        ),
        (
            (made(user(REPLICASETS), requestURI="/api/v1/namespaces/default/pods?fieldManager=kubectl-create"),),
            "a pod with a field manager, which this controller never creates",
        ),
        (
            (_owner("127.0.0.1"), made(user(REPLICASETS), "10.9.9.9")),
            "used from 10.9.9.9, not from 127.0.0.1",
        ),
        (
            (_owner("10.0.0.10"), made(user(REPLICASETS), "198.51.100.7")),
            "used from 198.51.100.7, not from 10.0.0.10",
        ),
        (
            (made(user("system:apiserver", ["system:masters"]), "198.51.100.7"),),
            "the API server does not use 198.51.100.7 to reach itself",
        ),
        (
            (issued("job-controller", MANAGER), made(user(MANAGER, ["system:authenticated"]), "198.51.100.7")),
            "used from 198.51.100.7, not from 10.0.0.10",
        ),
    ],
)
def test_a_borrowed_credential_hid_what_was_done_with_it(
    tmp_path: Path, events: tuple[dict[str, Any], ...], why: str
) -> None:
    one = found(tmp_path, *events)
    assert one.actor.borrowed == why
    assert one.actor.kind in ("serviceaccount", "human")
    assert one.visible
    assert f"credential used elsewhere: {why}" in [reason.reason for reason in one.priority_reasons]


def test_a_kubelet_certificate_that_is_used_elsewhere_is_no_machinery(tmp_path: Path) -> None:
    node = user("system:node:n1", ["system:nodes", "system:authenticated"], "X509SHA256=1")
    token = event(
        "token",
        at="09:00:00.1",
        user=node,
        sourceIPs=["10.0.1.1"],
        objectRef={"resource": "serviceaccounts", "subresource": "token", "namespace": "shop", "name": "api"},
        annotations={"authentication.kubernetes.io/issued-credential-id": "JTI=9"},
    )
    (tmp_path / "home").mkdir()
    assert not found(tmp_path / "home", token, made(node, "10.0.1.1")).actor.borrowed
    stolen = found(tmp_path, token, made(node, "198.51.100.7"))
    assert stolen.actor.borrowed
    assert "control plane or node" not in [reason.reason for reason in stolen.priority_reasons]


def test_tokens_of_another_cluster_prove_nothing() -> None:
    def of(cluster: str, data: dict[str, Any]) -> Request:
        seen = AuditEvent(View(data, ""), None, 1.0, 1.0, Origin("a.log", 1), cluster=cluster)
        return Request(key_of(seen), (seen,))

    shown = credentials([of("east", issued("replicaset-controller", "eve"))])
    assert shown.issuer(of("east", made(user(REPLICASETS)))) == "eve"
    assert shown.issuer(of("west", made(user(REPLICASETS)))) == ""


def test_a_name_that_looks_like_a_components_is_a_person(tmp_path: Path) -> None:
    for name in ("system:kube-scheduler-x", "system:serviceaccounts:kube-system:job-controller", "eks:foo"):
        one = only_finding(tmp_path, event(user={"username": name, "groups": ["system:authenticated"]}, userAgent="x"))
        assert (one.actor.kind, one.visible) == ("human", True)
