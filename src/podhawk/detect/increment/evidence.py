"""What a state keeps of events beside the events: who changed owners, who issued tokens, where components work.

These are the answers to questions that later requests ask. A change that arrives late changes the answers for requests
after it; `Changed` says whose they are.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from podhawk.detect.increment.kept import Interval, series_key
from podhawk.detect.requests.components import Credentials
from podhawk.detect.requests.owner_writes import Write
from podhawk.detect.requests.request import Request, RequestKey
from podhawk.events.event import AuditEvent

Notes = dict[Any, Any]
"""What was worked out about an event before, by what it is. It is the same whenever it is worked out."""
SEARCHES: Final = "searches"
"""With True, the key of the note on which searches want an event; with False, on which of the aggregate plans do."""
STREAMED: Final = "streamed"
"""With the key of a detection, the key of the note on the rows of an event as they reach the grouping."""
NotesOf = Callable[[AuditEvent], Notes | None]


def no_notes(event: AuditEvent) -> None:
    """Of no event is anything remembered."""


def request_hash(key: RequestKey) -> str:
    """What a state knows a request by."""
    return series_key(["request", key.cluster, key.audit_id, key.received, key.user, key.uri])


def place_hash(cluster: str, namespace: str) -> str:
    """What a state knows a namespace of a cluster by."""
    return series_key(["place", cluster, namespace])


def credential_hash(cluster: str, credential: str) -> str:
    """What a state knows a credential by."""
    return series_key(["credential", cluster, credential])


def component_hash(cluster: str, user: str) -> str:
    """What a state knows a component of a cluster by."""
    return series_key(["component", cluster, user])


class KeptEvent(Struct, frozen=True):
    """An event as a state keeps it: with its request and what the answers for it depend on."""

    event: AuditEvent
    request: str
    place: str = ""
    credential: str = ""
    component: str = ""
    wanted: Collection[int] | None = None
    """The searches that want it, where an aggregate plan among them will look at it again."""


class WantedEvent(Struct, frozen=True):
    """An event that an aggregate plan wants, by the time at which it was written. `by_key` is what the state knows its
    by-key by; `alike` is a hash of its rows as they reach the grouping. Both are "" where the plan does not look at
    each by-key by itself."""

    detection: str
    cluster: str
    by_key: str
    time: float
    fingerprint: str
    request: str
    alike: str


class EventKind(Struct, frozen=True):
    """How many events of a by-key are alike, and the fingerprint of one of them."""

    by_key: str
    alike: str
    number: int
    fingerprint: str


class Stretch(Struct, frozen=True):
    """Where an aggregate plan looks again, by the ends of windows. Windows that end within `changed` may give other
    rows, or join other windows; the episodes that they are of end within `whole`, which is empty if no window has a
    row. `events` are those that these windows hold, each by its request and its fingerprint."""

    changed: Sequence[Interval]
    whole: Sequence[Interval]
    events: frozenset[tuple[str, str]]

    def looks_at(self, end: float) -> bool:
        """Whether a window is looked at."""
        return within(self.whole, end, end)

    def touches(self, first: float, last: float) -> bool:
        """Whether an episode of windows may have changed."""
        return within(self.changed, first, last)


def within(spans: Sequence[Interval], first: float, last: float) -> bool:
    """Whether some spans, which are in order and apart, have a part of another."""
    place = bisect.bisect_right(spans, last, key=lambda span: span[0])
    return place > 0 and spans[place - 1][1] >= first


def merged(spans: Iterable[Interval], apart: float = 0.0) -> list[Interval]:
    """Spans in order, as one where no more than `apart` is between them."""
    found: list[Interval] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + apart:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


class Changed(Struct):
    """What changed of the evidence: places with the earliest time from which answers differ, credentials, and
    components, all by hash."""

    places: dict[str, float]
    credentials: set[str]
    components: set[str]


class KeptEvidence(Protocol):
    """Events and evidence of earlier increments."""

    def notes_of(self, event: AuditEvent) -> Notes | None:
        """What is remembered of an event that `events_of` gave, until the state forgets it; None if nothing is."""

    def events_of(self, requests: Collection[str]) -> list[tuple[str, AuditEvent]]:
        """The events of requests, each with its fingerprint."""

    def events_at(self, fingerprints: Collection[str]) -> dict[str, AuditEvent]:
        """Events by their fingerprints."""

    def keep(self, events: Iterable[KeptEvent], waiting: Iterable[KeptEvent]) -> None:
        """Keep events, and for a while those that wait for others of their request. One that is kept already stays as
        it is."""

    def learn_credentials(self, requests: Iterable[Request], changed: Changed) -> None:
        """Take in what requests for tokens show, and add to `changed` what that changes."""

    def learn_writes(self, writes: Mapping[str, Write | None], changed: Changed) -> None:
        """Take in the changes of owners that requests made, by request, and add to `changed` what that changes."""

    def credentials_of(self, credentials: Collection[tuple[str, str]]) -> Credentials:
        """Who issued some credentials (cluster and id), and where components work."""

    def writes_in(self, places: Collection[str]) -> list[Write]:
        """The changes of owners in places."""

    def depending(self, changed: Changed) -> set[str]:
        """The requests for which answers may differ."""

    def keep_wanted(self, wanted: Iterable[WantedEvent]) -> None:
        """Keep which events aggregate plans want."""

    def episodes(
        self, detection: str, cluster: str, changed: Mapping[str, Sequence[Interval]]
    ) -> dict[str, list[Interval]]:
        """The first and last window of the known findings of an aggregate plan that have a window within some spans,
        by by-key."""

    def kinds(self, detection: str, cluster: str, by_keys: Collection[str], span: Interval) -> list[EventKind]:
        """How many events of each kind a plan wants in a span of time, by by-key."""

    def wanted(
        self, detection: str, cluster: str, spans: Mapping[str, Sequence[Interval]]
    ) -> dict[str, frozenset[tuple[str, str]]]:
        """The events that a plan wants in some spans of time, by by-key, each by its request and its fingerprint. Where
        by-keys do not stand apart, also the next event after each span."""
