"""Undoing what log shippers do to an audit event on its way.

They overwrite `level` with a syslog severity (the original is kept aside under another name), rename keys (dots become
underscores, or a dotted key becomes nested objects: see `dots`), turn nested objects into JSON strings, flatten objects
into joined keys (see `flat`), and make decimals of whole numbers. Each is undone only where the result is certain: a
DNS name has no underscore, an audit event's `user` is never a string. What is not certain is told.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import Struct

from podhawk.events.decode import BadJSON, JsonNumber, decode_json
from podhawk.events.dots import is_sound, joined, lost_its_dots, restored_key, with_dots
from podhawk.events.event import AUDIT_KEYS
from podhawk.events.time import epoch_of, format_micro, parse_rfc3339

LEVELS: Final = ("k8s_audit_level", "openshift_audit_level", "audit_level")
_AUDIT_LEVELS: Final = frozenset({"None", "Metadata", "Request", "RequestResponse"})
_BODIES: Final = ("requestObject", "responseObject")
_NESTED: Final = (
    "user",
    "impersonatedUser",
    "objectRef",
    "responseStatus",
    *_BODIES,
    "annotations",
    "sourceIPs",
    "authenticationMetadata",
)
_TIMES: Final = ("requestReceivedTimestamp", "stageTimestamp")
_MOST_SOUND: Final = 10_000
_TEXT: Final = frozenset({str})
_WHOLE: Final = re.compile(r"(-?\d+)\.0+\Z")


class Repaired(Struct, frozen=True):
    """An event as the API server wrote it (the same object where nothing was done to it), fields of it that may have
    had another name, and keys that could not be taken apart."""

    data: dict[str, Any]
    missing: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()


def repair(event: dict[str, Any]) -> Repaired:
    """The event as the API server wrote it."""
    if not event.keys() <= AUDIT_KEYS and not event.keys() - AUDIT_KEYS <= _OWN:
        return _repaired(event)
    return Repaired(event) if _is_sound(event) else _repaired(event)


def _is_sound(event: dict[str, Any]) -> bool:
    """Whether nothing was done to the members of an event; nearly always that is so, and asked quickly."""
    get = event.get
    for key in _NESTED:
        if type(get(key)) is str:
            return False
    for key in _TIMES:
        stamp = get(key)
        if stamp is not None and not (type(stamp) is str and len(stamp) == 27):
            return False
    for key in _BODIES:
        if key in event and type(event[key]) is dict and "." in "".join(event[key]):
            return False
    user, status, annotations = get("user"), get("responseStatus"), get("annotations")
    if type(user) is dict and (
        type(user.get("groups")) is str or ("extra" in user and not _has_sound_keys(user["extra"]))
    ):
        return False
    if type(status) is dict and "code" in status:
        code = status["code"]
        if type(code) is not JsonNumber or not code.isdigit():
            return False
    if annotations is None:
        return True
    return _has_sound_keys(annotations) and _TEXT.issuperset(map(type, annotations.values()))


_OWN: set[str] = set()
"""Keys beside an event's members that have been found to be the shipper's own."""
_SOUND: set[str] = set()
"""Keys of annotations and extra fields that have been found sound."""


def _has_sound_keys(found: Any) -> bool:
    if type(found) is not dict:
        return False
    if not found.keys() <= _SOUND:
        if any(restored_key(key) != key or not is_sound(key, "") for key in found) or len(_SOUND) > _MOST_SOUND:
            return False
        _SOUND.update(found)
    return dict not in map(type, found.values())


def _repaired(event: dict[str, Any]) -> Repaired:
    fixed = event
    unread: list[str] = []
    if not event.keys() <= AUDIT_KEYS:
        from podhawk.events.flat import may_be_joined, unflatten

        beside = event.keys() - AUDIT_KEYS
        if len(_OWN) < _MOST_SOUND and beside.isdisjoint(LEVELS) and not any(map(may_be_joined, beside)):
            _OWN.update(beside)
        fixed, unread = unflatten(fixed)
        fixed = _restore_level(fixed)
    for key in _NESTED:
        value = fixed.get(key)
        if type(value) is str:
            whole = _object(key, value)
            if whole is not None:
                fixed = {**fixed, key: whole}
    pairs = _pairs(fixed.get("annotations"))
    if pairs is not None:
        fixed = {**fixed, "annotations": pairs}
    for key in _BODIES:
        value = fixed.get(key)
        if type(value) is dict and any("." in name for name in value):
            from podhawk.events.flat import body_with_members

            whole = body_with_members(value)
            if whole is not value:
                fixed = {**fixed, key: whole}
    for key in ("user", "impersonatedUser"):
        value = fixed.get(key)
        if type(value) is dict and (type(value.get("groups")) is str or type(value.get("extra")) in (str, list)):
            fixed = {**fixed, key: {name: _whole(name, item) for name, item in value.items()}}
    status = fixed.get("responseStatus")
    code = status.get("code") if type(status) is dict else None
    if code is not None and not (type(code) is JsonNumber and code.isdigit()):
        fixed = _with_whole_numbers(fixed, code)
    for key in _TIMES:
        stamp = fixed.get(key)
        if stamp is not None and not (type(stamp) is str and (len(stamp) == 27 or parse_rfc3339(stamp) is not None)):
            moment = epoch_of(stamp)
            if moment is not None:
                fixed = {**fixed, key: format_micro(moment)}
    annotations, user = fixed.get("annotations"), fixed.get("user")
    extra = user.get("extra") if type(user) is dict else None
    missing: set[str] = set()
    if lost_its_dots(annotations, extra):
        fixed, missing = _with_dots(fixed)
    elif type(annotations) is dict and not all(is_sound(key, value) for key, value in annotations.items()):
        fixed = {**fixed, "annotations": joined(annotations)}
    return Repaired(fixed, frozenset(missing), tuple(unread))


def may_be_changed(event: dict[str, Any]) -> bool:
    """Whether an event with no members but its own may have been changed in a way that shows in its bodies."""
    status, annotations = event.get("responseStatus"), event.get("annotations")
    code = status.get("code") if type(status) is dict else None
    return (
        (code is not None and type(code) is not int and not (isinstance(code, str) and code.isdigit()))
        or (annotations is not None and type(annotations) is not dict)
        or not all(is_sound(key, value) for key, value in (annotations or {}).items())
    )


def _restore_level(event: dict[str, Any]) -> dict[str, Any]:
    for name in LEVELS:
        kept = event.get(name)
        if isinstance(kept, str) and kept in _AUDIT_LEVELS and event.get("level") != kept:
            return {**event, "level": kept}
    return event


def _object(key: str, text: str) -> Any:
    """The object or array that a text stands for; None where it stands for itself."""
    whole = _as_json(text)
    if whole is not None:
        return whole
    if key == "sourceIPs" and text:
        return [part.strip() for part in text.split(",")]
    return {"username": text} if key in ("user", "impersonatedUser") and text and not text.isspace() else None


def _whole(name: str, value: Any) -> Any:
    if name == "extra" and type(value) is list:
        pairs = _pairs(value)
        return value if pairs is None else pairs
    if name not in ("groups", "extra") or type(value) is not str:
        return value
    whole = _as_json(value)
    if whole is not None:
        return whole
    return [part.strip() for part in re.split(r"[,\n]", value) if part.strip()] if name == "groups" else value


def _pairs(value: Any) -> dict[str, Any] | None:
    """A map that was written as a list of its keys and values; None where it is none."""
    if type(value) is not list or not all(type(pair) is dict and type(pair.get("key")) is str for pair in value):
        return None
    return {pair["key"]: pair.get("value") for pair in value}


def _as_json(text: str) -> Any:
    if isinstance(text, JsonNumber) or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = decode_json(text)
    except BadJSON:
        return None
    return value if isinstance(value, (dict, list)) else None


def _with_whole_numbers(event: dict[str, Any], code: Any) -> dict[str, Any]:
    """The event with a status code that is a whole number. Where it was made a decimal, so were all whole numbers."""
    if type(code) is str:
        whole = _WHOLE.sub(r"\1", code)
        if not whole.isdigit():
            return event
        return {**event, "responseStatus": {**event["responseStatus"], "code": JsonNumber(whole)}}
    if type(code) is not JsonNumber or _WHOLE.match(code) is None:
        return event
    return {key: _rounded(value) if isinstance(value, (dict, list)) else value for key, value in event.items()}


def _rounded(node: Any) -> Any:
    if type(node) is dict:
        return {key: _rounded(value) for key, value in node.items()}
    if type(node) is list:
        return [_rounded(value) for value in node]
    return JsonNumber(_WHOLE.sub(r"\1", node)) if type(node) is JsonNumber else node


def _with_dots(event: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    fixed = dict(event)
    missing: set[str] = set()
    if type(fixed.get("annotations")) is dict:
        fixed["annotations"] = joined(fixed["annotations"])
    for key in ("user", "impersonatedUser"):
        user = fixed.get(key)
        if type(user) is dict and type(user.get("extra")) is dict:
            fixed[key] = {**user, "extra": joined(user["extra"])}
    for key in _BODIES:
        if key in fixed:
            fixed[key], unsure = with_dots(key, fixed[key])
            missing |= unsure
    return fixed, missing
