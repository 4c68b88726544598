"""Cloud Logging entries as the log sink to BigQuery keeps them, and as the table `_AllLogs` of Log Analytics does.

The sink makes a record of each part and renames what BigQuery does not allow in names: the payload is
`protopayload_auditlog`, bodies are JSON text under `requestJson` and `responseJson`, keys of labels have underscores
for dots and slashes. Log Analytics has the names of the protocol buffers (`proto_payload.audit_log.method_name`).

Source: https://cloud.google.com/logging/docs/export/bigquery
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from podhawk.events import hides
from podhawk.events.decode import BadJSON, decode_json
from podhawk.events.dots import joined
from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.gke import rebuilt
from podhawk.events.formats.gkeproto import camel
from podhawk.events.time import epoch_of, format_micro

_SINK: Final = "protopayload_auditlog"
_TEXTS: Final = {"requestJson": "request", "responseJson": "response", "metadataJson": "metadata"}
_AS_IT_IS: Final = frozenset({"request", "response", "labels"})


@lru_cache(maxsize=4096)
def _is_sink(name: str) -> bool:
    return name.lower() == _SINK


def _payload(value: dict[str, Any]) -> dict[str, Any] | None:
    name = next(filter(_is_sink, value), None)
    found = value[name] if name is not None else None
    if name is None:
        outer = value.get("proto_payload")
        found = outer.get("audit_log") if type(outer) is dict else None
    found = _whole(found)
    return found if type(found) is dict and ("methodName" in found or "method_name" in found) else None


def _recognise(value: Any) -> bool:
    return type(value) is dict and _payload(value) is not None


def _unwrap(record: Record) -> Layer:
    value = record.value
    payload = _payload(value) or {}
    entry = {key: item for key, item in value.items() if key.lower() not in (_SINK, "proto_payload")}
    if "method_name" in payload:
        payload = camel(payload, _AS_IT_IS)
        entry = camel(entry, _AS_IT_IS)
    payload = _given(payload)
    for text, name in _TEXTS.items():
        if name not in payload and text in payload:
            payload[name] = _whole(payload.pop(text))
    for name in _TEXTS.values():
        if not payload.get(name):  # an empty record is what the sink makes of none
            payload.pop(name, None)
    entry = _given(entry)
    for name in ("timestamp", "receiveTimestamp"):
        moment = epoch_of(entry.get(name))
        if moment is not None:
            entry[name] = format_micro(moment)
    labels = _whole(entry.get("labels"))
    entry["labels"] = joined(labels) if type(labels) is dict else {}
    yield from rebuilt({**entry, "protoPayload": payload}, None, record.envelope, "bigquery")


def _whole(value: Any) -> Any:
    if type(value) is str and value[:1] in ("{", "["):
        try:
            return decode_json(value)
        except BadJSON:
            return value
    return value


def _given(value: Any) -> Any:
    """A record without the members that are null, and with its truth values."""
    if type(value) is dict:
        return {
            key: item if key in _AS_IT_IS else _given(item) for key, item in value.items() if item not in (None, [])
        }
    if type(value) is list:
        return [_given(item) for item in value]
    return value == "true" if value in ("true", "false") else value


BIGQUERY: Final = Format(
    name="bigquery",
    doc="Rows of the BigQuery sink of Cloud Logging (`protopayload_auditlog`), and of the table `_AllLogs` of Log "
    "Analytics, rebuilt as audit events like the entries that they were.",
    recognise=_recognise,
    unwrap=_unwrap,
    certain=True,
    hides=hides.BIGQUERY,
    example='{"logName":"projects/p/logs/cloudaudit_googleapis_com_activity","resource":{"type":"k8s_cluster","labels":'
    '{"cluster_name":"prod-eu"}},"protopayload_auditlog":{"serviceName":"k8s.io","methodName":'
    '"io.k8s.core.v1.pods.create","resourceName":"core/v1/namespaces/default/pods/web","authenticationInfo":'
    '{"principalEmail":"alice@example.com"},"requestJson":"{\\"spec\\":{\\"hostNetwork\\":true}}"},'
    '"timestamp":"2026-11-01 10:00:00.5 UTC","insertId":"7f0a"}\n',
)
