"""What a JSON patch puts into an object."""

from __future__ import annotations

from typing import Any

import pytest

from podhawk.detect.requests.patches import fragments
from podhawk.detect.requests.privilege import privileges
from podhawk.detect.requests.request import Request, key_of
from podhawk.detect.requests.target import target_of
from podhawk.events.event import AuditEvent, Origin, View
from support.findings import event


def _request(*operations: dict[str, Any]) -> Request:
    data = event(verb="patch", requestObject=list(operations))
    seen = AuditEvent(View(data, ""), None, 1.0, 1.0, Origin("a.log", 1))
    return Request(key_of(seen), (seen,))


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/a/0/b~1c", "value": 1}, [{"a": [{"b/c": 1}]}]),
        ({"op": "replace", "path": "", "value": {"a": 1}}, [{"a": 1}]),
        ({"op": "add", "path": "/a/-1", "value": 1}, [{"a": [1]}]),
        ({"op": "copy", "from": "/x", "path": "/a"}, [{"a": True}]),
        ({"op": "test", "path": "/a", "value": 1}, []),
        ({"op": "remove", "path": "/a", "value": 1}, []),
        ({"op": "add", "path": 3, "value": 1}, []),
    ],
)
def test_fragments(operation: dict[str, Any], expected: list[Any]) -> None:
    assert fragments([operation]) == expected


def test_a_test_and_a_removal_were_taken_for_what_is_put_in() -> None:
    flag = "/spec/containers/0/securityContext"
    one = _request(
        {"op": "test", "path": flag, "value": {"securityContext": {"privileged": True}}},
        {"op": "remove", "path": "/spec/x", "value": {"hostNetwork": True}},
    )
    assert privileges(one) == ()


def test_subjects_that_are_added_to_a_binding_are_everybody() -> None:
    subject = {"kind": "Group", "name": "system:authenticated"}
    assert privileges(_request({"op": "add", "path": "/subjects/-", "value": subject})) == ("role for all users",)


def test_images_of_a_json_patch_were_not_named() -> None:
    one = _request({"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "evil:1"})
    assert target_of(one).images == ("evil:1",)
