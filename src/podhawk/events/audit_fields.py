"""Which fields an audit event can have, and which it lost.

A field that an event does not have means one of two things. Where the API server would have written it, its absence is
knowledge: an event without `impersonatedUser.username` was not impersonated. Where the event could not carry it (the
level logs no bodies, a provider put a word in place of a body, a shipper cut the event), nothing is known, and a search
that hangs on the field is not decided.

Sources: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/,
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from podhawk.events.event import BODIES, METADATA, AuditEvent
from podhawk.events.fields import head_of
from podhawk.events.schema import AUDIT, OPEN

WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
"""The verbs whose requests have bodies."""
_OPTIONAL: Final = frozenset({"delete", "deletecollection"})
_STREAMS: Final = frozenset({"exec", "attach", "portforward", "proxy", "log"})
"""Subresources that exchange a stream in place of objects."""
REQUEST_LEVELS: Final = frozenset({"Request", "RequestResponse"})
_LEVELS: Final = {"requestObject": REQUEST_LEVELS, "responseObject": frozenset({"RequestResponse"})}


def is_audit_field(name: str) -> bool:
    """Whether an audit event can have a field of this name. What a body can hold is not checked."""
    return name in AUDIT or name in METADATA or name.startswith(("_", *OPEN))


def levels_with(body: str) -> frozenset[str]:
    """The audit levels at which events have this body."""
    return _LEVELS[body]


def lost_bodies(data: Mapping[str, Any]) -> frozenset[str]:
    """The bodies of an event's request and response that existed, or may have existed, and are not in the event."""
    return frozenset(name for name in BODIES if _is_lost(name, data))


def _is_lost(name: str, data: Mapping[str, Any]) -> bool:
    body = data.get(name)
    if body is None:
        return _had_request_body(data) if name == "requestObject" else _had_response_body(data)
    return isinstance(body, str)  # a provider's word in place of what it cut


def _had_request_body(data: Mapping[str, Any]) -> bool:
    if data.get("verb") not in WRITES or _streams(data) or _refused_unread(data):
        return False
    logged = data.get("level") in REQUEST_LEVELS
    return not (logged and (data.get("stage") == "RequestReceived" or data.get("verb") in _OPTIONAL))


def _had_response_body(data: Mapping[str, Any]) -> bool:
    return (
        data.get("stage") not in ("RequestReceived", "ResponseStarted")
        and data.get("verb") != "watch"
        and isinstance(data.get("objectRef"), Mapping)
        and not _streams(data)
    )


def _streams(data: Mapping[str, Any]) -> bool:
    target = data.get("objectRef")
    return isinstance(target, Mapping) and target.get("subresource") in _STREAMS


def _refused_unread(data: Mapping[str, Any]) -> bool:
    """Whether the API server refused the request before it read the body. It says so itself: the requester has no say
    in the code, nor in the annotation."""
    status, annotations = data.get("responseStatus"), data.get("annotations")
    code = str(status.get("code")) if isinstance(status, Mapping) else ""
    if code == "403":
        return isinstance(annotations, Mapping) and annotations.get("authorization.k8s.io/decision") == "forbid"
    return code == "401"


def unknown_in(event: AuditEvent) -> Callable[[str], bool] | None:
    """Tells of a field that an event does not have whether its value is unknown; None if nothing is unknown."""
    data = event.view.data
    bodies, lost = lost_bodies(data), event.missing
    if not (bodies or lost or event.truncated):
        return None
    raw_is_cut = event.truncated or bool(bodies)  # a body holds any text

    def unknown(name: str) -> bool:
        if name == "_raw":
            return raw_is_cut
        return head_of(name) in bodies or any(name == one or name.startswith((f"{one}.", f"{one}{{")) for one in lost)

    return unknown
