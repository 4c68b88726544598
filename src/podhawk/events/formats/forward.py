"""Arrays of the forward protocol of Fluentd and Fluent Bit, as JSON."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import JsonNumber
from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.time import epoch_of


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


def _unwrap(record: Record) -> Layer:
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


FORWARD: Final = Format(
    name="fluent-forward",
    doc="Arrays of the forward protocol as JSON: `[time, record]`, `[tag, time, record]`, `[tag, [[time, record]]]`.",
    recognise=_is_forward,
    unwrap=_unwrap,
    takes=list,
    verbatim=True,
    example='[1793527200.5,{"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}]\n',
)
