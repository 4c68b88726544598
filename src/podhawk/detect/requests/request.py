"""A request: all stages of one call to the API server.

The audit log has a line for each stage of a call. Clients choose the auditID, so it names a call only together
with the time at which the server received it, the user and the URI: an attacker who repeats the auditID of
another call must not vanish in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from podhawk.events.event import AuditEvent
from podhawk.events.redaction.mask import unkeyed


class RequestKey(msgspec.Struct, frozen=True, order=True):
    """What tells one request from all others. `received` is as the event spells it; a member that is missing is ""."""

    cluster: str
    audit_id: str
    received: str
    user: str
    uri: str


class Request(Struct, frozen=True):
    """The stages of one request that were seen, by the time they were written, without exact repeats."""

    key: RequestKey
    events: tuple[AuditEvent, ...]

    @property
    def last(self) -> AuditEvent:
        """The latest stage: the one that knows most."""
        return self.events[-1]


def known_of(request: Request) -> dict[Any, Any] | None:
    """What has been worked out of requests that differ from this one in nothing but their identity, to be added to;
    None where no such ones are known."""
    first = request.events[0].template
    if first is None or len(request.events) == 1:
        return None if first is None else first.known
    later = tuple([event.template for event in request.events[1:]])
    if None in later:
        return None
    known: tuple[Any, dict[Any, Any]] | None = first.known.get(tuple(map(id, later)))
    if known is None:
        known = first.known[tuple(map(id, later))] = later, {}  # which are held, so that their ids stay theirs
    return known[1]


def key_of(event: AuditEvent) -> RequestKey:
    """The request that an event is a stage of. A secret in the URI counts as the same for any key of redaction."""
    data = event.view.data
    return RequestKey(
        event.cluster,
        member(data, "auditID"),
        member(data, "requestReceivedTimestamp"),
        member(data, "user", "username"),
        unkeyed(member(data, "requestURI")),
    )


def member(data: Any, *path: str) -> str:
    """A text inside a decoded event, "" where there is none."""
    for name in path:
        if not isinstance(data, dict):
            return ""
        data = data.get(name)
    if data.__class__ is str:
        return data
    return str(data) if isinstance(data, (str, int, float)) and not isinstance(data, bool) else ""


def newest_first(request: Request, *path: str) -> Iterator[Any]:
    """What the stages hold at a place, the latest stage first, those that hold nothing left out."""
    for event in reversed(request.events):
        data: Any = event.view.data
        for name in path:
            data = data.get(name) if isinstance(data, dict) else None
        if data is not None:
            yield data
