"""Lines that differ only in the identity of their request: the auditID and the times.

A workload does the same thing all day, so thousands of lines are the same but for three members. Of the lines that a
scan has collected, the first of such a kind is decoded, and the events of the others are made from it: with their own
identity, and with everything else in common. What is worked out from the common part (who made the request, what it was
about, the row that a search sees) is kept in their `LineTemplate` and worked out once for all of them.

The identity is cut out of the text of a line only if each of its members is there exactly once, in the way the API
server writes it. Before a second event is made from the first, decoding has to show that these are members of the event
itself, because a body may hold the same names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

IDENTITY: Final = ("auditID", "requestReceivedTimestamp", "stageTimestamp")
"""The fields that differ for each request."""
LONGEST: Final = 8192
"""Bytes of a line that is compared. A longer one has a body, which holds versions and times of its own."""
_ID, _RECEIVED, _STAGE = (b'"%s":"' % name.encode() for name in IDENTITY)
_value: Final = re.compile(rb'([!#-\[\]-~]+)"').match

IdentityValues = tuple[str, str, str]
"""The values of the identity."""
TextParts = tuple[bytes, bytes, bytes, bytes]
"""A line without its identity: what stands before, between and after its values."""


class LineTemplate(msgspec.Struct, eq=False):
    """What events have in common that differ only in their identity: `text` is that of their lines without it, `known`
    is what was worked out from them."""

    text: TextParts
    known: dict[Any, Any] = msgspec.field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, LineTemplate)  # an event is the same whatever is known of it

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return "LineTemplate()"


def cut_identity(text: bytes) -> tuple[TextParts, IdentityValues] | None:
    """A line without its identity, and the identity; None if it cannot be cut out. Its members have to stand in the
    order in which the API server writes them, which is that of their names too."""
    if len(text) > LONGEST:
        return None
    find = text.find
    one, two, three = find(_ID), find(_RECEIVED), find(_STAGE)
    if (
        not 0 <= one < two < three
        or find(_ID, one + 1) > 0
        or find(_RECEIVED, two + 1) > 0
        or find(_STAGE, three + 1) > 0
    ):
        return None
    first = _value(text, one + len(_ID))
    second = _value(text, two + len(_RECEIVED))
    third = _value(text, three + len(_STAGE))
    if first is None or second is None or third is None:
        return None
    (begin, end), (start, stop), (left, right) = first.span(1), second.span(1), third.span(1)
    return (
        (text[:begin], text[end:start], text[stop:left], text[right:]),
        (first[1].decode(), second[1].decode(), third[1].decode()),
    )


def whole_line(rest: TextParts, identity: Sequence[str]) -> bytes:
    """The line that `cut_identity` cut, from its parts and the values of its identity."""
    before, between, then, after = rest
    first, second, third = identity
    return b"".join((before, first.encode(), between, second.encode(), then, third.encode(), after))


def is_its_own(rest: TextParts) -> bool:
    """Whether the identity that was cut out of a line was made of members of the event itself."""
    before, between, then, after = rest
    text = b"true".join((before[:-1], between[1:-1], then[1:-1], after[1:]))
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return isinstance(found, dict) and all(found.get(name) is True for name in IDENTITY)
