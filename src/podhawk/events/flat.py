"""Events that were flattened on their way: members joined into keys such as `user.username` or `objectRef_resource`.

A key is taken apart where that is certain: it begins with a member of audit events that has members itself, a
separator follows, and what comes then is a member of that one. Below a body every separator leads one level down, but
where a map begins (labels, annotations, data …) the rest is one key. Indices and `{}` stand for arrays.

What cannot be taken apart is named, so that the event is not taken for a whole one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from podhawk.events.decode import BadJSON, decode_json
from podhawk.events.event import AUDIT_KEYS
from podhawk.events.maps import MAPS

_USER: Final = frozenset({"username", "groups", "uid", "extra"})
_INNER: Final[dict[str, frozenset[str] | None]] = {
    "user": _USER,
    "impersonatedUser": _USER,
    "objectRef": frozenset(
        {"resource", "namespace", "name", "uid", "apiGroup", "apiVersion", "resourceVersion", "subresource"}
    ),
    "responseStatus": frozenset({"metadata", "status", "message", "reason", "details", "code", "kind", "apiVersion"}),
    "authenticationMetadata": frozenset({"impersonationConstraint"}),
    "requestObject": None,
    "responseObject": None,
    "annotations": None,
    "sourceIPs": None,
}
"""Members that have members, and which; None if these may be any."""
_BODIES: Final = ("requestObject", "responseObject")
_UPPER: Final = frozenset({"metadata", "spec", "status", "roleRef"})
_HEAD_NAMES: Final = {
    "user": "user",
    "impersonated[_-]?user": "impersonatedUser",
    "object[_-]?ref": "objectRef",
    "response[_-]?status": "responseStatus",
    "authentication[_-]?metadata": "authenticationMetadata",
    "request[_-]?object": "requestObject",
    "response[_-]?object": "responseObject",
    "annotations": "annotations",
    "source[_-]?ips": "sourceIPs",
}
_HEAD: Final = re.compile(
    rf"(?P<head>{'|'.join(_HEAD_NAMES)})(?P<mark>[^A-Za-z0-9]{{1,2}})(?P<rest>.+)\Z", re.IGNORECASE | re.DOTALL
)
_JOINED: Final = re.compile(rf"(?P<head>{'|'.join(_INNER)})(?P<rest>[A-Z][A-Za-z]*)")
_MARKS: Final = re.compile(r"[_.-]")
_INDEX: Final = re.compile(r"\[(\d{1,4})\]")
_MOST_ITEMS: Final = 10_000


def unflatten(event: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The event with its objects put together again (the same object where nothing was flattened), and the keys that
    cannot be taken apart."""
    event = _without_braces(event)
    flat = [(key, match) for key in event if (match := _head_in(key)) is not None]
    unread = [key for key in event if (match := _joined_in(key)) is not None and _is_joined(match, event)]
    if not flat:
        return event, unread
    fixed = {key: value for key, value in event.items() if key not in {name for name, _ in flat}}
    for key, match in flat:
        head, mark, rest = _head(match["head"]), match["mark"], match["rest"]
        path = _path(head, mark, rest)
        holder = _holder(fixed, head, event) if path is not None else None
        if path is None or holder is None:
            fixed[key] = event[key]  # the shipper's own
        elif head in _BODIES and head != match["head"]:
            unread.append(key)  # names below it have lost their capitals, too
        else:
            _put(holder, path, _value(path, event[key]))
    for head in _INNER:
        if head in fixed and fixed[head] is not event.get(head):
            fixed[head] = _listed(fixed[head])
    return fixed, unread


def _without_braces(event: dict[str, Any]) -> dict[str, Any]:
    """The event with `sourceIPs{}` under its own name, as an array."""
    if not any(key.endswith("{}") and key[:-2] in AUDIT_KEYS for key in event):
        return event
    return {
        key[:-2] if key.endswith("{}") and key[:-2] in AUDIT_KEYS else key: _items(value)
        if key.endswith("{}") and key[:-2] in AUDIT_KEYS
        else value
        for key, value in event.items()
    }


def _head(spelled: str) -> str:
    folded = _MARKS.sub("", spelled.lower())
    return next(name for name in _INNER if name.lower() == folded)


@lru_cache(maxsize=4096)
def _head_in(key: str) -> re.Match[str] | None:
    return None if key in AUDIT_KEYS else _HEAD.match(key)


@lru_cache(maxsize=4096)
def _joined_in(key: str) -> re.Match[str] | None:
    return None if key in AUDIT_KEYS else _JOINED.match(key)


def may_be_joined(key: str) -> bool:
    """Whether a key that is no member of an event may hold one."""
    return key.endswith("{}") or _head_in(key) is not None or _joined_in(key) is not None


def _is_joined(match: re.Match[str], event: dict[str, Any]) -> bool:
    """Whether a key is made of members without a separator (`userUsername`), which nobody can take apart for sure."""
    if match["head"] in event:
        return False
    inner = _INNER[match["head"]]
    rest = match["rest"][0].lower() + match["rest"][1:]
    return rest in inner if inner is not None else match["head"] in _BODIES


def _path(head: str, mark: str, rest: str) -> list[str] | None:
    """The members that a key leads through below its head; None where it is no member of it."""
    if head == "annotations":
        return [rest]
    inner = _INNER[head]
    if inner is not None:
        folded = _MARKS.sub("", rest.lower())
        member = next((name for name in inner if name.lower() == folded), None)
        if member is not None:
            return [member]
    rest = _INDEX.sub(lambda index: mark + index[1], rest)
    path: list[str] = []
    parts = rest.split(mark)
    for place, part in enumerate(parts):
        if path and path[-1] in MAPS and part not in ("matchLabels", "matchExpressions"):
            key = parts[place:]
            path.append(mark.join(key[:-1] if _is_item(path, key) else key))
            path.extend(key[-1:] if _is_item(path[:-1], key) else [])
            break
        path.append(part)
    if inner is not None and path[0].removesuffix("{}") not in inner:
        return None
    return path if all(path) else None


def _is_item(path: list[str], key: list[str]) -> bool:
    """Whether what a map's key ends with is an index: the values of a user's extra are lists."""
    return path[-1:] == ["extra"] and len(key) > 1 and key[-1].isdigit()


def _holder(fixed: dict[str, Any], head: str, event: dict[str, Any]) -> dict[str, Any] | None:
    """The object that a flattened member belongs into; None where something else stands in its place."""
    held: Any = fixed.get(head, {})
    if not isinstance(held, dict):
        return None
    is_shared = held is event.get(head)
    found: dict[str, Any] = dict(held) if is_shared else held
    fixed[head] = found
    return found


def body_with_members(body: dict[str, Any]) -> dict[str, Any]:
    """A body whose upper members were flattened (`spec.containers`), put together again."""
    flat = [key for key in body if "." in key and key.partition(".")[0] in _UPPER]
    if not flat:
        return body
    fixed = {key: value for key, value in body.items() if key not in flat}
    for key in flat:
        path = _path("requestObject", ".", key)
        if path is None:
            fixed[key] = body[key]
        else:
            _put(fixed, path, body[key])
    return fixed


def _put(holder: dict[str, Any], path: list[str], value: Any) -> None:
    for place, step in enumerate(path[:-1]):
        if step.endswith("{}"):
            _spread(holder, step.removesuffix("{}"), path[place + 1 :], value)
            return
        inner = holder.get(step)
        if type(inner) is not dict:
            inner = holder[step] = {}
        holder = inner
    last = path[-1]
    if last.endswith("{}"):
        last, value = last.removesuffix("{}"), _items(value)
    holder.setdefault(last, value)


def _spread(holder: dict[str, Any], name: str, path: list[str], value: Any) -> None:
    """Values of one member of all objects in an array."""
    items = holder.get(name)
    if type(items) is not list:
        items = holder[name] = []
    for place, one in enumerate(_items(value)):
        if place == len(items):
            items.append({})
        if type(items[place]) is dict:
            _put(items[place], path, one)


def _items(value: Any) -> list[Any]:
    """The values of a field that has several: an array, or lines of text."""
    if type(value) is list:
        return value
    return value.split("\n") if type(value) is str else [value]


def _value(path: list[str], value: Any) -> Any:
    """A value that was made text with the key: JSON again, but for what users put into maps."""
    if type(value) is not str or any(step in MAPS and step != "extra" for step in path[:-1]):
        return value
    if value in ("true", "false") and "extra" not in path:
        return value == "true"
    if value[:1] in ("{", "["):
        try:
            return decode_json(value)
        except BadJSON:
            return value
    return value


def _listed(value: Any) -> Any:
    """Objects whose keys are 0, 1, 2 … as arrays."""
    if type(value) is not dict:
        return value
    for key, inner in value.items():
        if key not in MAPS:
            value[key] = _listed(inner)
        elif key == "extra" and type(inner) is dict:  # a map of lists
            value[key] = {name: _listed(item) for name, item in inner.items()}
    if value and len(value) <= _MOST_ITEMS and all(key == str(place) for place, key in enumerate(value)):
        return list(value.values())
    return value
