"""What a state keeps of events beside the events: who changed owners, who issued tokens, where components work.

These are the answers to questions that later requests ask. A change that arrives late changes the answers for requests
after it; `Changed` says whose they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from podhawk.detect.increment.kept import series_key
from podhawk.detect.requests.components import Credentials
from podhawk.detect.requests.owner_writes import Write
from podhawk.detect.requests.request import Request, RequestKey
from podhawk.events.event import AuditEvent


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


class WantedEvent(Struct, frozen=True):
    """An event that an aggregate plan wants, by the time at which it was written."""

    detection: str
    cluster: str
    time: float
    fingerprint: str
    request: str


class Island(Struct, frozen=True):
    """Events that an aggregate plan wants, with nothing near them: their first and last time, and their requests."""

    start: float
    end: float
    requests: frozenset[str]


class Changed(Struct):
    """What changed of the evidence: places with the earliest time from which answers differ, credentials, and
    components, all by hash."""

    places: dict[str, float]
    credentials: set[str]
    components: set[str]


class KeptEvidence(Protocol):
    """Events and evidence of earlier increments."""

    def events_of(self, requests: Collection[str]) -> list[AuditEvent]:
        """The events of requests."""

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

    def islands(self, detection: str, cluster: str, times: Collection[float], gap: float) -> list[Island]:
        """What a plan wants around these times, up to where it wants nothing for longer than `gap` seconds."""
