"""Secrets in audit events: each kind of object and each way of writing one, through the reader of lines."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podhawk.events.collected import CollectedLine, EventDecoder
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.read import read_events
from podhawk.events.redaction.mask import Redaction

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0."
LAST = "kubectl.kubernetes.io/last-applied-configuration"
Members = dict[str, Any]


def audit(resource: str, request: Any = None, response: Any = None, **members: Any) -> Members:
    return {
        "kind": "Event",
        "level": "RequestResponse",
        "auditID": "a1",
        "stage": "ResponseComplete",
        "requestURI": f"/api/v1/namespaces/a/{resource}/x",
        "verb": "create",
        "user": {"username": "alice"},
        "objectRef": {"resource": resource, "namespace": "a", "name": "x"},
        "requestReceivedTimestamp": "2026-11-25T02:00:00.000001Z",
        "stageTimestamp": "2026-11-25T02:00:00.000002Z",
        **({} if request is None else {"requestObject": request}),
        **({} if response is None else {"responseObject": response}),
        **members,
    }


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(value: str, **members: Any) -> Members:
    return {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "x"},
        "data": {"shown-key": b64(value)},
        **members,
    }


def pod(**container: Any) -> Members:
    return {"kind": "Pod", "spec": {"containers": [{"name": "shown-key", **container}]}}


def places(value: str) -> dict[str, Members]:
    """An event for each place in which a secret may stand; `shown-key` stands beside it."""
    last = json.dumps(secret(value))
    operation = [{"op": "add", "path": "/data/shown-key", "value": b64(value)}]
    token = JWT + base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")
    uri = "/api/v1/namespaces/a/pods/x"
    key = {"shown-key": "1"}
    return {
        "secret": audit("secrets", secret(value)),
        "string data": audit("secrets", {"kind": "Secret", "stringData": {"shown-key": value}}),
        "answer": audit("secrets", None, secret(value)),
        "list": audit("secrets", None, {"kind": "SecretList", "items": [{"data": {"shown-key": b64(value)}}]}),
        "table": audit("secrets", None, {"kind": "Table", "rows": [{"cells": ["shown-key"], "object": secret(value)}]}),
        "any list": audit("lists", None, {"kind": "List", "items": [secret(value)]}),
        "merge patch": audit("secrets", {"data": {"shown-key": b64(value)}}),
        "strategic patch": audit("secrets", {"stringData": {"$patch": "replace", "shown-key": value}}),
        "json patch": audit("secrets", operation),
        "json patch of all": audit("secrets", [{"op": "replace", "path": "/data", "value": {"shown-key": b64(value)}}]),
        "json patch of the object": audit("secrets", [{"op": "replace", "path": "", "value": secret(value)}]),
        "json patch of the copy": audit(
            "secrets",
            [
                {
                    "op": "add",
                    "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
                    "value": last,
                }
            ],
        ),
        "last applied": audit("secrets", {"kind": "Secret", "metadata": {"annotations": {LAST: last}}}),
        "last applied, cut": audit("secrets", {"metadata": {"name": "shown-key", "annotations": {LAST: last[:-9]}}}),
        "last applied of a patch": audit("secrets", {"metadata": {"annotations": {LAST: last}}}),
        "inside another object": audit("manifests", {"kind": "Manifest", "spec": {"objects": [secret(value)]}}),
        "webhook": audit(
            "secrets",
            annotations={"patch.webhook.admission.k8s.io/round_0_index_0": json.dumps({"patch": operation})},
        ),
        "quoted in an error": audit(
            "secrets",
            None,
            {
                "kind": "Status",
                "message": f"shown-key: error found in #10 byte of ...|{value}|..., bigger context ...|{value}|...",
            },
        ),
        "token request": audit(
            "serviceaccounts",
            {"kind": "TokenRequest", "spec": {"audiences": ["shown-key"]}, "status": {"token": value}},
        ),
        "token review": audit("tokenreviews", {"kind": "TokenReview", "spec": {"token": value}, "metadata": key}),
        "token review without kind": audit("tokenreviews", {"spec": {"token": value}, "metadata": key}),
        "variable": audit("pods", pod(env=[{"name": "DB_PASSWORD", "value": value}])),
        "argument": audit("pods", pod(args=["--password", value])),
        "command": audit("pods", pod(command=["mysql", f"-p{value}"])),
        "member": audit("things", {"kind": "Thing", "spec": {"adminPassword": value, "name": "shown-key"}}),
        "jwt in a config map": audit("configmaps", {"kind": "ConfigMap", "data": {"shown-key": token}}),
        "jwt in the user agent": audit("pods", userAgent=f"shown-key {token}"),
        "jwt in an annotation": audit("pods", annotations={"shown-key": token}),
        "jwt in extra": audit("pods", user={"username": "alice", "extra": {"shown-key": [token]}}),
        "jwt in the path": audit("pods", requestURI=f"{uri}/proxy/shown-key/{token}"),
    }


@pytest.mark.parametrize("key", [b"", b"0123456789abcdef"])
@settings(max_examples=25, deadline=None)
@given(value=st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=4, max_size=30))
def test_a_secret_of_any_text_is_masked_in_each_place_and_its_key_stays(key: bytes, value: str) -> None:
    value = f"q7{value}zx"  # long enough to stand nowhere by chance, and no reference such as $TOKEN
    decoder = EventDecoder(ReadOptions(redaction=Redaction(key)))
    for name, event in places(value).items():
        line = json.dumps(event, ensure_ascii=False).encode()
        made = decoder.event(CollectedLine("log", 1, line))
        for shown in (made.view.raw, repr(made.view.data)):
            for one in (value, b64(value), json.dumps(value)[1:-1], base64.urlsafe_b64encode(value.encode()).decode()):
                assert one.rstrip("=") not in shown, name
        assert "shown-key" in made.view.raw, name
        assert "(redacted)" in made.view.raw or "hmac:" in made.view.raw, name
        assert decoder.event(made) is made, f"{name}: what is masked was masked again"


@pytest.mark.parametrize(
    "event",
    [
        audit("pods", pod(command=["ls", "-l"], env=[{"name": "HOME", "value": "/root"}])),
        audit("secrets", None, {"kind": "Status", "status": "Failure", "message": "not found", "code": 404}),
        audit("secrets", {"kind": "DeleteOptions", "propagationPolicy": "Background"}),
        audit("configmaps", {"kind": "ConfigMap", "data": {"password-file": "/x"}}),
        audit("serviceaccounts", {"kind": "TokenRequest", "spec": {"audiences": ["x"]}}),
        audit("ingresses", {"metadata": {"annotations": {"nginx.ingress.kubernetes.io/auth-secret": "basic"}}}),
    ],
)
def test_an_event_without_secrets_stays_as_it_was_read(event: Members) -> None:
    line = CollectedLine("log", 1, json.dumps(event).encode())
    assert EventDecoder(ReadOptions(redaction=Redaction())).event(line) == EventDecoder(ReadOptions()).event(line)


def test_a_value_has_the_same_hash_in_data_and_in_string_data() -> None:
    decoder = EventDecoder(ReadOptions(redaction=Redaction(b"0123456789abcdef")))
    found = [
        decoder.event(CollectedLine("log", 1, json.dumps(audit("secrets", body)).encode())).view.data["requestObject"]
        for body in ({"data": {"k": b64("hunter2")}}, {"stringData": {"k": "hunter2"}})
    ]
    assert found[0]["data"] == found[1]["stringData"]


def test_an_event_that_was_cut_in_the_middle_of_a_secret_does_not_show_it(tmp_path: Path) -> None:
    event = audit("secrets", secret("hunter2hunter2", data={"a": b64("hunter2hunter2"), "b": "x" * 99}))
    (tmp_path / "cut.log").write_text(json.dumps(event)[:-60])
    options = ReadOptions(redaction=Redaction())
    [made] = read_events([str(tmp_path / "cut.log")], options, InputReport())
    assert made.truncated
    assert b64("hunter2hunter2")[:8] not in made.view.raw


@pytest.mark.parametrize("layer", ["hec", "aks", "gke"])
def test_the_view_of_a_carrier_is_masked_too(tmp_path: Path, layer: str) -> None:
    event = audit("secrets", secret("hunter2hunter2"), verb="create")
    records: dict[str, Any] = {
        "hec": {"event": event, "sourcetype": "kube:audit"},
        "aks": {"category": "kube-audit", "resourceId": "/x", "properties": {"log": json.dumps(event)}},
        "gke": {
            "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
            "insertId": "i",
            "timestamp": "2026-11-25T02:00:00Z",
            "resource": {"type": "k8s_cluster", "labels": {}},
            "protoPayload": {
                "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
                "serviceName": "k8s.io",
                "methodName": "io.k8s.core.v1.secrets.create",
                "resourceName": "core/v1/namespaces/a/secrets/x",
                "request": secret("hunter2hunter2"),
                "response": secret("hunter2hunter2"),
            },
        },
    }
    (tmp_path / "log").write_text(json.dumps(records[layer]) + "\n")
    [made] = read_events([str(tmp_path / "log")], ReadOptions(redaction=Redaction()), InputReport())
    for view in (made.view, made.carrier):
        assert view is not None
        assert "(redacted)" in view.raw
        assert b64("hunter2hunter2") not in view.raw + repr(view.data)
