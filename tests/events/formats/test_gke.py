"""Cloud Logging entries of GKE, rebuilt as audit events."""

from __future__ import annotations

from typing import Any

import pytest

from events.conftest import Read
from podhawk.events import fields_of
from support.samples import gke, text


def rebuilt(read: Read, entry: dict[str, Any]) -> dict[str, Any]:
    (one,), report = read(text(entry))
    assert not report.rejected
    return one.view.data


METHODS = [
    (
        "io.k8s.core.v1.pods.create",
        "core/v1/namespaces/d/pods/web",
        "create",
        {"resource": "pods", "namespace": "d", "name": "web", "apiGroup": "core", "apiVersion": "v1"},
    ),
    (
        "io.k8s.core.v1.pods.ephemeralcontainers.patch",
        "core/v1/namespaces/d/pods/web/ephemeralcontainers",
        "patch",
        {
            "resource": "pods",
            "namespace": "d",
            "name": "web",
            "apiGroup": "core",
            "apiVersion": "v1",
            "subresource": "ephemeralcontainers",
        },
    ),
    (
        "io.k8s.authorization.rbac.v1beta1.clusterrolebindings.create",
        "rbac.authorization.k8s.io/v1beta1/clusterrolebindings/x",
        "create",
        {
            "resource": "clusterrolebindings",
            "name": "x",
            "apiGroup": "rbac.authorization.k8s.io",
            "apiVersion": "v1beta1",
        },
    ),
    (
        "io.k8s.core.v1.namespaces.finalize.update",
        "core/v1/namespaces/x/finalize",
        "update",
        {"resource": "namespaces", "name": "x", "apiGroup": "core", "apiVersion": "v1", "subresource": "finalize"},
    ),
    (
        "io.k8s.core.v1.secrets.list",
        "core/v1/secrets",
        "list",
        {"resource": "secrets", "apiGroup": "core", "apiVersion": "v1"},
    ),
    (
        "io.k8s.core.v1.pods.deletecollection",
        "core/v1/namespaces/d/pods",
        "deletecollection",
        {"resource": "pods", "namespace": "d", "apiGroup": "core", "apiVersion": "v1"},
    ),
    (
        "io.k8s.apps.v1.deployments.scale.patch",
        "",
        "patch",
        {"resource": "deployments", "apiGroup": "apps", "apiVersion": "v1", "subresource": "scale"},
    ),
    (
        "com.example.v1alpha1.widgets.get",
        "example.com/v1alpha1/namespaces/d/widgets/w",
        "get",
        {"resource": "widgets", "namespace": "d", "name": "w", "apiGroup": "example.com", "apiVersion": "v1alpha1"},
    ),
]


@pytest.mark.parametrize(("method", "name", "verb", "ref"), METHODS, ids=[case[0] for case in METHODS])
def test_methods(method: str, name: str, verb: str, ref: dict[str, str], read: Read) -> None:
    data = rebuilt(read, gke(method, name))
    assert data["verb"] == verb
    assert data["objectRef"] == ref
    assert data.get("requestURI") == (name or None)


def test_a_path_that_is_no_resource(read: Read) -> None:
    data = rebuilt(read, gke("io.k8s.get", "healthz"))
    assert (data["verb"], data["requestURI"]) == ("get", "/healthz")
    assert "objectRef" not in data


STATUS = [
    ({}, {}, "create", "201", None),
    ({"code": 0}, {}, "delete", "200", None),
    ({"code": 7, "message": "PERMISSION_DENIED"}, {}, "create", "403", "Forbidden"),
    ({"code": 16}, {}, "get", "401", "Unauthorized"),
    ({"code": 5}, {}, "get", "404", "NotFound"),
    ({"code": 6}, {}, "create", "409", "Conflict"),
    ({"code": 3}, {}, "create", "400", "BadRequest"),
    ({"code": 2, "message": "UNKNOWN"}, {}, "exec.create", "101", None),
    ({"code": 2, "message": "UNKNOWN"}, {}, "portforward.create", "101", None),
    ({"code": 2}, {}, "create", "500", "InternalError"),
    (
        {"code": 10},
        {"kind": "Status", "code": 422, "reason": "Invalid", "status": "Failure"},
        "create",
        "422",
        "Invalid",
    ),
]


@pytest.mark.parametrize(("status", "response", "verb", "code", "reason"), STATUS)
def test_status(
    status: dict[str, Any], response: dict[str, Any], verb: str, code: str, reason: str | None, read: Read
) -> None:
    more = {"response": response} if response else {}
    found = rebuilt(read, gke(f"io.k8s.core.v1.pods.{verb}", status=status, **more))["responseStatus"]
    assert found["code"] == code
    assert found.get("reason") == reason


def test_refusals(read: Read) -> None:
    entry = gke(authorizationInfo=[{"resource": "core/v1/x", "permission": "io.k8s.core.v1.pods.create"}])
    del entry["labels"]
    data = rebuilt(read, entry)
    assert data["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert data["responseStatus"]["code"] == "403"
    entry["protoPayload"]["authorizationInfo"][0]["granted"] = True
    assert rebuilt(read, entry)["annotations"]["authorization.k8s.io/decision"] == "allow"


def test_what_gke_does_not_give_is_missing_never_empty(read: Read) -> None:
    (one,), _ = read(text(gke()))
    fields = fields_of(one.view)
    assert {"user.groups{}", "user.uid", "requestObject", "responseObject"} <= one.missing
    assert not [name for name in fields if any(name.startswith(lost) for lost in one.missing)]
    assert "" not in fields.values()
    bare = {"protoPayload": {"methodName": "io.k8s.core.v1.pods.create", "request": {"spec": {"hostPID": True}}}}
    (one,), _ = read(text(bare))
    assert {"auditID", "user", "sourceIPs{}", "userAgent", "requestURI", "annotations"} <= one.missing
    assert one.view.data["requestObject"] == {"spec": {"hostPID": True}}
    assert one.time is None


def test_the_command_of_an_exec_is_read_from_its_label(read: Read) -> None:
    entry = gke("io.k8s.core.v1.pods.exec.create", "core/v1/namespaces/d/pods/w/exec")
    (one,), _ = read(text(entry))
    assert "annotations.command.gke.io/command" in one.missing
    assert one.view.data["stage"] == "ResponseStarted"
    entry["labels"]["command.gke.io/command"] = "sh -c 'cat /etc/shadow'"
    (one,), _ = read(text(entry))
    assert one.view.data["requestURI"].endswith("/exec?command=sh&command=-c&command=cat%20%2Fetc%2Fshadow")
    assert "annotations.command.gke.io/command" not in one.missing


def test_the_go_form_without_its_payload_text(read: Read) -> None:
    entry = {
        "Entry": {
            "Timestamp": "2026-11-01T10:00:00.5Z",
            "InsertID": "g1",
            "Labels": {"a": "b"},
            "Operation": {"id": "g1", "first": True, "last": True},
            "Payload": {
                "service_name": "k8s.io",
                "method_name": "io.k8s.core.v1.pods.create",
                "resource_name": "core/v1/namespaces/d/pods/w",
                "status": {},
                "authentication_info": {"principal_email": "a"},
                "request_metadata": {"caller_ip": "1.2.3.4", "caller_supplied_user_agent": "k"},
                "request": {
                    "fields": {
                        "n": {"Kind": {"NumberValue": 30}},
                        "z": {"Kind": {"NullValue": 0}},
                        "l": {"Kind": {"ListValue": {"values": [{"Kind": {"BoolValue": True}}]}}},
                        "s": {"Kind": {"StructValue": {}}},
                    }
                },
            },
        }
    }
    data = rebuilt(read, entry)
    assert data["requestObject"] == {"n": "30", "z": None, "l": [True], "s": {}}
    assert (data["user"], data["sourceIPs"], data["userAgent"]) == ({"username": "a"}, ["1.2.3.4"], "k")
    assert data["requestReceivedTimestamp"] == "2026-11-01T10:00:00.500000Z"


def test_the_add_ons_fields_are_aliases_of_the_carrier(read: Read) -> None:
    (one,), _ = read(text(gke()))
    assert one.carrier is not None
    fields = fields_of(one.carrier)
    assert (fields["src_ip"], fields["src_user"], fields["http_user_agent"]) == (
        "192.0.2.7",
        "alice@example.com",
        "kubectl/v1",
    )
    assert fields["data.labels.authorization.k8s.io/decision"] == "allow"
    entry = gke()
    entry["protoPayload"]["requestMetadata"] = {"callerIP": "192.0.2.8"}
    (one,), _ = read(text(entry))
    assert one.carrier is not None
    assert fields_of(one.carrier)["src_ip"] == "192.0.2.8"


def who(read: Read, about: Any, **payload: Any) -> tuple[Any, Any, frozenset[str]]:
    """User and impersonated user of an entry, and what is missing of it."""
    entry = gke(**({} if about is None else {"authenticationInfo": about}), **payload)
    if about is None:
        del entry["protoPayload"]["authenticationInfo"]
    if payload:
        entry["labels"] = {}
    (one,), _ = read(text(entry))
    return one.view.data.get("user"), one.view.data.get("impersonatedUser"), one.missing


def test_in_whose_name_a_request_was_made(read: Read) -> None:
    user, impersonated, missing = who(read, {"principalEmail": "alice", "authoritySelector": "system:admin"})
    assert (user, impersonated) == ({"username": "alice"}, {"username": "system:admin"})
    assert {"impersonatedUser.groups{}", "impersonatedUser.uid"} <= missing
    assert "impersonatedUser" not in missing
    user, impersonated, missing = who(read, {"principalEmail": "alice"})
    assert (user, impersonated) == ({"username": "alice"}, None)
    assert "impersonatedUser" not in missing  # where nobody was impersonated, none is named
    assert who(read, {"principalSubject": "principal://x/y", "authoritySelector": "bob"})[:2] == (
        {"username": "principal://x/y"},
        {"username": "bob"},
    )
    assert who(read, {"principalEmail": "bob", "authoritySelector": "bob"})[1] is None
    assert who(read, {"principalEmail": "", "authoritySelector": "bob"})[:2] == (None, {"username": "bob"})


def test_a_request_that_was_let_through_without_a_principal_was_anonymous(read: Read) -> None:
    anonymous = {"username": "system:anonymous"}
    for about in ({}, {"principalEmail": ""}, {"authoritySelector": "system:anonymous"}, None):
        assert who(read, about)[:2] == (anonymous, None)
    assert who(read, {}, authorizationInfo=[{"granted": True}])[0] == anonymous
    assert who(read, {}, status={"code": 5})[0] == anonymous
    assert who(read, {"authoritySelector": "system:anonymous"}, status={"code": 7})[0] == anonymous


def test_who_was_refused_or_is_not_told_of_is_not_known(read: Read) -> None:
    """Cloud Logging redacts principals that were refused; rows of chosen columns may lack them."""
    for payload in ({"status": {"code": 7}}, {"status": {"code": 16}}, {"authorizationInfo": [{"granted": False}]}):
        user, _, missing = who(read, {}, **payload)
        assert user is None
        assert "user" in missing
    assert who(read, None, status={})[0] is None
    assert read(text(gke(authenticationInfo=None, requestMetadata=None)))[0][0].view.data.get("user") != {}


def test_the_people_behind_a_service_account_are_kept(read: Read) -> None:
    chain = [
        {"firstPartyPrincipal": {"principalEmail": "alice@example.com"}},
        {"principalSubject": "principal://pool/bob"},
        {},
    ]
    user, _, missing = who(read, {"principalEmail": "sa@p", "serviceAccountDelegationInfo": chain})
    assert user == {
        "username": "sa@p",
        "extra": {"serviceAccountDelegationInfo": ["alice@example.com", "principal://pool/bob"]},
    }
    assert "user.extra" not in missing
