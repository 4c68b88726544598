"""An audit event as the API server writes it: one per line, pretty-printed, or several back to back."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import encode_json
from podhawk.events.envelope import Envelope, Event, Format, Layer, Record, Reject
from podhawk.events.event import EXPECTED_KEYS, PADDING
from podhawk.events.reasons import FLATTENED, is_audit_event
from podhawk.events.repair import Repaired, repair
from podhawk.events.salvage import Salvaged

_TRUNCATED: Final = "audit.k8s.io/truncated"
_BODIES: Final = ("requestObject", "responseObject")


def native_event(data: dict[str, Any], text: str | bytes | None, envelope: Envelope) -> Event:
    """An event that is out of its last wrapping, with what shippers did to it undone."""
    return _built(repair(data), data, text, envelope)


def event_or_reject(data: dict[str, Any], text: str | bytes | None, envelope: Envelope) -> Layer:
    """The same, or a reject where members of it cannot be read: half an event does not count as one."""
    fixed = repair(data)
    if fixed.unread:
        yield Reject(FLATTENED)
    else:
        yield _built(fixed, data, text, envelope)


def _built(repaired: Repaired, data: dict[str, Any], text: str | bytes | None, envelope: Envelope) -> Event:
    fixed = repaired.data
    raw = encode_json(fixed) if text is None or fixed is not data else raw_of(text)
    missing = envelope.missing | repaired.missing if repaired.missing else envelope.missing
    annotations = fixed.get("annotations")
    truncated = type(annotations) is dict and annotations.get(_TRUNCATED) == "true"
    if truncated:
        missing = missing.union(name for name in _BODIES if name not in fixed)
    return Event(fixed, raw, envelope, truncated, missing)


def raw_of(text: str | bytes) -> str:
    """What a search for bare words looks at of an event's text."""
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else text).strip(PADDING)


def salvaged(front: Salvaged, text: str, envelope: Envelope) -> Event:
    """What could be saved of an event that was cut or damaged, and the members that were lost."""
    data = repair(front.members).data
    lost = set(front.too_deep)
    if not front.closed:
        lost.update(_after_the_cut(front, data))
    return Event(data, text.strip(), envelope, bool(lost), envelope.missing | lost)


def _after_the_cut(front: Salvaged, data: dict[str, Any]) -> set[str]:
    """The members that may have stood behind the cut: all that are not here, or, where the members come in the API
    server's order, only those that come after the last one that is here."""
    places = [EXPECTED_KEYS.index(name) for name in front.members if name in EXPECTED_KEYS]
    last = places[-1] if places and places == sorted(places) else -1
    lost = {name for name in EXPECTED_KEYS[last + 1 :] if name not in data}
    return lost | {front.cut} if front.cut else lost


def _unwrap(record: Record) -> Layer:
    yield native_event(record.value, record.text, record.envelope)


NATIVE: Final = Format(
    name="native",
    doc="Audit events (audit.k8s.io v1, v1beta1, v1alpha1) as the log backend of the API server "
    "writes them: one per line, pretty-printed, or several documents in sequence. `kind` and "
    "`apiVersion` are optional.",
    recognise=is_audit_event,
    unwrap=_unwrap,
    certain=True,
    verbatim=True,
    example='{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"7f0a","stage":'
    '"ResponseComplete","requestURI":"/api/v1/namespaces/default/pods","verb":"list","user":{"username":'
    '"alice"},"sourceIPs":["10.0.0.7"],"requestReceivedTimestamp":"2026-11-01T10:00:00.000001Z"}\n',
)
