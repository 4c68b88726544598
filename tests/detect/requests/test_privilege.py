"""What gives power over a node or cluster, found in the body of a request."""

from __future__ import annotations

import pytest

from podhawk.detect.requests.privilege import privileges
from podhawk.detect.requests.request import Request, key_of
from podhawk.events.event import AuditEvent, Origin, View
from support.findings import event

REF = {"resource": "pods", "namespace": "default", "name": "web"}

CONTEXT = "securityContext"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"spec": {"hostNetwork": True, "hostPID": True, "hostIPC": False}}, ("hostNetwork", "hostPID")),
        ({"spec": {"template": {"spec": {"volumes": [{"hostPath": {"path": "/"}}]}}}}, ("hostPath",)),
        (
            {"spec": {"containers": [{CONTEXT: {"capabilities": {"add": ["cap_sys_admin", "CHOWN"]}}}]}},
            ("capability SYS_ADMIN",),
        ),
        ({"spec": {CONTEXT: {"windowsOptions": {"hostProcess": True}}}}, ("hostProcess",)),
        (
            [{"op": "add", "path": "/spec/template/spec/containers/0/securityContext/privileged", "value": True}],
            ("privileged",),
        ),
        (
            [{"op": "replace", "path": "/spec/containers/0/securityContext/capabilities/add/-", "value": "ALL"}],
            ("capability ALL",),
        ),
        (
            [{"op": "add", "path": "/spec/hostNetwork", "value": True}, {"op": "remove", "path": "/spec/hostPID"}],
            ("hostNetwork",),
        ),
        ({"roleRef": {"name": "cluster-admin"}, "subjects": [{"kind": "User", "name": "eve"}]}, ("cluster-admin",)),
        (
            {"roleRef": {"name": "view"}, "subjects": [{"kind": "User", "name": "system:anonymous"}]},
            ("role for all users",),
        ),
        ({"rules": [{"verbs": ["*"], "resources": ["*"]}]}, ("role with every verb on every resource",)),
        (
            {"rules": [{"verbs": ["list"], "resources": ["secrets"]}, {"verbs": ["bind"], "resources": ["roles"]}]},
            ("role that can read secrets", "role that allows privilege escalation"),
        ),
        ({"rules": [{"verbs": ["get"], "resources": ["secrets"], "resourceNames": ["own"]}]}, ()),
        ({"rules": [{"verbs": ["create"], "resources": ["pods/exec"]}]}, ("role that can act as workloads",)),
        ({"metadata": {"annotations": {"hostNetwork": True}}, "status": {"hostPID": True}}, ()),
        ({"rules": [{"host": "shop.example.com"}], "subjects": "x", "roleRef": "y"}, ()),
        ({"spec": {"containers": [{"image": "nginx", CONTEXT: {"privileged": False}}]}}, ()),
    ],
)
def test_what_gives_power_is_found_in_objects_and_in_patches(body: object, expected: tuple[str, ...]) -> None:
    def of(**members: object) -> tuple[str, ...]:
        data = event(requestObject=body, **members)
        seen = AuditEvent(View(data, ""), None, 1.0, 1.0, Origin("a.log", 1))
        return privileges(Request(key_of(seen), (seen,)))

    assert of(verb="patch") == expected
    assert of(verb="get") == ()
    assert of(verb="update", objectRef={**REF, "subresource": "status"}) == ()
