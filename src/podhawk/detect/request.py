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


def key_of(event: AuditEvent) -> RequestKey:
    """The request that an event is a stage of."""
    data = event.view.data
    return RequestKey(event.cluster, member(data, "auditID"), member(data, "requestReceivedTimestamp"),
                      member(data, "user", "username"), member(data, "requestURI"))


def member(data: Any, *path: str) -> str:
    """A text inside a decoded event, "" where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return str(data) if isinstance(data, (str, int, float)) and not isinstance(data, bool) else ""


def newest_first(request: Request, *path: str) -> Iterator[Any]:
    """What the stages hold at a place, the latest stage first, those that hold nothing left out."""
    for event in reversed(request.events):
        data: Any = event.view.data
        for name in path:
            data = data.get(name) if isinstance(data, dict) else None
        if data is not None:
            yield data
