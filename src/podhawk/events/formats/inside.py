"""Audit events anywhere inside a JSON value, whatever they are wrapped in.

A value of no known format is walked through in the order of the document, at any depth. What is worth unwrapping in
it is: an object that is an audit event; an object of a known format that holds one; text that mentions one; the text
that base64 or an array of byte values stands for, if that does. What the objects on the way say about time, host and
cluster goes into the envelope.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from podhawk.events.decode import JsonNumber
from podhawk.events.envelope import Envelope, Format, Record
from podhawk.events.formats.payload import decoded, text_of
from podhawk.events.formats.shipper import said_beside
from podhawk.events.hides import IDS
from podhawk.events.reasons import is_audit_event
from podhawk.events.spellings import AUDIT_WORDS, without_escapes

_WORDS: Final = re.compile(
    "|".join((*AUDIT_WORDS, "protopayload", "method_name", "proto_payload", "awslogs", *(f'"{name}' for name in IDS)))
)
_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_ARRAY: Final = re.compile(r"\[((?:\s*\d{1,3}\s*,){15,}\s*\d{1,3}\s*)\]")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16}[A-Za-z0-9+/_=\s-]*\Z")
_FEWEST_BYTES: Final = 16
_MOST_LARGER: Final = 2000


def mentions_event(text: str) -> bool:
    """Whether text may hold an audit event: there is none without one of these words."""
    return "auditID" in text or _WORDS.search(text) is not None


def text_in(value: Any) -> str | None:
    """The text that mentions an event, of a text, of base64 or of an array of byte values; None where there is none."""
    if type(value) is str:
        if mentions_event(value):
            return without_escapes(value) or value
        if any(text_of_bytes(array.split(",")) is not None for array in _ARRAY.findall(value)):
            return value
        if _BASE64.match(value) is not None:
            return _text(decoded(value), len(value))
        # Text of an object with base64 in it.
        return value if any(text_in(run) is not None for run in _RUN.findall(value)) else None
    if type(value) is list and len(value) >= _FEWEST_BYTES and all(type(item) is JsonNumber for item in value):
        return text_of_bytes(value)
    return None


def text_of_bytes(values: list[str]) -> str | None:
    """The text that mentions an event of which these are the bytes, as numbers."""
    try:
        return _text(bytes(map(int, values)), len(values))
    except ValueError:
        return None


def _text(data: bytes | None, size: int) -> str | None:
    """The text that mentions an event in bytes that came of so many characters."""
    text = text_of(data) if data else None
    return text_in(text) if text is not None and len(text) < size * _MOST_LARGER else None


def parsed_event(value: dict[str, Any]) -> dict[str, Any] | None:
    """The first object below another one that is an audit event."""
    level: list[Any] = [value]
    while level:
        deeper: list[Any] = []
        for node in level:
            for item in node.values() if type(node) is dict else node:
                if type(item) is dict:
                    if is_audit_event(item):
                        return item
                    deeper.append(item)
                elif type(item) is list:
                    deeper.append(item)
        level = deeper
    return None


class Finder:
    """Looks for audit events under the given formats: those of events, and those of what may be around one."""

    def __init__(self, formats: Sequence[Format]) -> None:
        self._events = [form for form in formats if form.certain]
        self._around = [form for form in formats if not form.certain]

    def is_wanted(self, value: Any) -> bool:
        """Whether a value is an event, or of a known format and holds one."""
        if self._is_event(value):
            return True
        return any(form.recognise(value) for form in self._around) and self.holds(value)

    def _is_event(self, value: Any) -> bool:
        return any(form.recognise(value) for form in self._events)

    def holds(self, value: Any) -> bool:
        """Whether there is an event, or text that mentions one, anywhere below a value."""
        stack = [value]
        while stack:
            node = stack.pop()
            for item in node.values() if type(node) is dict else node:
                kind = type(item)
                if kind is dict or kind is list:
                    if (kind is dict and self._is_event(item)) or text_in(item) is not None:
                        return True
                    stack.append(item)
                elif kind is str and text_in(item) is not None:
                    return True
        return False

    def below(self, value: Any, envelope: Envelope) -> Iterator[Record]:
        """What is worth unwrapping below an object or array."""
        stack: list[tuple[Any, Envelope]] = list(_inner(value, envelope))
        while stack:
            node, said = stack.pop()
            kind = type(node)
            if kind is str:
                text = text_in(node)
                if text is not None:
                    yield Record(text, said)
            elif kind is dict:
                if self.is_wanted(node):
                    yield Record(node, said)
                else:
                    stack.extend(_inner(node, said))
            elif kind is list:
                text = text_in(node) if node and type(node[0]) is JsonNumber else None
                if text is not None:
                    yield Record(text, said)
                else:
                    stack.extend(_inner(node, said))


def _inner(node: Any, said: Envelope) -> Iterator[tuple[Any, Envelope]]:
    """The members of an object or array that can hold something, the last one first."""
    if type(node) is dict:
        said = said_beside(node, said, "nested")
        node = list(node.values())
    return ((item, said) for item in reversed(node) if type(item) is not JsonNumber and item)
