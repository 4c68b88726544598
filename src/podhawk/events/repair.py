"""Undoing what log shippers do to an audit event on its way.

They overwrite `level` with a syslog severity (the original is kept aside under another name), rename
annotation keys (dots become underscores, or a dotted key becomes nested objects), turn nested objects
into JSON strings, and flatten objects into dotted keys. Each is undone only where the result is
certain: a DNS name has no underscore, an audit event's `user` is never a string.
"""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import BadJSON, JsonNumber, decode_json
from podhawk.events.event import AUDIT_KEYS

LEVELS: Final = ("k8s_audit_level", "openshift_audit_level", "audit_level")
_AUDIT_LEVELS: Final = frozenset({"None", "Metadata", "Request", "RequestResponse"})
_NESTED: Final = (
    "user",
    "impersonatedUser",
    "objectRef",
    "responseStatus",
    "requestObject",
    "responseObject",
    "annotations",
    "sourceIPs",
    "authenticationMetadata",
)
_KNOWN_ANNOTATIONS: Final = {
    name.replace(".", "_").replace("/", "_").replace("-", "_"): name
    for name in (
        "authorization.k8s.io/decision",
        "authorization.k8s.io/reason",
        "audit.k8s.io/truncated",
        "pod-security.kubernetes.io/enforce-policy",
        "pod-security.kubernetes.io/audit-violations",
        "pod-security.kubernetes.io/exempt",
        "authentication.kubernetes.io/credential-id",
        "authentication.kubernetes.io/issued-credential-id",
        "authentication.k8s.io/legacy-token",
        "authentication.k8s.io/stale-token",
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


def repair(event: dict[str, Any]) -> dict[str, Any]:
    """The event as the API server wrote it; the same object where nothing was done to it."""
    fixed = event
    if not event.keys() <= AUDIT_KEYS:
        fixed = _restore_level(_unflatten(fixed))
    for key in _NESTED:
        value = fixed.get(key)
        if type(value) is str:
            whole = _as_object(value)
            if whole is not None:
                fixed = _copied(fixed, event)
                fixed[key] = whole
            elif key == "sourceIPs" and value:
                fixed = _copied(fixed, event)
                fixed[key] = [part.strip() for part in value.split(",")]
    annotations = fixed.get("annotations")
    if type(annotations) is dict and not all(is_sound(key, value) for key, value in annotations.items()):
        fixed = _copied(fixed, event)
        fixed["annotations"] = _annotations(annotations)
    return fixed


def _copied(fixed: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    return dict(event) if fixed is event else fixed


def _restore_level(event: dict[str, Any]) -> dict[str, Any]:
    for name in LEVELS:
        kept = event.get(name)
        if isinstance(kept, str) and kept in _AUDIT_LEVELS and event.get("level") != kept:
            return {**event, "level": kept}
    return event


def _unflatten(event: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys such as `user.username` back into objects, where the object itself is not there."""
    dotted = [
        key
        for key in event
        if "." in key
        and key.split(".", 1)[0] in _NESTED
        and not isinstance(event.get(key.split(".", 1)[0]), (dict, list))
    ]
    if not dotted:
        return event
    fixed = {key: value for key, value in event.items() if key not in dotted}
    for key in dotted:
        head, rest = key.split(".", 1)
        target = fixed.setdefault(head, {})
        if not isinstance(target, dict):
            target = fixed[head] = {}
        if head in ("requestObject", "responseObject", "responseStatus"):
            *path, last = rest.split(".")
        else:
            path, last = ([], rest) if not rest.startswith("extra.") else (["extra"], rest[6:])
        for step in path:
            inner = target.setdefault(step, {})
            if not isinstance(inner, dict):
                inner = target[step] = {}
            target = inner
        target[last] = event[key]
    return fixed


def _as_object(text: str) -> Any:
    if isinstance(text, JsonNumber) or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = decode_json(text)
    except BadJSON:
        return None
    return value if isinstance(value, (dict, list)) else None


def is_sound(key: str, value: Any) -> bool:
    prefix, slash, _ = key.partition("/")
    return type(value) is str and ("." in prefix and "_" not in prefix if slash else "_" not in key)


def _annotations(found: dict[str, Any]) -> dict[str, Any]:
    fixed: dict[str, Any] = {}
    stack = [(key, value) for key, value in reversed(found.items())]
    while stack:
        key, value = stack.pop()
        if type(value) is dict and value:
            stack.extend((f"{key}.{inner}", deeper) for inner, deeper in reversed(value.items()))
            continue
        prefix, slash, name = key.partition("/")
        if slash and "_" in prefix:
            key = prefix.replace("_", ".") + "/" + name
        if "/" not in key:
            key = _KNOWN_ANNOTATIONS.get(key.replace("-", "_").replace(".", "_"), key)
        fixed.setdefault(key, value)
    return fixed
