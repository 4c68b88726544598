"""Vector and other shippers that keep the line as text under `message`."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.inside import parsed_event, text_in
from podhawk.events.formats.nested import TEXT_MEMBERS
from podhawk.events.formats.shipper import said_beside

_MESSAGE: Final = tuple(name for name in TEXT_MEMBERS if name != "log")


def _recognise(value: Any) -> bool:
    return (
        type(value) is dict
        and any(type(value.get(key)) is str for key in _MESSAGE)
        and ("auditID" not in value and "kind" not in value)
    )


def _unwrap(record: Record) -> Layer:
    value = record.value
    envelope = said_beside(value, record.envelope, "vector")
    parsed = parsed_event(value)
    yield Record(parsed if parsed is not None else line_of(value, _MESSAGE), envelope)


def line_of(value: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The member that holds the line: the first text that mentions an event, else the first text."""
    texts = [value[name] for name in names if type(value.get(name)) is str]
    return next((text for text in texts if text_in(text) is not None), texts[0] if texts else None)


VECTOR: Final = Format(
    name="vector",
    doc="Records of Vector, Logstash, Promtail, rsyslog and others. The line is text under `message` "
    "(`msg`, `line`); the shipper's metadata is next to it.",
    recognise=_recognise,
    unwrap=_unwrap,
    example='{"file":"/var/log/audit.log","host":"cp-1","message":"{\\"auditID\\":\\"7f0a\\",\\"stage\\":'
    '\\"ResponseComplete\\",\\"verb\\":\\"get\\"}","source_type":"file","timestamp":"2026-11-01T10:00:01Z"}\n',
)
