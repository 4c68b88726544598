"""Fluent Bit and Fluentd: the event as text or object under `log`."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.nested import TEXT_MEMBERS
from podhawk.events.formats.shipper import said_beside
from podhawk.events.formats.vector import line_of
from podhawk.events.reasons import is_audit_event

_PARSED: Final = ("log", "log_processed", "log_parsed", "parsed", "json")


def _is_fluent(value: Any) -> bool:
    return (
        type(value) is dict
        and isinstance(value.get("log"), (str, dict))
        and not (isinstance(value["log"], dict) and "message" in value and not is_audit_event(value["log"]))
    )


def _unwrap(record: Record) -> Layer:
    value = record.value
    envelope = said_beside(value, record.envelope, "fluent")
    inner = next((value[key] for key in _PARSED if is_audit_event(value.get(key))), None)
    if inner is None:
        inner = line_of(value, TEXT_MEMBERS) if type(value["log"]) is str else value["log"]
    yield Record(inner, envelope)


FLUENT: Final = Format(
    name="fluent",
    doc="Records of Fluent Bit or Fluentd. The line is under `log`, as text or parsed; the shipper's "
    "metadata (`kubernetes`, `stream`, `time`) is next to it. Lines that Docker's driver split (`partial_message`) are "
    "put together.",
    recognise=_is_fluent,
    unwrap=_unwrap,
    example='{"date":1793527200.5,"log":"{\\"auditID\\":\\"7f0a\\",\\"stage\\":\\"ResponseComplete\\",\\"verb\\":'
    '\\"get\\"}","kubernetes":{"host":"cp-1"},"cluster_name":"prod-eu"}\n',
)
