"""Envelopes of Splunk's HTTP Event Collector."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import slice_of
from podhawk.events.envelope import Carrier, Envelope, Format, Layer, Record
from podhawk.events.event import NATIVE_SOURCE, NATIVE_SOURCETYPE
from podhawk.events.formats.shipper import cluster_beside
from podhawk.events.time import epoch_of
from podhawk.rows import Value

_ENVELOPE: Final = frozenset({"event", "time", "host", "source", "sourcetype", "index", "fields"})


def _recognise(value: Any) -> bool:
    return type(value) is dict and isinstance(value.get("event"), (dict, str, list)) and value.keys() <= _ENVELOPE


def _unwrap(record: Record) -> Layer:
    value = record.value
    event = value["event"]
    text = slice_of(record.text, "event") if record.text is not None and type(event) is not str else None
    yield Record(event, envelope_of(value, record.envelope, _indexed(value.get("fields")), "hec"), text)


def envelope_of(value: dict[str, Any], outer: Envelope, indexed: dict[str, Value], name: str) -> Envelope:
    """What an envelope or an exported result says of its event."""

    def said(key: str) -> str | None:
        found = value.get(key)
        return str(found) if isinstance(found, str) and found else None

    source, sourcetype, index = said("source"), said("sourcetype"), said("index")
    carrier = None
    if (source or NATIVE_SOURCE, sourcetype or NATIVE_SOURCETYPE) != (NATIVE_SOURCE, NATIVE_SOURCETYPE) or index:
        carrier = Carrier(sourcetype or NATIVE_SOURCETYPE, source or NATIVE_SOURCE, index=index)
    return outer.within(
        name,
        time=epoch_of(value.get("time") or value.get("_time")),
        host=said("host"),
        cluster=cluster_beside(indexed),
        carrier=carrier,
        indexed=indexed or None,
    )


def _indexed(fields: Any) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if type(fields) is dict:
        for name, value in fields.items():
            if isinstance(value, str):
                found[name] = str(value)
            elif isinstance(value, bool):
                found[name] = "true" if value else "false"
            elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
                found[name] = tuple(map(str, value)) if len(value) > 1 else str(value[0])
    return found


HEC: Final = Format(
    name="hec",
    doc="Envelopes of Splunk's HTTP Event Collector, one or several in sequence. `event` is an "
    "object or a string. `host`, `index`, `source`, `sourcetype` and `fields` are kept. `time` "
    "is used only for an event without its own time. The native view keeps `source=kubernetes`; "
    "a search that names the envelope's source or sourcetype sees the record under these.",
    recognise=_recognise,
    unwrap=_unwrap,
    verbatim=True,
    example='{"time":1793527200.5,"host":"cp-1","source":"audit","sourcetype":"kube:apiserver-audit","index":"k8s",'
    '"fields":{"cluster":"prod-eu"},"event":{"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}}\n',
)
