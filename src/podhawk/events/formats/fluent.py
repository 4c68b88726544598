"""Fluent Bit and Fluentd: the event as text or object under `log`, and forward-protocol arrays."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import JsonNumber
from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.shipper import said_beside
from podhawk.events.reasons import is_audit_event
from podhawk.events.time import epoch_of

_PARSED: Final = ("log", "log_processed", "log_parsed", "parsed", "json")


def _is_fluent(value: Any) -> bool:
    return (
        type(value) is dict
        and isinstance(value.get("log"), (str, dict))
        and not (isinstance(value["log"], dict) and "message" in value and not is_audit_event(value["log"]))
    )


def _unwrap_fluent(record: Record) -> Layer:
    value = record.value
    envelope = said_beside(value, record.envelope, "fluent")
    inner = next((value[key] for key in _PARSED if is_audit_event(value.get(key))), value["log"])
    yield Record(inner, envelope)


def _is_time(value: Any) -> bool:
    return isinstance(value, JsonNumber) or (
        type(value) is list and len(value) == 2 and isinstance(value[0], JsonNumber) and type(value[1]) is dict
    )


def _is_forward(value: Any) -> bool:
    if type(value) is not list or len(value) not in (2, 3, 4):
        return False
    if len(value) == 2 and _is_time(value[0]) and type(value[1]) is dict:
        return True
    if type(value[0]) is not str or isinstance(value[0], JsonNumber):
        return False
    if len(value) >= 3 and _is_time(value[1]) and type(value[2]) is dict:
        return True
    return (
        type(value[1]) is list
        and bool(value[1])
        and all(type(entry) is list and len(entry) == 2 and _is_time(entry[0]) for entry in value[1])
    )


def _unwrap_forward(record: Record) -> Layer:
    value = record.value
    if len(value) == 2 and _is_time(value[0]):
        entries = [value]
    elif len(value) >= 3 and _is_time(value[1]):
        entries = [value[1:3]]
    else:
        entries = value[1]
    for stamp, content in entries:
        moment = epoch_of(stamp[0] if type(stamp) is list else stamp)
        yield Record(content, record.envelope.within("fluent-forward", time=moment))


FLUENT: Final = Format(
    name="fluent",
    doc="Records of Fluent Bit or Fluentd. The line is under `log`, as text or parsed; the shipper's "
    "metadata (`kubernetes`, `stream`, `time`) is next to it.",
    recognise=_is_fluent,
    unwrap=_unwrap_fluent,
    example='{"date":1793527200.5,"log":"{\\"auditID\\":\\"7f0a\\",\\"stage\\":\\"ResponseComplete\\",\\"verb\\":'
    '\\"get\\"}","kubernetes":{"host":"cp-1"},"cluster_name":"prod-eu"}\n',
)

FORWARD: Final = Format(
    name="fluent-forward",
    doc="Arrays of the forward protocol as JSON: `[time, record]`, `[tag, time, record]`, `[tag, [[time, record]]]`.",
    recognise=_is_forward,
    unwrap=_unwrap_forward,
    verbatim=True,
    example='[1793527200.5,{"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}]\n',
)
