"""Keys whose dots a shipper replaced (`app_kubernetes_io/name`) or turned into nesting, restored at every depth.

Shippers do this for stores that take a dot for a path, and do it to all keys of a record alike. A domain name has no
underscore, so before a slash each is a dot again. A key without a slash may have had underscores of its own: what
could have been a dot is named as missing, since a search for it cannot be answered.
"""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events.maps import KNOWN_KEYS, MAPS, OBJECT_VALUED

_KNOWN_ANNOTATIONS: Final = {
    re.sub(r"[^A-Za-z0-9]+", "_", name): name
    for name in (
        "authorization.k8s.io/decision",
        "authorization.k8s.io/reason",
        "audit.k8s.io/truncated",
        "pod-security.kubernetes.io/enforce-policy",
        "pod-security.kubernetes.io/audit-violations",
        "pod-security.kubernetes.io/exempt",
        "authentication.kubernetes.io/credential-id",
        "authentication.kubernetes.io/issued-credential-id",
        "authentication.kubernetes.io/pod-name",
        "authentication.kubernetes.io/pod-uid",
        "authentication.kubernetes.io/node-name",
        "authentication.kubernetes.io/node-uid",
        "authentication.k8s.io/legacy-token",
        "authentication.k8s.io/stale-token",
        "kubectl.kubernetes.io/last-applied-configuration",
        "kubectl.kubernetes.io/restartedAt",
        "command.gke.io/command",
        "k8s.io/deprecated",
        "k8s.io/removed-release",
        "podsecuritypolicy.policy.k8s.io/admit-policy",
        "podsecuritypolicy.policy.k8s.io/validate-policy",
        "validation.policy.admission.k8s.io/validation_failure",
        "apiserver.latency.k8s.io/total",
        "authentication.openshift.io/decision",
        "authentication.openshift.io/username",
    )
}
_DOMAIN: Final = re.compile(r"((?:[a-z0-9-]+_)*(?:k8s|kubernetes)_io)_(.+)\Z", re.DOTALL)
_MARKS: Final = re.compile(r"[^A-Za-z0-9]+")
_DEEPEST: Final = 256


def is_sound(key: str, value: Any) -> bool:
    """Whether an annotation is as an API server writes it: a text under a key with its dots."""
    prefix, slash, _ = key.partition("/")
    return type(value) is str and ("." in prefix and "_" not in prefix if slash else "_" not in key)


def restored_key(key: str) -> str:
    """A key with its dots; the same where it has them or where that is not certain."""
    prefix, slash, name = key.partition("/")
    if slash:
        return re.sub("_+", ".", prefix) + "/" + name if "_" in prefix else key
    known = _KNOWN_ANNOTATIONS.get(_MARKS.sub("_", key))
    if known is not None:
        return known
    domain = _DOMAIN.match(key)
    return domain[1].replace("_", ".") + "/" + domain[2] if domain is not None else key


def joined(found: dict[str, Any]) -> dict[str, Any]:
    """A map with its keys as they were: nested objects joined by dots, underscores turned back."""
    fixed: dict[str, Any] = {}
    stack = [(key, value) for key, value in reversed(found.items())]
    while stack:
        key, value = stack.pop()
        if type(value) is dict and value:
            stack.extend((f"{key}.{inner}", deeper) for inner, deeper in reversed(value.items()))
        else:
            fixed.setdefault(restored_key(key), value)
    return fixed


def lost_its_dots(annotations: Any, extra: Any) -> bool:
    """Whether a shipper changed the keys of an event, as those of its annotations or of its user show."""
    for found in (annotations, extra):
        if type(found) is dict and any(type(value) is dict or restored_key(key) != key for key, value in found.items()):
            return True
    return False


def with_dots(name: str, body: Any) -> tuple[Any, set[str]]:
    """A request or response body with the keys that it had, and fields that may be there under another name."""
    missing: set[str] = set()
    return _restored(body, name, False, missing, 0), missing


def _restored(node: Any, path: str, in_map: bool, missing: set[str], depth: int) -> Any:
    if depth > _DEEPEST:
        return node
    if type(node) is list:
        return [_restored(item, path + "{}", False, missing, depth + 1) for item in node]
    if type(node) is not dict:
        return node
    if in_map:
        return _map(node, path, missing)
    fixed: dict[str, Any] = {}
    for key, value in node.items():
        own = restored_key(key) if "/" in key else key
        inner = f"{path}.{own}"
        fixed[own] = _restored(value, inner, own in MAPS and _is_map(own, value), missing, depth + 1)
    return fixed


def _is_map(name: str, value: Any) -> bool:
    """Whether a member that may be a map is one here: one of other objects has members that are none of a map."""
    return type(value) is dict and not (
        name in OBJECT_VALUED and any(type(item) is list or key in MAPS for key, item in value.items())
    )


def _map(node: dict[str, Any], path: str, missing: set[str]) -> dict[str, Any]:
    fixed = joined(node)
    for key in list(fixed):
        if "/" in key or "_" not in key:
            continue
        if key in KNOWN_KEYS:
            fixed[KNOWN_KEYS[key]] = fixed.pop(key)
        else:
            missing.add(f"{path}.{key.replace('_', '.')}")
    return fixed
