"""Cloud Logging entries as Pub/Sub delivers them, by push and by pull."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events import hides
from podhawk.events.envelope import Carrier, Format, Layer, Record
from podhawk.events.formats.gke import SOURCETYPE, carrier_of, is_entry
from podhawk.events.formats.payload import decoded, records_in
from podhawk.events.time import parse_rfc3339


def _message(value: dict[str, Any]) -> dict[str, Any] | None:
    found = value.get("message", value)
    if type(found) is not dict:
        return None
    data = found.get("data")
    if is_entry(data):
        return found
    marks = {"messageId", "message_id", "publishTime", "publish_time", "attributes", "subscription"}
    return found if type(data) is str and (found is not value or marks & found.keys()) else None


def _is_pubsub(value: Any) -> bool:
    if type(value) is not dict:
        return False
    return type(value.get("receivedMessages")) is list or _message(value) is not None


def _unwrap(record: Record) -> Layer:
    value = record.value
    if type(value.get("receivedMessages")) is list:
        for item in value["receivedMessages"]:
            yield Record(item, record.envelope.within("pubsub"))
        return
    message = _message(value) or {}
    stamp = message.get("publishTime") or message.get("publish_time")
    moment = parse_rfc3339(stamp) if isinstance(stamp, str) else None
    source = value.get("subscription")
    carrier = Carrier(SOURCETYPE, str(source) if isinstance(source, str) else "")
    data = message["data"]
    if type(data) is not str:
        envelope = record.envelope.within("pubsub", time=moment, carrier=carrier_of(message, None, carrier.source))
        yield Record(data, envelope)
        return
    if decoded(data) is None:
        yield Record(data, record.envelope.within("pubsub", time=moment))
        return
    for inner in records_in(data, record.envelope.within("pubsub", time=moment)):
        if isinstance(inner, Record) and is_entry(inner.value):
            shown = {**message, "data": inner.value}
            yield Record(
                inner.value,
                inner.envelope.within("pubsub", carrier=carrier_of(shown, None, carrier.source)),
                inner.text,
            )
        else:
            yield inner


PUBSUB: Final = Format(
    name="pubsub",
    doc="Cloud Logging entries delivered by Pub/Sub: `message.data` in base64 (push, pull), or the "
    "entry under `data`, as the Splunk add-on stores it.",
    recognise=_is_pubsub,
    unwrap=_unwrap,
    hides=hides.PUBSUB,
    example='{"message":{"data":"eyJhdWRpdElEIjoiN2YwYSIsInZlcmIiOiJnZXQifQ==","messageId":"1","publishTime":'
    '"2026-11-01T10:00:00Z"},"subscription":"projects/p/subscriptions/s"}\n',
)
