"""Gathered events, brought together by request.

Exact repeats of an event (a log that was read twice, a webhook that posted again) count once. Two events are the same
if their members are, apart from `kind`, `apiVersion` and what a carrier added: never because their auditIDs are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct

from podhawk.detect.requests.request import Request, RequestKey, key_of
from podhawk.events.collected import CollectedEvent, CollectedLine, CutLine, EventDecoder, place_of
from podhawk.events.equal_parts import EqualParts
from podhawk.events.event import AUDIT_KEYS, AuditEvent
from podhawk.events.partition import cluster_of
from podhawk.events.redaction.mask import unkeyed_bytes

_STAGES: Final = {"RequestReceived": 0, "ResponseStarted": 1, "ResponseComplete": 2, "Panic": 3}
_SAME: Final = AUDIT_KEYS - {"kind", "apiVersion"}
_encode = msgspec.json.Encoder(order="deterministic", enc_hook=str).encode


class CollectedRequest(Struct, frozen=True):
    """A request, and which searches want each of its events."""

    request: Request
    wanted: tuple[frozenset[int], ...]

    def events_for(self, number: int) -> tuple[AuditEvent, ...]:
        """The events that one search wants."""
        return tuple(event for event, wanted in self.pairs() if number in wanted)

    def pairs(self) -> Iterator[tuple[AuditEvent, frozenset[int]]]:
        """Each event with the searches that want it."""
        return zip(self.request.events, self.wanted, strict=True)

    @property
    def searches(self) -> frozenset[int]:
        """The searches that want any event."""
        return frozenset().union(*self.wanted)


def collect(
    gathered: Iterable[tuple[CollectedEvent, Iterable[int]]], decoder: EventDecoder
) -> dict[RequestKey, CollectedRequest]:
    """The requests that gathered events are stages of."""
    found: dict[RequestKey, list[tuple[AuditEvent, frozenset[int]]]] = {}
    sets: dict[tuple[int, ...], frozenset[int]] = {}
    parts = EqualParts()
    for kept, numbers in _without_copies(gathered):
        event, each = decoder.event(kept), tuple(numbers)
        parts.share(event)
        wanted = sets.get(each)
        if wanted is None:
            wanted = sets[each] = frozenset(each)
        found.setdefault(key_with_id(event), []).append((event, wanted))
    return {key: _collected(key, events) for key, events in found.items()}


def _without_copies(
    gathered: Iterable[tuple[CollectedEvent, Iterable[int]]],
) -> Iterator[tuple[CollectedEvent, Iterable[int]]]:
    """What was gathered, lines that are copies of one another once, as the first of them: they need not be decoded to
    know that they are the same event."""
    lines: dict[Hashable, tuple[CollectedLine | CutLine, Iterable[int]]] = {}
    for kept, numbers in gathered:
        if isinstance(kept, AuditEvent):
            yield kept, numbers
            continue
        key: Hashable
        if isinstance(kept, CutLine):
            key = cluster_of(kept.file), kept.identity, kept.rest
        else:
            key = cluster_of(kept.file), blake2b(kept.text, digest_size=16).digest()  # the text itself is large
        known = lines.get(key)
        if known is None:
            lines[key] = kept, numbers
        else:
            first = min(known[0], kept, key=place_of)
            lines[key] = first, known[1] if known[1] == numbers else {*known[1], *numbers}
    for key in list(lines):
        yield lines.pop(key)


def key_with_id(event: AuditEvent) -> RequestKey:
    """The request of an event; one without an auditID is a request of its own."""
    key = key_of(event)
    return key if key.audit_id else msgspec.structs.replace(key, audit_id=f"event-{fingerprint(event).hex()}")


def join(
    first: Mapping[RequestKey, CollectedRequest], second: Mapping[RequestKey, CollectedRequest]
) -> dict[RequestKey, CollectedRequest]:
    """The requests of both, with the events of both."""
    joined = dict(first)
    for key, other in second.items():
        known = joined.get(key)
        joined[key] = other if known is None else _collected(key, [*known.pairs(), *other.pairs()])
    return joined


def _collected(key: RequestKey, events: Sequence[tuple[AuditEvent, frozenset[int]]]) -> CollectedRequest:
    if len(events) > 1:
        once: dict[bytes, tuple[AuditEvent, frozenset[int]]] = {}
        for event, wanted in events:
            own = fingerprint(event)
            known = once.get(own)
            once[own] = (event, wanted) if known is None else (_first(known[0], event), known[1] | wanted)
        events = [once[own] for own in sorted(once, key=lambda own: (*_when(once[own][0]), own))]
    return CollectedRequest(Request(key, tuple(event for event, _ in events)), tuple(wanted for _, wanted in events))


def _first(one: AuditEvent, other: AuditEvent) -> AuditEvent:
    """Of two copies of an event the one that stands first."""
    return min(one, other, key=lambda event: (event.origin.file, event.origin.line, event.origin.item))


def _when(event: AuditEvent) -> tuple[float, int]:
    stage: Any = event.view.data.get("stage")
    return event.stage_time or event.time or 0.0, _STAGES.get(stage, 4) if isinstance(stage, str) else 4


def fingerprint(event: AuditEvent) -> bytes:
    """The same for two events if they are the same, with whichever key their secrets were masked."""
    members = {name: value for name, value in event.view.data.items() if name in _SAME}
    return blake2b(unkeyed_bytes(_encode(members)), digest_size=12).digest()
