"""The shipped pack reads JSON patches operation by operation, and dry runs as the API server does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podhawk import api
from podhawk.content import load_content, shipped_pack
from support.findings import NOW, event, write

PACK = load_content([shipped_pack()])
BAD: dict[str, Any] = {"name": "c", "image": "busybox", "securityContext": {"privileged": True}}
GOOD: dict[str, Any] = {"name": "c", "image": "busybox", "securityContext": {"privileged": False}}
TEMPLATES = {
    "pods": "/spec",
    "deployments": "/spec/template/spec",
    "replicationcontrollers": "/spec/template/spec",
    "jobs": "/spec/template/spec",
    "cronjobs": "/spec/jobTemplate/spec/template/spec",
    "podtemplates": "/template/spec",
}


def _patch(resource: str, *operations: dict[str, Any], **members: Any) -> dict[str, Any]:
    return event(
        verb="patch",
        level="Request",
        objectRef={"resource": resource, "namespace": "shop", "name": "web"},
        requestURI=f"/apis/apps/v1/namespaces/shop/{resource}/web",
        responseStatus={"code": 200},
        requestObject=list(operations),
        **members,
    )


def _found(tmp_path: Path, one: dict[str, Any]) -> set[str]:
    """The detections that found the event, without the one that finds every write of a workload of a person."""
    result = api.run(PACK, write(tmp_path / "a.log", one), now=NOW, jobs=1)
    return {found.detection.name for found in result if found.kind != "incident"} - {"Kubernetes Workload Written"}


def _op(path: str, value: Any, op: str = "add") -> dict[str, Any]:
    return {"op": op, "path": path, "value": value}


def _nested(path: str, value: Any) -> Any:
    for name in reversed(path.strip("/").split("/")):
        value = {name: value}
    return value


@pytest.mark.parametrize("resource", TEMPLATES)
@pytest.mark.parametrize("depth", ["flag", "context", "container", "list", "spec", "whole"])
def test_a_flag_is_found_at_every_depth_of_path_and_value(tmp_path: Path, resource: str, depth: str) -> None:
    spec = TEMPLATES[resource]
    operation = {
        "flag": _op(f"{spec}/initContainers/0/securityContext/privileged", True),
        "context": _op(f"{spec}/containers/-1/securityContext", {"privileged": True}, "replace"),
        "container": _op(f"{spec}/containers/-", BAD),
        "list": _op(f"{spec}/containers", [GOOD, BAD], "replace"),
        "spec": _op(spec, {"containers": [BAD]}, "replace"),
        "whole": _op("", _nested(spec, {"containers": [BAD]}), "replace"),
    }[depth]
    harmless = _op("/metadata/labels/x", "y", "test")
    assert "Kubernetes Privileged Pod" in _found(tmp_path, _patch(resource, harmless, operation))


@pytest.mark.parametrize(
    "operations",
    [
        [_op("/spec/template/spec/containers/0/securityContext/privileged", False), _op("/spec/paused", True)],
        [_op("/spec/template/spec/containers/0/securityContext/privileged", True, "test")],
        [_op("/spec/template/spec/containers/0/securityContext/privileged", True, "remove")],
        [_op("/spec/template/spec/containers", [BAD], "test"), _op("/spec/replicas", 3)],
        [_op("/metadata/annotations/last", '{"securityContext":{"privileged":true},"hostNetwork":true}')],
        [_op("/spec/template/spec/containers/0", GOOD), _op("/spec/template/spec/hostNetwork", False)],
    ],
)
def test_what_an_operation_does_not_put_in_is_not_found(tmp_path: Path, operations: list[dict[str, Any]]) -> None:
    assert _found(tmp_path, _patch("deployments", *operations)) == set()


def test_a_flag_that_is_copied_into_place_is_found(tmp_path: Path) -> None:
    spec = "/spec/template/spec"
    copy = {"op": "copy", "from": f"{spec}/containers/0/tty", "path": f"{spec}/containers/0/securityContext/privileged"}
    move = {"op": "move", "from": "/metadata/x", "path": f"{spec}/hostPID"}
    assert _found(tmp_path, _patch("deployments", copy, move)) == {
        "Kubernetes Privileged Pod",
        "Kubernetes Pod With Host Network Attachment",
    }


def test_a_service_type_is_found_in_its_place_only(tmp_path: Path) -> None:
    name = "Kubernetes Node Port Creation"
    assert name in _found(tmp_path, _patch("services", _op("/spec/type", "NodePort", "replace")))
    assert name in _found(tmp_path, _patch("services", _op("/spec", {"type": "NodePort"}, "replace")))
    assert name not in _found(tmp_path, _patch("services", _op("/metadata/labels/kind", "NodePort")))


URI = "/api/v1/namespaces/default/pods"


@pytest.mark.parametrize(
    "query",
    [
        "x=dryRun=All",
        "fieldManager=dryRun=All",
        "DRYRUN=All",
        "dryrun=All",
        "dryRun[]=All",
        "dryRun%3DAll=",
        "x=1;dryRun=All",
        "dryRun=All;x=1",
        "fieldManager=a%26dryRun=All",
        "pretty=true%23dryRun=All",
        "x=?dryRun=All",
        "dryRun=Allx",
    ],
)
def test_text_that_only_looks_like_a_dry_run_hid_a_privileged_pod(tmp_path: Path, query: str) -> None:
    body = {"spec": {"containers": [BAD]}}
    one = event(level="Request", requestURI=f"{URI}?{query}", requestObject=body)
    found = {
        "Kubernetes Privileged Pod",
        "Kubernetes Pod Created in Default Namespace",
        "Kubernetes Misleading Dry Run",
    }
    assert _found(tmp_path, one) == found


@pytest.mark.parametrize("query", ["dryRun=All", "fieldManager=kubectl&dryRun=All", "dryRun=All&dryRun=All&x=y"])
def test_a_dry_run_is_not_found(tmp_path: Path, query: str) -> None:
    one = event(level="Request", requestURI=f"{URI}?{query}", requestObject={"spec": {"containers": [BAD]}})
    assert _found(tmp_path, one) == set()


@pytest.mark.parametrize("resource", TEMPLATES)
def test_a_merge_patch_of_nothing_but_apparmor_is_found(tmp_path: Path, resource: str) -> None:
    of_pod = TEMPLATES[resource].removesuffix("spec").removesuffix("/")
    annotation = {"container.apparmor.security.beta.kubernetes.io/app": "unconfined"}
    for path, value in (
        (f"{of_pod}/metadata/annotations", annotation),
        (f"{of_pod}/spec/securityContext/appArmorProfile", {"type": "Unconfined"}),
        (
            f"{of_pod}/spec/containers",
            [{"name": "app", "securityContext": {"appArmorProfile": {"type": "Unconfined"}}}],
        ),
    ):
        patch = {**_patch(resource), "requestObject": _nested(path, value)}
        assert "Kubernetes Container Isolation Weakened" in _found(tmp_path, patch), path
    confined = _nested(f"{of_pod}/metadata/annotations", dict.fromkeys(annotation, "runtime/default"))
    assert not _found(tmp_path, {**_patch(resource), "requestObject": confined})
