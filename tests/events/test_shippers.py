"""What shippers do to an event is undone at every depth; an event that can be read only in part is rejected."""

from __future__ import annotations

from typing import Any

import pytest

from events.conftest import Read
from podhawk.errors import InputError
from podhawk.events import check_recognised, fields_of
from podhawk.events.reasons import FLATTENED
from support.samples import event, text

BASE = {"auditID": "a", "verb": "create", "stage": "ResponseComplete"}
BODY = {
    "kind": "Pod",
    "metadata": {
        "labels": {"app.kubernetes.io/name": "x"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"a":true}'},
        "managedFields": [{"fieldsV1": {"f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}}}}],
    },
    "spec": {
        "hostNetwork": True,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "containers": [{"image": "x", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
        "template": {"metadata": {"labels": {"app.kubernetes.io/part-of": "y"}}},
        "selector": {"matchLabels": {"app.kubernetes.io/name": "x"}},
    },
}
USER = {"username": "alice", "extra": {"authentication.kubernetes.io/pod-name": ["p"], "sessionName": ["s"]}}
WHOLE = {**BASE, "user": USER, "requestObject": BODY, "annotations": {"authorization.k8s.io/decision": "allow"}}


def underscored(value: Any, mark: str = "_") -> Any:
    """A value with the dots of its keys replaced."""
    if isinstance(value, dict):
        return {key.replace(".", mark): underscored(inner, mark) for key, inner in value.items()}
    return [underscored(inner, mark) for inner in value] if isinstance(value, list) else value


def nested(value: Any) -> Any:
    """A value with the dots of its keys turned into objects."""
    if isinstance(value, list):
        return [nested(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, inner in value.items():
        *path, last = key.split(".")
        holder = made
        for step in path:
            holder = holder.setdefault(step, {})
        holder[last] = nested(inner)
    return made


def flat(value: Any, mark: str, path: str = "") -> dict[str, Any]:
    """A value with its members joined into keys; lists by their indices."""
    made: dict[str, Any] = {}
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in members:
        name = f"{path}{mark}{key}" if path else str(key)
        if isinstance(inner, (dict, list)) and inner:
            made |= flat(inner, mark, name)
        else:
            made[name] = inner
    return made


@pytest.mark.parametrize("beside", [{}, {"@timestamp": "2026-11-01T10:00:00Z", "kubernetes": {"host": "n"}}])
@pytest.mark.parametrize("change", [underscored, nested, lambda value: underscored(value, "__")])
def test_keys_have_their_dots_again_at_every_depth(change: Any, beside: dict[str, Any], read: Read) -> None:
    (one,), report = read(text(change(WHOLE) | beside))
    assert not report.rejected
    found = one.view.data
    assert {key: found[key] for key in ("user", "annotations")} == {key: WHOLE[key] for key in ("user", "annotations")}
    if change is nested:  # where no map is known, nesting stays: the names of fields are the same
        assert fields_of(one.view).items() >= fields_of(read(text(WHOLE))[0][0].view).items()
        assert found["requestObject"]["metadata"]["labels"] == BODY["metadata"]["labels"]
    else:
        assert found["requestObject"] == BODY
    assert not one.missing


def test_slashes_that_were_replaced_too_come_back_where_the_domain_is_known(read: Read) -> None:
    shipped = {
        **BASE,
        "annotations": {"authorization_k8s_io_decision": "allow", "pod-security_kubernetes_io_enforce-policy": "x"},
        "requestObject": {"metadata": {"labels": {"app_kubernetes_io_name": "x"}}},
    }
    (one,), _ = read(text(shipped))
    assert one.view.data["annotations"] == {
        "authorization.k8s.io/decision": "allow",
        "pod-security.kubernetes.io/enforce-policy": "x",
    }
    assert one.view.data["requestObject"]["metadata"]["labels"] == {"app.kubernetes.io/name": "x"}


def test_keys_that_may_have_had_dots_are_missing_under_their_other_name(read: Read) -> None:
    shipped = underscored(
        {**WHOLE, "requestObject": {"metadata": {"labels": {"my.app": "x"}}, "data": {"tls.crt": "y"}}}
    )
    (one,), _ = read(text(shipped))
    assert one.missing == {"requestObject.metadata.labels.my.app"}
    assert one.view.data["requestObject"]["data"] == {"tls.crt": "y"}


def test_an_event_whose_keys_are_sound_is_left_alone(read: Read) -> None:
    for kept in (
        event(annotations={"foo_bar": "x", "authorization.k8s.io/decision": "allow"}),
        event(requestObject={"metadata": {"labels": {"a_b": "x"}}, "spec": {"x_y/z": {"q": 1}}}),
    ):
        (one,), _ = read(text(kept))
        assert one.view.raw == text(kept)
        assert not one.missing


@pytest.mark.parametrize("mark", [".", "_", "__", "/", ":", "-", "::"])
def test_members_that_were_joined_are_taken_apart_again(mark: str, read: Read) -> None:
    whole = {**WHOLE, "sourceIPs": ["1.1.1.1", "2.2.2.2"], "responseStatus": {"code": 201, "metadata": {}}}
    (one,), report = read(text(flat(whole, mark) | {"host": "n"}))
    assert not report.rejected
    for name in ("user", "annotations", "sourceIPs"):
        assert one.view.data[name] == whole[name], name
    found, wanted = one.view.data["requestObject"], dict(BODY)
    assert found["spec"] == wanted["spec"]
    assert found["metadata"]["labels"] == wanted["metadata"]["labels"]
    assert str(one.view.data["responseStatus"]["code"]) == "201"


def test_values_that_became_text_with_their_keys_are_values_again(read: Read) -> None:
    flat_ = {
        **BASE,
        "user_groups": '["dev"]',
        "user_extra_sessionName": '["alice"]',
        "requestObject_spec_hostNetwork": "true",
        "requestObject_spec_containers": '[{"image":"x"}]',
        "requestObject_metadata_labels_a": "true",
        "objectRef": {"resource": "pods"},
        "objectRef.name": "p",
        "host": "n",
    }
    (one,), _ = read(text(flat_))
    data = one.view.data
    assert data["user"] == {"groups": ["dev"], "extra": {"sessionName": ["alice"]}}
    assert data["requestObject"] == {
        "spec": {"hostNetwork": True, "containers": [{"image": "x"}]},
        "metadata": {"labels": {"a": "true"}},
    }
    assert data["objectRef"] == {"resource": "pods", "name": "p"}


def test_upper_members_of_a_body_that_were_joined(read: Read) -> None:
    body = {"metadata.name": "x", "spec.hostNetwork": True, "metadata.labels.app.io/x": "y"}
    (one,), _ = read(text({**BASE, "requestObject": body}))
    assert one.view.data["requestObject"] == {
        "metadata": {"name": "x", "labels": {"app.io/x": "y"}},
        "spec": {"hostNetwork": True},
    }


@pytest.mark.parametrize(
    "parts",
    [
        {"userUsername": "alice", "objectRefResource": "pods"},
        {"requestObjectSpec": {"hostNetwork": True}},
        {"request_object_spec_host_network": True},
        {"REQUESTOBJECT.SPEC.HOSTNETWORK": True},
    ],
)
def test_an_event_that_can_be_read_only_in_part_is_rejected(parts: dict[str, Any], read: Read) -> None:
    events, report = read(text({**BASE, **parts}))
    assert not events
    assert list(report.rejected) == [FLATTENED]
    with pytest.raises(InputError, match="audit event in pieces"):
        check_recognised(report)


def test_keys_of_the_shipper_are_no_members(read: Read) -> None:
    beside = {"user_agent": "x", "user_name": "x", "userName": "x", "responseStatus_text": "x", "object_reference": "x"}
    (one,), report = read(text({**event(), **beside}))
    assert not report.rejected
    assert beside.items() <= one.view.data.items()
    assert {key: one.view.data[key] for key in ("user", "objectRef")} == {
        key: event()[key] for key in ("user", "objectRef")
    }


def test_whole_numbers_that_were_made_decimals(read: Read) -> None:
    shipped = {**BASE, "responseStatus": {"code": 403.0}, "requestObject": {"spec": {"replicas": 3.0, "x": [1.5, 2.0]}}}
    (one,), _ = read(text(shipped))
    fields = fields_of(one.view)
    assert (fields["responseStatus.code"], fields["requestObject.spec.replicas"]) == ("403", "3")
    assert fields["requestObject.spec.x{}"] == ("1.5", "2")
    sound = {**BASE, "responseStatus": {"code": 403}, "requestObject": {"spec": {"replicas": 3.0}}}
    assert fields_of(read(text(sound))[0][0].view)["requestObject.spec.replicas"] == "3.0"
    assert (
        fields_of(read(text({**BASE, "responseStatus": {"code": "403.00"}}))[0][0].view)["responseStatus.code"] == "403"
    )


@pytest.mark.parametrize(
    "stamp", [1793527200.425513, 1793527200425.513, "1793527200.425513", "11/1/2026, 10:00:00.425513 AM"]
)
def test_times_that_were_written_otherwise(stamp: Any, read: Read) -> None:
    (one,), _ = read(text({**BASE, "requestReceivedTimestamp": stamp}))
    assert one.view.data["requestReceivedTimestamp"] == "2026-11-01T10:00:00.425513Z"
    assert one.time == 1793527200.425513


def test_lists_and_users_that_became_text(read: Read) -> None:
    (one,), _ = read(text({**BASE, "user": "alice", "sourceIPs": "1.1.1.1, 2.2.2.2", "host": "n"}))
    assert (one.view.data["user"], one.view.data["sourceIPs"]) == ({"username": "alice"}, ["1.1.1.1", "2.2.2.2"])
    (one,), _ = read(text({**BASE, "user": {"username": "a", "groups": "dev,ops", "extra": '{"k":["v"]}'}}))
    assert one.view.data["user"] == {"username": "a", "groups": ["dev", "ops"], "extra": {"k": ["v"]}}


def test_maps_that_were_written_as_lists_of_pairs(read: Read) -> None:
    annotations = [{"key": "authorization.k8s.io/decision", "value": "allow"}]
    user = {"username": "a", "groups": ["g"], "extra": [{"key": "sessionName", "value": ["s"]}]}
    (one,), _ = read(text({**BASE, "annotations": annotations, "user": user}))
    assert one.view.data["annotations"] == {"authorization.k8s.io/decision": "allow"}
    assert one.view.data["user"] == {"username": "a", "groups": ["g"], "extra": {"sessionName": ["s"]}}
