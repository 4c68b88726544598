"""An event as JSON over lines, with the lines marked that a search has looked at."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, Final

from msgspec import Struct

MOST_LINES: Final = 600
_LONGEST: Final = 400
_INDENT: Final = "  "


class JsonLine(Struct, frozen=True):
    """A line, and whether a condition of the search looks at what stands there."""

    text: str
    marked: bool


def marked_lines(raw: str, fields: Collection[str]) -> list[JsonLine]:
    """The lines of an event. `fields` are named as searches name them (`objectRef.name`, `sourceIPs{}`). A text that is
    no JSON is one line; lines beyond the bound are left out, and the last one says so."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        return [JsonLine(raw[:_LONGEST], False)]
    found: list[JsonLine] = []
    for line in _lines(data, "", "", 0, fields, ""):
        if len(found) == MOST_LINES:
            found.append(JsonLine("… the export has the rest", False))
            break
        found.append(line)
    return found


def _lines(value: Any, key: str, path: str, depth: int, fields: Collection[str], comma: str) -> Iterator[JsonLine]:
    lead = _INDENT * depth + (f"{_text(key)}: " if key else "")
    marked = path in fields
    if isinstance(value, dict) and value and depth < 40:
        yield JsonLine(f"{lead}{{", marked)
        last = len(value) - 1
        for number, (name, inner) in enumerate(value.items()):
            inside = f"{path}.{name}" if path else name
            yield from _lines(inner, name, inside, depth + 1, fields, "," if number < last else "")
        yield JsonLine(f"{_INDENT * depth}}}{comma}", False)
    elif isinstance(value, list) and value and depth < 40:
        yield JsonLine(f"{lead}[", marked or f"{path}{{}}" in fields)
        for number, inner in enumerate(value):
            yield from _lines(inner, "", f"{path}{{}}", depth + 1, fields, "," if number < len(value) - 1 else "")
        yield JsonLine(f"{_INDENT * depth}]{comma}", False)
    else:
        yield JsonLine(f"{lead}{_text(value)}{comma}", marked)


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"
