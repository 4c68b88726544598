"""Fields out of a JSON text that a field holds: names as Splunk makes them for JSON events.

An object step adds `.name`, an array step `{}`. Values are text: numbers as they are spelled, `true` and
`false`, `null` for JSON null; an empty object or array makes no field.
"""

from __future__ import annotations

from typing import Any

from podhawk.functions.jsonpath import MISSING, dump, parse


def text_of(value: Any) -> str:
    """One JSON value as the text of a field."""
    return str(value) if isinstance(value, str) else dump(value)


def flatten(document: Any) -> dict[str, list[str]]:
    """Field name to values, both in document order."""
    found: dict[str, list[str]] = {}
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((f"{path}.{key}" if path else key, item) for key, item in reversed(value.items()))
        elif isinstance(value, list):
            waiting.extend((f"{path}{{}}", item) for item in reversed(value))
        elif path:
            found.setdefault(path, []).append(text_of(value))
    return found


def parse_prefix(text: str) -> Any:
    """What a JSON text that was cut off still says: every value that is complete; MISSING if nothing is."""
    stack: list[str] = []
    good = ""
    at = 0
    while at < len(text):
        char = text[at]
        if char == '"':
            at += 1
            while at < len(text) and text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        elif char in "{[":
            stack.append("}" if char == "{" else "]")
            good = good or text[: at + 1] + stack[-1]
        elif char in "}]":
            if not stack:
                return MISSING
            stack.pop()
            good = text[: at + 1] + "".join(reversed(stack))
        elif char == ",":
            good = text[:at] + "".join(reversed(stack))
        at += 1
    return parse(good) if good else MISSING
