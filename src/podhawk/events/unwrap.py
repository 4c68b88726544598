"""From a decoded document to audit events: layer after layer of wrapping, until an event or a reason.

`unwrap` is given one document and asks the formats in their order. What a format hands on is asked
again. Text inside an envelope is a small input of its own: one event, several, a line with a prefix, or
an event cut short, which is salvaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from podhawk.events.decode import BadJSON, TooDeep, decode_at, decode_json
from podhawk.events.envelope import Envelope, Formats, Record, Reject, UnwrapOutcome
from podhawk.events.event import AUDIT_KEYS
from podhawk.events.formats.around import scan
from podhawk.events.formats.inside import text_in
from podhawk.events.formats.native import salvaged
from podhawk.events.reasons import (
    BROKEN,
    CUT,
    EMPTY,
    FRAGMENT,
    OTHER_JSON,
    TOO_DEEP,
    WRAPPED,
    is_audit_event,
    reason_for_object,
    reason_for_text,
)
from podhawk.events.salvage import salvage

_MAX_LAYERS: Final = 32
_OBJECT_START: Final = re.compile(r'\{\s*"')
_EVENT_START: Final = re.compile(
    r'\{\s*"(?:kind"\s*:\s*"Event"\s*,\s*"apiVersion"\s*:\s*"audit\.k8s\.io/|level"\s*:\s*"[A-Za-z]+"\s*,\s*"auditID")'
)
_MAX_FAILURES: Final = 200
_GAP: Final = re.compile(r"[ \t\r\n,;\x00]*")
_BETWEEN: Final = " \t\r\n,;\0"
_FRONT: Final = frozenset({"kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb"})


def unwrap(record: Record, formats: Formats, layer: int = 0) -> Iterator[UnwrapOutcome]:
    """Every audit event in the record, and a `Reject` for whatever in it is none."""
    value = record.value
    if layer > _MAX_LAYERS:
        yield Reject(WRAPPED)
        return
    form = formats.of(value)
    if form is not None:
        empty = True
        for inner in form.unwrap(record):
            empty = False
            if isinstance(inner, Record):
                yield from unwrap(inner, formats, layer + 1)
            else:
                yield inner
        if empty:
            yield Reject(EMPTY)
        return
    if type(value) is dict:
        yield Reject(reason_for_object(value))
    elif type(value) is str:
        yield from unwrap_text(value, record.envelope, formats, layer)
    else:
        yield Reject(OTHER_JSON)


def unwrap_text(text: str, envelope: Envelope, formats: Formats, layer: int = 0) -> Iterator[UnwrapOutcome]:
    """Events in text that no format of text recognised."""
    text = text.strip(" \t\r\n\0\ufeff")
    if text.startswith('"'):
        try:
            yield from unwrap(Record(decode_json(text), envelope), formats, layer + 1)
        except BadJSON:
            yield Reject(reason_for_text(text))
        return
    if not text.startswith(("{", "[")):
        inner = text_in(text)
        if inner is not None and inner != text:
            yield from unwrap(Record(inner, envelope), formats, layer + 1)
            return
        yield Reject(reason_for_text(text) if text else EMPTY)
        return
    try:
        value = decode_json(text)
    except BadJSON:
        yield from recover(text, envelope, formats, layer)
        return
    yield from unwrap(Record(value, envelope, text), formats, layer + 1)


def recover(text: str, envelope: Envelope, formats: Formats, layer: int = 0) -> Iterator[UnwrapOutcome]:
    """What can be had of text that starts like JSON but is no single document.

    Several documents back to back; an event cut short, perhaps with the next one written straight after
    it; a damaged array or batch, whose sound elements are taken one by one.
    """
    place = 0
    while place < len(text):
        front = salvage(text, place)
        if not is_audit_event(front.members):
            break
        end = front.closed or _next_event(text, place) or len(text)
        yield from _sound_or_salvaged(text[place:end], envelope, formats, layer)
        gap = _GAP.match(text, end)
        place = gap.end() if gap else end
    if place < len(text) and text[place:].strip(_BETWEEN + "]}"):
        yield from _search(text, place, envelope, formats, layer)


def _sound_or_salvaged(text: str, envelope: Envelope, formats: Formats, layer: int) -> Iterator[UnwrapOutcome]:
    try:
        value = decode_json(text)
    except BadJSON:
        front = salvage(text)
        if is_audit_event(front.members):  # the next event's start may have counted as part of this one
            yield salvaged(front, text, envelope)
        else:
            yield Reject(CUT)
        return
    yield from unwrap(Record(value, envelope, text), formats, layer + 1)


def _search(text: str, place: int, envelope: Envelope, formats: Formats, layer: int) -> Iterator[UnwrapOutcome]:
    """Look for sound documents, and for the fronts of events, from `place` on."""
    found = False
    beginning, failures = place, 0
    while failures < _MAX_FAILURES:
        match = _OBJECT_START.search(text, place)
        if match is None:
            break
        start = match.start()
        try:
            value, end = decode_at(text, start)
        except BadJSON:
            failures += 1
            front = salvage(text, start) if _EVENT_START.match(text, start) else None
            if front is not None and is_audit_event(front.members):
                found = True
                yield salvaged(front, text[start : front.stopped], envelope)
            place = max(start + 1, front.stopped if front is not None else 0)
            continue
        if is_audit_event(value) or formats.of(value) is not None:
            found = True
            yield from unwrap(Record(value, envelope, text[start:end]), formats, layer + 1)
        elif start == beginning:
            found = True
            after = text[end : end + 64].lstrip(_BETWEEN)
            yield Reject(FRAGMENT if after and not after.startswith(("{", "[")) else reason_for_object(value))
        place = end
    if not found and '"auditID"' not in text[beginning:]:  # no event that is broken, whose texts are not believed
        for one in scan(text, lambda value: formats.of(value) is not None, beginning):
            found = True
            yield from unwrap(Record(one.value, envelope), formats, layer + 1)
    if not found:
        yield Reject(_reason_for_broken(text[beginning:]))


def _next_event(text: str, place: int) -> int:
    """Where an event starts that was written straight after the cut one at `place`; 0 if none does."""
    for start in _EVENT_START.finditer(text, place + 1):
        try:
            value, end = decode_at(text, start.start())
        except BadJSON:
            continue
        after = text[end : end + 64].strip()
        if is_audit_event(value) and (not after or after.startswith("{")):
            return start.start()
    return 0


def _reason_for_broken(text: str) -> str:
    front = salvage(text)
    try:
        decode_json(text)
    except TooDeep:
        return TOO_DEEP
    except BadJSON:
        pass
    members = front.members
    if front.too_deep:
        return TOO_DEEP
    if members and not members.keys() <= _FRONT:
        reason = reason_for_object(members)
        if reason != OTHER_JSON:
            return reason
    if members.keys() & AUDIT_KEYS or front.cut in AUDIT_KEYS:
        return CUT
    return BROKEN
