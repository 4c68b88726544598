"""Events in the midst of text: after labels or a time, in quotes, several of them in one text."""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events.decode import BadJSON, decode_json
from podhawk.events.envelope import Format, Layer, Record, Reject
from podhawk.events.formats.around import START, scan
from podhawk.events.formats.inside import Finder, mentions_event, text_in
from podhawk.events.jsonstart import starts_as_json
from podhawk.events.reasons import FRAGMENT, reason_for_text
from podhawk.events.time import parse_rfc3339

_BLANK: Final = " \t\r\n\0\ufeff"
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")


def prefixed(finder: Finder) -> Format:
    """The format for text that events stand in which the finder wants."""

    def recognise(value: Any) -> bool:
        if type(value) is not str or START.search(value) is None or starts_as_json(value.lstrip(_BLANK)):
            return False
        return mentions_event(value) and not _is_quoted(value.strip(_BLANK))

    def unwrap(record: Record) -> Layer:
        from podhawk.events.remnant import is_remnant

        text = record.value.strip(_BLANK)
        place = 0
        for found in scan(text, finder.is_wanted):
            before = text[place : found.start]
            stamp = _STAMP.search(before)
            moment = parse_rfc3339(stamp.group()) if stamp else None
            if is_remnant(before):
                yield Reject(FRAGMENT)
            place = found.end
            raw = text[found.start : found.end] if found.verbatim else None
            yield Record(found.value, record.envelope.within("prefixed", time=moment), raw)
        if not place:
            inner = text_in(text)
            if inner is not None and inner != text:
                yield Record(inner, record.envelope)
            else:
                yield Reject(reason_for_text(text))
        elif is_remnant(text[place:]):
            yield Reject(FRAGMENT)

    return Format(
        name="prefixed",
        doc="Events among other text: a syslog header, labels in brackets or braces, a name of the sender, a time, the "
        "warning of a shipper that quotes them.",
        recognise=recognise,
        unwrap=unwrap,
        takes=str,
        verbatim=True,
        example="<134>1 2026-11-01T10:00:00.5Z cp-1 kube-apiserver 1 - - "
        '{"auditID":"7f0a","stage":"ResponseComplete","verb":"get"}\n',
    )


def _is_quoted(text: str) -> bool:
    """Whether text is a JSON string and nothing else."""
    if not (text.startswith('"') and text.endswith('"')):
        return False
    try:
        return type(decode_json(text)) is str
    except BadJSON:
        return False
