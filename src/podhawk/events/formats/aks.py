"""AKS diagnostics: resource-log records of Azure Monitor, the event under `properties.log`.

`log` is text (with a line feed at its end, and cut at 16 KiB) or an object. Which category a record is
under says little: audit events were seen under others, so the content decides.
"""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events.decode import BadJSON, decode_json, encode_json, slices
from podhawk.events.envelope import Carrier, Format, Layer, Record
from podhawk.events.time import epoch_of

SOURCETYPE: Final = "mscs:storage:blob:json"
_CLUSTER: Final = re.compile(r"/managedclusters/([^/]+)", re.IGNORECASE)
_MARKS: Final = frozenset(
    {"category", "Category", "operationName", "resourceId", "ResourceId", "_ResourceId", "ccpNamespace"}
)


def cluster_of(resource: str) -> str | None:
    """The cluster that the id of a resource names."""
    match = _CLUSTER.search(resource)
    return match[1] if match else None


def _properties(value: dict[str, Any]) -> dict[str, Any] | None:
    found = value.get("properties", value.get("Properties"))
    if type(found) is str and found.lstrip().startswith("{"):
        try:
            found = decode_json(found)
        except BadJSON:
            return None
    return found if type(found) is dict else None


def _is_record(value: Any) -> bool:
    if type(value) is not dict or "protoPayload" in value:
        return False
    if isinstance(value.get("log_s"), str):
        return True
    properties = value.get("properties", value.get("Properties"))
    if type(properties) is dict:
        return isinstance(properties.get("log"), (str, dict))
    return type(properties) is str and '"log"' in properties and not _MARKS.isdisjoint(value)


def _recognise(value: Any) -> bool:
    if _is_record(value):
        return True
    records = value.get("records") if type(value) is dict else None
    return type(records) is list and any(
        type(item) is dict and ("properties" in item or not _MARKS.isdisjoint(item)) for item in records
    )


def _unwrap(record: Record) -> Layer:
    value = record.value
    if not _is_record(value):
        texts = slices(record.text, "records") if record.text is not None else []
        known = texts if len(texts) == len(value["records"]) else [None] * len(value["records"])
        for item, text in zip(value["records"], known, strict=True):
            yield Record(item, record.envelope.within("aks"), text)
        return
    properties = _properties(value)
    log = (
        value["log_s"]
        if properties is None and isinstance(value.get("log_s"), str)
        else ((properties or {}).get("log"))
    )
    data, raw = value, record.text
    if properties is not None and (properties is not value.get("properties") or type(log) is dict):
        text = encode_json(log) if type(log) is dict else log
        data, raw = {**value, "properties": {**properties, "log": text}}, None
    shown = encode_json(data) if raw is None else raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    resource = next(
        (str(value[key]) for key in ("resourceId", "ResourceId", "_ResourceId") if isinstance(value.get(key), str)), ""
    )
    moment = epoch_of(value.get("time") or value.get("TimeGenerated"))
    carrier = Carrier(SOURCETYPE, resource or "aks", data, shown.strip())
    yield Record(log, record.envelope.within("aks", time=moment, cluster=cluster_of(resource), carrier=carrier))


AKS: Final = Format(
    name="aks",
    doc="Azure diagnostics of AKS, from a storage account, an Event Hub or Log Analytics: "
    "`records[]`, one record, or one record per line. Recognised by `properties.log` (or "
    "`log_s`), in any category. The cluster is the last part of `resourceId`.",
    recognise=_recognise,
    unwrap=_unwrap,
    example='{"records":[{"category":"kube-audit","resourceId":"/SUBSCRIPTIONS/0/RESOURCEGROUPS/RG/PROVIDERS/'
    'MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/PROD-EU","time":"2026-11-01T10:00:00Z","properties":{"log":'
    '"{\\"auditID\\":\\"7f0a\\",\\"stage\\":\\"ResponseComplete\\",\\"verb\\":\\"get\\"}\\n","pod":'
    '"kube-apiserver-0"}}]}\n',
)
