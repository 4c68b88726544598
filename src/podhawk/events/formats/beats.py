"""Filebeat and Elasticsearch: the event parsed under `kubernetes.audit`, or as text in `message`."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.shipper import said_beside
from podhawk.events.reasons import is_audit_event

_PREFIX: Final = "kubernetes.audit."
_BEAT_KEYS: Final = frozenset({"agent", "beat", "ecs", "input", "log", "prospector", "fileset", "@metadata"})


def _parsed(value: dict[str, Any]) -> dict[str, Any] | None:
    """The event under `kubernetes.audit`, whichever of the dots have become nesting."""
    for outer, inner in (("kubernetes", "audit"), ("json", None)):
        holder = value.get(outer)
        found = holder.get(inner) if type(holder) is dict and inner else holder
        if is_audit_event(found):
            return found
    whole = value.get("kubernetes.audit")
    if is_audit_event(whole):
        return whole
    flat = {key[len(_PREFIX) :]: item for key, item in value.items() if key.startswith(_PREFIX)}
    if not flat and type(value.get("kubernetes")) is dict:
        flat = {key[len("audit.") :]: item for key, item in value["kubernetes"].items() if key.startswith("audit.")}
    flat = {
        key: item[0] if type(item) is list and len(item) == 1 and key not in ("sourceIPs", "user.groups") else item
        for key, item in flat.items()
    }
    return flat if is_audit_event(flat) else None


def _is_beat(value: Any) -> bool:
    if type(value) is not dict:
        return False
    if type(value.get("_source")) is dict and ("_index" in value or "_id" in value):
        return True
    if any(key.startswith("kubernetes") or key == "json" for key in value) and _parsed(value) is not None:
        return True
    message = value.get("message")
    return type(message) is str and "auditID" in message and "@timestamp" in value and not _BEAT_KEYS.isdisjoint(value)


def _unwrap(record: Record) -> Layer:
    value = record.value
    if type(value.get("_source")) is dict and ("_index" in value or "_id" in value):
        yield Record(value["_source"], record.envelope.within("filebeat"))
        return
    envelope = said_beside(value, record.envelope, "filebeat")
    event = _parsed(value)
    yield Record(event if event is not None else value["message"], envelope)


FILEBEAT: Final = Format(
    name="filebeat",
    doc="Documents of Filebeat and Elastic Agent: the event is parsed under `kubernetes.audit` "
    "(nested, or with dotted keys) or is text in `message`. The document may be inside an "
    "Elasticsearch hit (`_source`). The cluster is `orchestrator.cluster.name`.",
    recognise=_is_beat,
    unwrap=_unwrap,
    example='{"@timestamp":"2026-11-01T10:00:01Z","agent":{"type":"filebeat"},"orchestrator":{"cluster":{"name":'
    '"prod-eu"}},"kubernetes":{"audit":{"auditID":"7f0a","stage":"ResponseComplete","verb":"get",'
    '"annotations":{"authorization_k8s_io/decision":"allow"}}}}\n',
)
