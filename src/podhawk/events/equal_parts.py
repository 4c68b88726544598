"""Many events in little memory: equal parts of them are one object, and their texts are compressed.

Bodies repeat themselves: the same object is asked for and answered, and changed again and again. Decoded, a text takes
five times its size; if equal parts of many events are one object, about once. Nobody may change an event's data after
that. Both takes time, so small inputs do without it.
"""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.decode import JsonNumber
from podhawk.events.event import AuditEvent, View

MOST_PARTS: Final = 30_000
"""Parts that are remembered. Equal ones stand close together in a log."""
ENOUGH_TEXT: Final = 64 << 20
"""Bytes of text from which on it is worth the time."""


class EqualParts:
    """Makes equal parts of the events that are given to it one object, once they have had `enough` bytes of text."""

    def __init__(self, enough: int = ENOUGH_TEXT) -> None:
        self._left = enough
        self._parts: dict[Any, Any] = {}
        self._numbers: dict[JsonNumber, JsonNumber] = {}
        """By themselves: the number 1 equals the text "1"."""

    def share(self, event: AuditEvent) -> None:
        """Replace parts of an event by equal ones of earlier events."""
        if not isinstance(event.view.text, str):
            return  # it was made of one that it is like
        if self._left > 0:
            self._left -= len(event.view.text)
            return
        if len(self._parts) + len(self._numbers) > MOST_PARTS:
            self._parts.clear()
            self._numbers.clear()
        for one in (event, event.unmasked):
            if one is not None:
                self._share_view(one.view)

    def _share_view(self, view: View) -> None:
        view.compress()
        data = view.data
        for name, value in data.items():
            if value.__class__ is dict or value.__class__ is list:
                data[name] = self._one(value)

    def _one(self, value: Any) -> Any:
        """The object that stands for all values equal to this one."""
        kind = value.__class__
        if kind is str:
            return self._parts.setdefault(value, value)
        if kind is dict:
            for name, part in value.items():
                value[name] = self._one(part)
            # Its parts are held by the objects that are remembered, so ids stay theirs.
            return self._parts.setdefault((*value, *map(id, value.values())), value)
        if kind is list:
            value[:] = map(self._one, value)
            return self._parts.setdefault((0, *map(id, value)), value)
        if kind is JsonNumber:
            return self._numbers.setdefault(value, value)
        return value
