"""Events in a list object, such as the body of an audit webhook."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import slices
from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.array import elements


def _recognise(value: Any) -> bool:
    if type(value) is not dict or type(value.get("items")) is not list:
        return False
    return value.get("kind") in ("EventList", "List", None)


def _unwrap(record: Record) -> Layer:
    texts = slices(record.text, "items") if record.text is not None else []
    yield from elements(record.value["items"], texts, record.envelope.within("eventlist"))


EVENTLIST: Final = Format(
    name="eventlist",
    doc="An `audit.k8s.io` EventList, which the webhook backend of the API server posts, or a "
    "`List`. Its items have neither `kind` nor `apiVersion`.",
    recognise=_recognise,
    unwrap=_unwrap,
    verbatim=True,
    example='{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"level":"Request","auditID":'
    '"7f0a","stage":"ResponseComplete","verb":"create"}]}\n',
)
