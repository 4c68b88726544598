"""The few members of an event on which it depends what a digest of an entity says of it.

Most events of an entity are alike in them, so it is worked out once what they mean. Some events need more: those that
change what owns pods, or make or delete pods, for who caused a pod; and deletes with a body, which may say that they
are a dry run.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from podhawk.detect.requests.actor import POD_NAME
from podhawk.detect.requests.owner_writes import DELETES, KINDS, WRITES
from podhawk.engine.fastpath.decoder import NOT_OF_SHAPE, DecodedValues, Shape, kept, reader
from podhawk.events.time import parse_rfc3339

NODE_NAME: Final = "authentication.kubernetes.io/node-name"
_NAMES: Final = (
    "stage",
    "verb",
    "user.username",
    "impersonatedUser.username",
    "sourceIPs{}",
    "userAgent",
    "objectRef.resource",
    "objectRef.subresource",
    "objectRef.namespace",
    "responseStatus.code",
    f"user.extra.{POD_NAME}{{}}",
    f"user.extra.{NODE_NAME}{{}}",
)
_decode: Final = Shape(frozenset({*_NAMES, "objectRef.name", "requestURI"})).decode
_values: Final = reader(_NAMES)
_NAMED: Final = ("pods", "nodes")
_decode_names: Final = Shape(frozenset({"user.username", "objectRef.resource", "objectRef.name"})).decode


class Brief(Struct, frozen=True):
    """An event in brief: when it was received, and what all else depends on, which may be the same for many events;
    None if more of the event is needed."""

    time: float
    key: DecodedValues | None
    ended: bool
    links: bool
    """Whether it may show who caused a pod."""


def brief_of(line: bytes) -> Brief | None:
    """A line in brief; None if only the whole event tells."""
    try:
        event = _decode(line)
    except NOT_OF_SHAPE:
        return None
    received, uri, reference = event.requestReceivedTimestamp, event.requestURI, event.objectRef
    time = parse_rfc3339(received) if isinstance(received, str) else None
    if time is None or not isinstance(uri, str) or not kept(event.user.extra):
        return None
    resource, subresource, name = reference.resource or "", reference.subresource or "", reference.name or ""
    verb = event.verb
    links = _links(verb, resource, subresource)
    whole = links or "dryRun" in uri or subresource == "token" or (verb in DELETES and bool(event.requestObject))
    key = None if whole else (_values(event), uri.partition("?")[0] if not resource else "", "")
    if key is not None and resource in _NAMED:
        key = (*key[:2], name)
    ended = event.stage in ("ResponseComplete", "Panic") or str(event.responseStatus.code) == "401"
    return Brief(time, key, ended, links)


def _links(verb: Any, resource: Any, subresource: Any) -> bool:
    if resource == "pods":
        return (verb in DELETES and not subresource) or (verb == "create" and subresource in ("", "eviction"))
    return resource in KINDS and verb in WRITES and subresource in ("", "scale")


def names_of(line: bytes) -> tuple[str, ...] | None:
    """The user of an event, and the pod or node that it is about; None if only the whole event tells."""
    try:
        event = _decode_names(line)
    except NOT_OF_SHAPE:
        return None
    names = (event.user.username, event.objectRef.name if event.objectRef.resource in _NAMED else None)
    return tuple(one for one in names if isinstance(one, str))
