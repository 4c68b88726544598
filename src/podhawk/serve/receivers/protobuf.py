"""Log records of OTLP in protobuf, read into the JSON form of OTLP, which podhawk reads anyway.

Only the fields that matter are read: resources, log records, their times, attributes and bodies. Others are skipped, as
protobuf demands of fields that are not known.

Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.5.0/opentelemetry/proto/logs/v1/logs.proto and
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Final

_DEEPEST: Final = 60
"""Values within values. An audit event has some fifteen."""
_MOST: Final = 1_000_000
"""Messages within a body. An empty one has two bytes and becomes some hundred bytes of RAM."""
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


class ProtobufError(ValueError):
    """Bytes that are no such message."""


class _Left:
    """How many messages there may still be."""

    def __init__(self) -> None:
        self._number = _MOST

    def take(self) -> None:
        """Count one. Raises ProtobufError."""
        self._number -= 1
        if self._number < 0:
            raise ProtobufError(f"there are more than {_MOST:,} messages in it")


def otlp_json(data: bytes) -> dict[str, Any]:
    """An ExportLogsServiceRequest as JSON has it. Raises ProtobufError."""
    left = _Left()
    return {"resourceLogs": [_resource_logs(part, left) for part in _parts(data, 1)]}


def _resource_logs(data: memoryview, left: _Left) -> dict[str, Any]:
    left.take()
    resource = [pair for part in _parts(data, 1) for pair in _pairs(part, 1, left)]
    scopes = []
    for part in _parts(data, 2):
        left.take()
        scopes.append({"logRecords": [_log_record(log, left) for log in _parts(part, 2)]})
    return {"resource": {"attributes": resource}, "scopeLogs": scopes}


def _log_record(data: memoryview, left: _Left) -> dict[str, Any]:
    left.take()
    found: dict[str, Any] = {"attributes": []}
    for number, value in _fields(data):
        if number == 1:
            found["timeUnixNano"] = str(_number(value))
        elif number == 11:
            found["observedTimeUnixNano"] = str(_number(value))
        elif number == 5:
            found["body"] = _any_value(_message(value), left, 0)
        elif number == 6:
            found["attributes"].append(_pair(_message(value), left, 0))
    return found


def _pairs(data: memoryview, field: int, left: _Left, depth: int = 0) -> list[dict[str, Any]]:
    return [_pair(part, left, depth) for part in _parts(data, field)]


def _pair(data: memoryview, left: _Left, depth: int) -> dict[str, Any]:
    left.take()
    found: dict[str, Any] = {"key": ""}
    for number, value in _fields(data):
        if number == 1:
            found["key"] = _text(value)
        elif number == 2:
            found["value"] = _any_value(_message(value), left, depth)
    return found


def _any_value(data: memoryview, left: _Left, depth: int) -> dict[str, Any]:
    left.take()
    if depth > _DEEPEST:
        raise ProtobufError("values are nested too deeply")
    found: dict[str, Any] = {}
    for number, value in _fields(data):
        if number == 1:
            found = {"stringValue": _text(value)}
        elif number == 2:
            found = {"boolValue": bool(_number(value))}
        elif number == 3:
            signed = _number(value)
            found = {"intValue": str(signed - (1 << 64) if signed >= 1 << 63 else signed)}
        elif number == 4:
            found = {"doubleValue": struct.unpack("<d", struct.pack("<Q", _number(value)))[0]}
        elif number == 5:
            found = {"arrayValue": {"values": [_any_value(one, left, depth + 1) for one in _parts(_message(value), 1)]}}
        elif number == 6:
            found = {"kvlistValue": {"values": _pairs(_message(value), 1, left, depth + 1)}}
        elif number == 7:
            found = {"bytesValue": b64encode(_message(value)).decode()}
    return found


def _parts(data: memoryview | bytes, field: int) -> Iterator[memoryview]:
    """The messages in a repeated field."""
    for number, value in _fields(data):
        if number == field:
            yield _message(value)


def _fields(data: memoryview | bytes) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message: their numbers, with a number or the bytes of each. Raises ProtobufError."""
    view = memoryview(data)
    place, end = 0, len(view)
    while place < end:
        key, place = _varint(view, place)
        wire = key & 7
        value: int | memoryview
        if wire == _VARINT:
            value, place = _varint(view, place)
        elif wire in (_EIGHT, _FOUR):
            size = 8 if wire == _EIGHT else 4
            value = int.from_bytes(view[place : place + size], "little")
            place += size
        elif wire == _BYTES:
            size, place = _varint(view, place)
            value = view[place : place + size]
            place += size
        else:
            raise ProtobufError(f"wire type {wire} is not supported")
        if place > end:
            raise ProtobufError("the message is cut off")
        yield key >> 3, value


def _varint(view: memoryview, place: int) -> tuple[int, int]:
    found = shift = 0
    while place < len(view) and shift < 70:
        byte = view[place]
        place += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found & 0xFFFF_FFFF_FFFF_FFFF, place
        shift += 7
    raise ProtobufError("the message is cut off")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ProtobufError("a number where a message is due")
    return value


def _number(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise ProtobufError("a message where a number is due")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode("utf-8", "replace")
