"""What GKE's method, resource name and gRPC status say, in the terms of a Kubernetes audit event.

`io.k8s.core.v1.pods.ephemeralcontainers.patch` is verb `patch` on subresource `ephemeralcontainers` of `pods`;
`core/v1/namespaces/default/pods/web-0/exec/web-0` names the object; status 7 is what HTTP calls 403.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from msgspec import Struct

from podhawk.events.decode import JsonNumber

_VERSIONED: Final = re.compile(
    r"(?P<group>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*?)\.(?P<version>v\d+(?:(?:alpha|beta)\d+)?)"
    r"\.(?P<rest>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)\Z"
)
_NON_RESOURCE: Final = re.compile(r"io\.k8s\.(get|head|post|put|patch|delete|options)\Z")
_LONG_RUNNING: Final = frozenset({"exec", "attach", "portforward", "proxy"})
_PLAIN_GROUPS: Final = frozenset({"core", "apps", "batch", "autoscaling", "extensions", "policy"})
_HTTP: Final = {
    1: 499,
    2: 500,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    13: 500,
    14: 503,
    15: 500,
    16: 401,
}
_REASONS: Final = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class Method(Struct, frozen=True):
    """A Kubernetes method: verb, and what it acts on (all None for a path that is no resource)."""

    verb: str
    resource: str | None = None
    subresource: str | None = None
    group: str | None = None
    version: str | None = None


def parse_method(name: str, service: str = "") -> Method | None:
    """The method that a `methodName` names; None where it is not one of Kubernetes."""
    plain = _NON_RESOURCE.match(name)
    if plain:
        return Method(plain[1])
    found = _VERSIONED.match(name)
    if found is None or not (name.startswith("io.k8s.") or service == "k8s.io"):
        return None
    resource, *middle, verb = found["rest"].split(".")
    return Method(verb, resource, "/".join(middle) or None, _group(found["group"]), found["version"])


def _group(dotted: str) -> str:
    """`io.k8s.authorization.rbac` is `rbac.authorization.k8s.io`: the name reversed, but for built-in groups."""
    inner = dotted.removeprefix("io.k8s.")
    if inner in _PLAIN_GROUPS:
        return inner
    if inner == "rbac":
        return "rbac.authorization.k8s.io"
    return ".".join(reversed(dotted.split(".")))


def object_ref(method: Method, name: str | None) -> dict[str, Any] | None:
    """The objectRef of a call; the resource name is more exact on the group and has namespace and name."""
    if method.resource is None:
        return None
    parts = [part for part in (name or "").split("/") if part]
    group, version, namespace, own = method.group, method.version, None, None
    if len(parts) >= 2 and re.fullmatch(r"v\d+(?:(?:alpha|beta)\d+)?", parts[1]):
        group, version = parts[0], parts[1]
        parts = parts[2:]
    if len(parts) >= 2 and parts[0] == "namespaces" and method.resource != "namespaces":
        namespace, parts = parts[1], parts[2:]
    if len(parts) >= 2 and parts[0] == method.resource:
        own = parts[1]
    found = {
        "resource": method.resource,
        "namespace": namespace,
        "name": own,
        "apiGroup": group,
        "apiVersion": version,
        "subresource": method.subresource,
    }
    return {key: value for key, value in found.items() if value is not None}


def response_status(payload: dict[str, Any], method: Method, refused: bool) -> dict[str, Any] | None:
    """The responseStatus: the API server's own where the response has one, else inferred from the gRPC status.

    None where neither says how the request ended.
    """
    response = payload.get("response")
    response = response if type(response) is dict else {}
    if isinstance(response.get("code"), JsonNumber) and str(response["code"]).isdigit():
        own = {key: response[key] for key in ("status", "message", "reason", "details", "code") if key in response}
        return {"metadata": response.get("metadata") or {}, **own}
    status = payload.get("status")
    code = _grpc(status)
    if code == 0 and refused:
        code = 7
    if code == 0 and response.get("status") == "Failure":
        return {"metadata": {}, "status": "Failure"}
    last = (method.subresource or "").rsplit("/", 1)[-1]
    if code == 2 and last in _LONG_RUNNING:
        return _inferred(101)
    if code == 0:
        return _inferred(
            201
            if method.verb == "create" and last not in _LONG_RUNNING
            else 101
            if last in ("exec", "attach", "portforward")
            else 200
        )
    http = _HTTP.get(code)
    if http is None:
        return {"metadata": {}, "status": "Failure"}
    found: dict[str, Any] = {"metadata": {}, "status": "Failure"}
    message = status.get("message") if type(status) is dict else None
    if isinstance(message, str) and message:
        found["message"] = str(message)
    if http in _REASONS:
        found["reason"] = _REASONS[http]
    return {**found, "code": JsonNumber(str(http))}


def _grpc(status: Any) -> int:
    code = status.get("code") if type(status) is dict else None
    return int(code) if isinstance(code, str) and code.isdigit() and len(code) < 6 else 0


def _inferred(code: int) -> dict[str, Any]:
    words = f"{HTTPStatus(code).phrase} (inferred)"
    return {"metadata": {}, "status": words, "message": words, "code": JsonNumber(str(code))}
