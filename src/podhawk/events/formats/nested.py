"""Events found anywhere inside a JSON object or array of no known format."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events import hides
from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.inside import Finder, text_in
from podhawk.events.reasons import OTHER_JSON, reason_for_object

TEXT_MEMBERS: Final = ("log", "message", "msg", "MESSAGE", "Message", "line")
"""Under these shippers keep the line that they took up, as text."""


def nested(finder: Finder) -> Format:
    """The format for values that hold what the finder wants."""

    def recognise(value: Any) -> bool:
        if type(value) is dict:
            if any(type(value.get(key)) is str and text_in(value[key]) is not None for key in TEXT_MEMBERS):
                return False  # a record with the line as text
            if reason_for_object(value) != OTHER_JSON:
                return False
        elif type(value) is not list:
            return False
        return finder.holds(value)

    def unwrap(record: Record) -> Layer:
        yield from finder.below(record.value, record.envelope)

    return Format(
        name="nested",
        doc="Any other JSON object with audit events inside it, at any depth: as objects, as records of the formats "
        "above, as text, in base64, or as an array of bytes.",
        recognise=recognise,
        unwrap=unwrap,
        takes=object,
        hides=hides.NESTED,
        example='{"id":"42","payload":{"audit":{"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}}}\n',
    )
