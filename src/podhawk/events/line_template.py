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
from collections.abc import Iterable
from typing import Any, Final

import msgspec

IDENTITY: Final = ("auditID", "requestReceivedTimestamp", "stageTimestamp")
"""The fields that differ for each request."""
LONGEST: Final = 8192
"""Bytes of a line that is compared. A longer one has a body, which holds versions and times of its own."""
_MEMBER: Final = re.compile(rb'"(auditID|requestReceivedTimestamp|stageTimestamp)":"([!#-\[\]-~]+)"')


TextParts = tuple[bytes, ...]
"""A line without its identity."""


class LineTemplate(msgspec.Struct, eq=False):
    """What events have in common that differ only in their identity: `text` is that of their lines without it, `known`
    is what was worked out from them."""

    text: TextParts = ()
    known: dict[Any, Any] = msgspec.field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, LineTemplate)  # an event is the same whatever is known of it

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return "LineTemplate()"


def cut_identity(text: bytes) -> tuple[TextParts, dict[str, str]] | None:
    """A line without its identity, and the identity; None if it cannot be cut out."""
    if len(text) > LONGEST:
        return None
    parts = _MEMBER.split(text)
    if len(parts) != 10:
        return None
    identity = {
        parts[1].decode(): parts[2].decode(),
        parts[4].decode(): parts[5].decode(),
        parts[7].decode(): parts[8].decode(),
    }
    return (
        ((parts[0], parts[1], parts[3], parts[4], parts[6], parts[7], parts[9]), identity)
        if len(identity) == 3
        else None
    )


def whole_line(rest: TextParts, values: Iterable[str]) -> bytes:
    """The line that `cut_identity` cut, from its parts and the values of its identity in their order."""
    before, first, between, second, then, third, after = rest
    one, two, three = (value.encode() for value in values)
    members = (b'"%s":"%s"' % pair for pair in ((first, one), (second, two), (third, three)))
    return b"".join((before, next(members), between, next(members), then, next(members), after))


def identity_in(rest: TextParts) -> tuple[str, str, str]:
    """The names of the identity in the order in which they stand in a line."""
    return rest[1].decode(), rest[3].decode(), rest[5].decode()


def is_its_own(rest: TextParts) -> bool:
    """Whether the identity that was cut out of a line was made of members of the event itself."""
    before, first, between, second, then, third, after = rest
    text = b"".join(
        (before, b'"', first, b'":true', between, b'"', second, b'":true', then, b'"', third, b'":true', after)
    )
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return isinstance(found, dict) and all(found.get(name) is True for name in IDENTITY)
