"""Events in a JSON array, and in a list object such as the body of an audit webhook."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import slices
from podhawk.events.envelope import Envelope, Format, Layer, Record


def elements(values: list[Any], texts: list[str], envelope: Envelope) -> Layer:
    """One record for each element, with its source text where that is known."""
    known = texts if len(texts) == len(values) else [None] * len(values)
    for value, text in zip(values, known, strict=True):
        yield Record(value, envelope, text)


def _is_array(value: Any) -> bool:
    return type(value) is list


def _unwrap_array(record: Record) -> Layer:
    texts = slices(record.text) if record.text is not None else []
    yield from elements(record.value, texts, record.envelope.within(record.envelope.format or "array"))


def _is_list(value: Any) -> bool:
    if type(value) is not dict or type(value.get("items")) is not list:
        return False
    return value.get("kind") in ("EventList", "List", None)


def _unwrap_list(record: Record) -> Layer:
    texts = slices(record.text, "items") if record.text is not None else []
    yield from elements(record.value["items"], texts, record.envelope.within("eventlist"))


ARRAY: Final = Format(
    name="array",
    doc="A JSON array of records. Each record may have any format.",
    recognise=_is_array,
    unwrap=_unwrap_array,
    verbatim=True,
    example='[{"auditID":"7f0a","stage":"RequestReceived","verb":"get"},\n {"auditID":"7f0a","stage":'
    '"ResponseComplete","verb":"get"}]\n',
)

EVENTLIST: Final = Format(
    name="eventlist",
    doc="An `audit.k8s.io` EventList, which the webhook backend of the API server posts, or a "
    "`List`. Its items have neither `kind` nor `apiVersion`.",
    recognise=_is_list,
    unwrap=_unwrap_list,
    verbatim=True,
    example='{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"level":"Request","auditID":'
    '"7f0a","stage":"ResponseComplete","verb":"create"}]}\n',
)
