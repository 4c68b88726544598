"""What the actors of findings did around the time of their findings."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from podhawk.detect.activity.entity import action_of
from podhawk.detect.activity.value_counts import ValueCounts
from podhawk.detect.evaluate.related_events import is_end
from podhawk.detect.finding import Finding
from podhawk.detect.requests.outcome import outcome_of
from podhawk.detect.requests.owner_writes import DELETES
from podhawk.detect.requests.request import Request, key_of, member
from podhawk.engine.fastpath.decoder import NOT_OF_SHAPE, DecodedValues, Shape, reader
from podhawk.events.collected import CollectedEvent, CollectedLine, EventDecoder
from podhawk.events.event import AuditEvent
from podhawk.events.time import parse_rfc3339
from podhawk.spl.clause import Clause, In

MOST_ACTORS: Final = 500
"""Actors whose requests are looked for."""
MOST_ACTIONS: Final = 100
"""Kinds of request that are kept of an actor around one time."""

_MOST_TEXTS: Final = 10_000

Spans = Mapping[str, Sequence[tuple[float, float]]]
"""The times to look at, by actor: from, to; in order, and none overlaps another."""


def spans_of(findings: Iterable[Finding], around: float) -> Spans:
    """The times around the findings of each actor, in epoch seconds; `around` is in seconds. Of more than MOST_ACTORS
    actors those with the most urgent findings are taken."""
    found: dict[str, list[tuple[float, float]]] = {}
    ordered = sorted(findings, key=lambda one: (-one.priority, one.first_time, one.finding_id))
    for one in ordered:
        user = one.actor.user
        if user and one.kind != "incident" and (user in found or len(found) < MOST_ACTORS):
            found.setdefault(user, []).append((one.first_time - around, one.last_time + around))
    return {user: _merged(times) for user, times in found.items()}


def _merged(times: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(times):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def clause_of_actors(spans: Spans) -> Clause:
    """Selects the events of the actors."""
    return In("user.username", tuple(sorted(spans)))


def span_at(spans: Spans, user: str, time: float | None) -> int | None:
    """The number of the span of an actor that holds a time."""
    own = spans.get(user)
    if own is None or time is None:
        return None
    place = bisect.bisect_right(own, (time, float("inf"))) - 1
    return place if place >= 0 and own[place][0] <= time <= own[place][1] else None


_NAMES: Final = (
    "stage",
    "verb",
    "user.username",
    "impersonatedUser.username",
    "objectRef.resource",
    "objectRef.subresource",
    "objectRef.namespace",
    "responseStatus.code",
)
"""What is said of a request depends on nothing else, unless it is a dry run; of one about no resource, on the path
too."""
_decode: Final = Shape(frozenset({*_NAMES, "requestURI"})).decode
_values: Final = reader(_NAMES)


def _text(event: AuditEvent) -> str:
    data = event.view.data
    masked = member(data, "impersonatedUser", "username")
    as_whom = f" as {masked}" if masked else ""
    return f"{action_of(data)}{as_whom}: {outcome_of(Request(key_of(event), (event,)))}"


class NearbyDigest:
    """The requests of actors within their spans, by kind. `decoder` masks secrets."""

    def __init__(self, spans: Spans, decoder: EventDecoder) -> None:
        self.spans = spans
        self._decoder: EventDecoder | None = decoder
        self.actions: dict[tuple[str, int], ValueCounts] = {}
        self._texts: dict[tuple[DecodedValues, str], str] = {}
        """What is said of events with these values, and with this path if they are about no resource; nothing of those
        that are not the end of a request."""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_decoder": None, "_texts": {}}

    def take(self, event: CollectedEvent) -> None:
        """Count a request, at its last stage."""
        assert self._decoder is not None
        if isinstance(event, CollectedLine) and self._decoder.by_receipt and self._take_short(event.text):
            return
        found = self._decoder.outline(event)
        if "dryRun" in member(found.view.data, "requestURI") or member(found.view.data, "verb") in DELETES:
            found = self._decoder.event(event)
        data = found.view.data
        if is_end(found):
            user = member(data, "user", "username")
            span = span_at(self.spans, user, found.time)
            if span is not None:
                self._count(user, span, _text(found), found.time)

    def _take_short(self, line: bytes) -> bool:
        """Count a line by the few members that matter. False if they do not tell everything."""
        try:
            event = _decode(line)
        except NOT_OF_SHAPE:
            return False
        values, uri, received = _values(event), event.requestURI, event.requestReceivedTimestamp
        time = parse_rfc3339(received) if isinstance(received, str) else None
        user, named = event.user.username, event.objectRef.resource
        if time is None or not isinstance(uri, str) or not isinstance(user, str) or "dryRun" in uri:
            return False
        if event.verb in DELETES and event.requestObject:
            return False  # the body may say that it is a dry run
        key = values, "" if isinstance(named, str) and named else uri.partition("?")[0]
        text = self._texts.get(key)
        if text is None:
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            assert self._decoder is not None
            found = self._decoder.outline(CollectedLine("", 1, line))
            text = self._texts[key] = _text(found) if is_end(found) else ""
        span = span_at(self.spans, user, time) if text else None
        if span is not None:
            self._count(user, span, text, time)
        return True

    def _count(self, user: str, span: int, text: str, time: float | None) -> None:
        counts = self.actions.get((user, span))
        if counts is None:
            counts = self.actions[user, span] = ValueCounts(MOST_ACTIONS)
        counts.add(text, time)

    def merge(self, other: NearbyDigest) -> None:
        """Take in what was counted in another part of the log."""
        for key, counts in other.actions.items():
            known = self.actions.get(key)
            if known is None:
                self.actions[key] = counts
            else:
                known.merge(counts)
