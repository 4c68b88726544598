"""Results exported from a search in Splunk: the event is the text of `_raw`."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.hec import envelope_of


def _recognise(value: Any) -> bool:
    if type(value) is not dict:
        return False
    if type(value.get("_raw")) is str:
        return True
    result = value.get("result")
    return type(result) is dict and type(result.get("_raw")) is str


def _unwrap(record: Record) -> Layer:
    value = record.value if "_raw" in record.value else record.value["result"]
    yield Record(value["_raw"], envelope_of(value, record.envelope, {}, "splunk-export"))


SPLUNK_EXPORT: Final = Format(
    name="splunk-export",
    doc="Search results exported from Splunk as JSON: the event is the text of `_raw`, alone or under `result`.",
    recognise=_recognise,
    unwrap=_unwrap,
    example='{"preview":false,"result":{"_time":"2026-11-01T10:00:00.000+00:00","host":"cp-1","source":"kubernetes",'
    '"_raw":"{\\"auditID\\":\\"7f0a\\",\\"stage\\":\\"ResponseComplete\\",\\"verb\\":\\"get\\"}"}}\n',
)
