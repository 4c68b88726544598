"""Events in a JSON array."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import slices
from podhawk.events.envelope import Envelope, Format, Layer, Record
from podhawk.events.formats.inside import text_in

_MOST_LABELLED: Final = 4
_LONGEST_LABEL: Final = 128


def elements(values: list[Any], texts: list[str], envelope: Envelope) -> Layer:
    """One record for each element, with its source text where that is known."""
    known = texts if len(texts) == len(values) else [None] * len(values)
    for value, text in zip(values, known, strict=True):
        yield Record(value, envelope, text)


def _recognise(value: Any) -> bool:
    return type(value) is list


def _unwrap(record: Record) -> Layer:
    value, envelope = record.value, record.envelope.within(record.envelope.format or "array")
    text = text_in(value)  # of an array of byte values
    if text is not None:
        yield Record(text, envelope)
        return
    texts = slices(record.text) if record.text is not None else []
    if len(value) <= _MOST_LABELLED and value and _is_label(value[0]) and not all(map(_is_label, value)):
        for place, item in enumerate(value):
            if not _is_label(item):
                yield Record(item, envelope, texts[place] if len(texts) == len(value) else None)
        return
    yield from elements(value, texts, envelope)


def _is_label(value: Any) -> bool:
    """Whether a value is what a short array (a time and a line, a tag and a record) begins with."""
    if isinstance(value, (dict, list)):
        return False
    return type(value) is not str or (len(value) < _LONGEST_LABEL and "{" not in value)


ARRAY: Final = Format(
    name="array",
    doc="A JSON array of records. Each record may have any format. Of a short array that begins with a label or a time "
    '(`["1793527200", "…"]`) the rest is read.',
    recognise=_recognise,
    unwrap=_unwrap,
    takes=list,
    verbatim=True,
    example='[{"auditID":"7f0a","stage":"RequestReceived","verb":"get"},\n {"auditID":"7f0a","stage":'
    '"ResponseComplete","verb":"get"}]\n',
)
