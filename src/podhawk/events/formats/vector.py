"""Vector and other shippers that keep the line as text under `message`; and events found elsewhere inside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.shipper import said_beside
from podhawk.events.reasons import OTHER_JSON, is_audit_event, reason_for_object

_MESSAGE: Final = ("message", "msg", "MESSAGE", "Message", "line")
_ENOUGH: Final = 2000


def _is_message(value: Any) -> bool:
    return (
        type(value) is dict
        and any(type(value.get(key)) is str for key in _MESSAGE)
        and ("auditID" not in value and "kind" not in value)
    )


def _unwrap_message(record: Record) -> Layer:
    value = record.value
    envelope = said_beside(value, record.envelope, "vector")
    nested = next(_inside(value, strings=False), None)
    yield Record(
        nested if nested is not None else next(value[key] for key in _MESSAGE if type(value.get(key)) is str), envelope
    )


def _inside(value: Any, strings: bool = True) -> Iterator[Any]:
    """Audit events (objects, or text that must hold one) in a few layers of an object, outermost first."""
    level = [value]
    seen = 0
    for _ in range(4):
        deeper: list[Any] = []
        for node in level:
            for item in node.values() if type(node) is dict else node:
                seen += 1
                if seen > _ENOUGH:
                    return
                if is_audit_event(item) or (
                    strings and type(item) is str and '"auditID"' in item and item.lstrip().startswith(("{", "["))
                ):
                    yield item
                elif type(item) is dict or type(item) is list:
                    deeper.append(item)
        level = deeper


def _is_nested(value: Any) -> bool:
    return type(value) is dict and reason_for_object(value) == OTHER_JSON and any(True for _ in _inside(value))


def _unwrap_nested(record: Record) -> Layer:
    envelope = said_beside(record.value, record.envelope, "nested")
    for event in _inside(record.value):
        yield Record(event, envelope)


VECTOR: Final = Format(
    name="vector",
    doc="Records of Vector, Logstash, Promtail, rsyslog and others. The line is text under `message` "
    "(`msg`, `line`); the shipper's metadata is next to it.",
    recognise=_is_message,
    unwrap=_unwrap_message,
    example='{"file":"/var/log/audit.log","host":"cp-1","message":"{\\"auditID\\":\\"7f0a\\",\\"stage\\":'
    '\\"ResponseComplete\\",\\"verb\\":\\"get\\"}","source_type":"file","timestamp":"2026-11-01T10:00:01Z"}\n',
)

NESTED: Final = Format(
    name="nested",
    doc="Any other JSON object that contains audit events (objects or text) a few layers inside it.",
    recognise=_is_nested,
    unwrap=_unwrap_nested,
    example='{"id":"42","payload":{"audit":{"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}}}\n',
)
