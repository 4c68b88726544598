"""Events that differ in nothing but their identity: the auditID and the times.

A workload does the same thing all day, so thousands of lines are the same but for three members. Of the lines that a
scan has kept, the first of such a kind is decoded, and the others are made after it: with their own identity, and with
the rest of what was decoded in common. What is worked out of the rest (who it was, what it was about, the row that a
search sees) is then worked out once for all of them, and kept in what they share.

An identity is taken out of a line's text only where each of its members stands there exactly once in the way the API
server writes it, and, before a second line is made after the first, only if decoding shows that these are the members
of the event itself. A body may hold such names as well.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

IDENTITY: Final = ("auditID", "requestReceivedTimestamp", "stageTimestamp")
"""Fields that are others for each request."""
LONGEST: Final = 8192
"""Bytes of a line that is compared: what is longer has a body, which holds versions and times of its own."""
_MEMBER: Final = re.compile(rb'"(auditID|requestReceivedTimestamp|stageTimestamp)":"([!#-\[\]-~]+)"')


class Alike(msgspec.Struct, eq=False):
    """What events share that differ in nothing but their identity: `known` is what has been worked out of them."""

    known: dict[Any, Any] = msgspec.field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Alike)  # an event is the same whatever is known of it

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return "Alike()"


Rest = tuple[bytes, ...]


def split(text: bytes) -> tuple[Rest, dict[str, str]] | None:
    """A line without its identity, and that; None where it cannot be taken out."""
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


def is_its_own(rest: Rest) -> bool:
    """Whether what was taken out of a line were members of the event itself."""
    before, first, between, second, then, third, after = rest
    text = b"".join(
        (before, b'"', first, b'":true', between, b'"', second, b'":true', then, b'"', third, b'":true', after)
    )
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return isinstance(found, dict) and all(found.get(name) is True for name in IDENTITY)
