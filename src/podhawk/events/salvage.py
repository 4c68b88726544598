"""What can be saved of a JSON object that was cut or damaged: its leading members, as far as complete.

Carriers cut long events in the middle (AKS at 16 KiB, CloudWatch with `[Truncated...]`), a crashing
writer leaves half a line. An audit event has its identity in front (auditID, stage, URI, verb, user), so
the front is worth having. A member counts only if its value is complete beyond doubt; the member in
which the cut fell is named, not guessed at.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import Struct, field

from podhawk.events.decode import BadJSON, TooDeep, decode_json

_SPACE: Final = re.compile(r"[ \t\r\n\x00]*")
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR: Final = re.compile(r"(?:true|false|null|-?[0-9][0-9.eE+-]*)(?=[ \t\r\n]*[,}])")
_STEP: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)


class Salvaged(Struct, frozen=True):
    """The complete leading members; the name of the member that was cut; the names of members lost because they
    nest too deeply; where the object's closing brace ends (0 if it has none) and where reading stopped."""

    members: dict[str, Any] = field(default_factory=dict)
    cut: str | None = None
    too_deep: tuple[str, ...] = ()
    closed: int = 0
    stopped: int = 0


def salvage(text: str, start: int = 0) -> Salvaged:
    """The leading complete members of the object that begins at `start`."""
    place = _skip(text, start)
    if not text.startswith("{", place):
        return Salvaged(stopped=place)
    place += 1
    members: dict[str, Any] = {}
    deep: list[str] = []
    key: str | None = None
    while True:
        place = _skip(text, place)
        if text.startswith("}", place):
            return Salvaged(members, None, tuple(deep), place + 1, place + 1)
        key_match = _STRING.match(text, place)
        if key_match is None:
            return Salvaged(members, None, tuple(deep), stopped=place)
        try:
            key = decode_json(key_match.group())
        except BadJSON:
            return Salvaged(members, None, tuple(deep), stopped=place)
        place = _skip(text, key_match.end())
        if not text.startswith(":", place):
            return Salvaged(members, key, tuple(deep), stopped=place)
        place = _skip(text, place + 1)
        end = _end_of_value(text, place)
        members.pop(key, None)  # a later duplicate wins
        if end is None:
            return Salvaged(members, key, tuple(deep), stopped=place)
        try:
            members[key] = decode_json(text[place:end])
        except TooDeep:
            deep.append(key)
        except BadJSON:
            return Salvaged(members, key, tuple(deep), stopped=place)
        place = _skip(text, end)
        if text.startswith(",", place):
            place += 1
        elif not text.startswith("}", place):
            return Salvaged(members, None, tuple(deep), stopped=place)


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _end_of_value(text: str, place: int) -> int | None:
    """Where the value that starts at `place` ends, or None if it does not."""
    first = text[place : place + 1]
    if first == '"':
        found = _STRING.match(text, place)
        return found.end() if found else None
    if first not in ("{", "["):
        found = _SCALAR.match(text, place)
        return found.end() if found else None
    depth = 0
    for step in _STEP.finditer(text, place):
        mark = step.group()
        if mark in ("{", "["):
            depth += 1
        elif mark in ("}", "]"):
            depth -= 1
            if depth == 0:
                return step.end()
        elif mark == '"':  # a string without end
            return None
    return None
