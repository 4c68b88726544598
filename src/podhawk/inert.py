"""Values of an audit log as HTML that is only text.

Anybody can write anything into an audit log. Every page that podhawk writes for people passes values through `shown`,
which is the only place that escapes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from podhawk.visible import visible_line

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_CHARACTERS: Final = 1500
"""Of a value; what is longer is cut, and says so."""
_RIGHT_TO_LEFT: Final = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_REORDERED: Final = re.compile(f"[{_RIGHT_TO_LEFT}]+(?:[^\x21-\x7e{_RIGHT_TO_LEFT}]+[{_RIGHT_TO_LEFT}]+)*")
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters without a shape, beside those of `visible`: a name of them would look like none."""
_MOST_MARKS: Final = 3
"""Marks on one letter: more of them would stand on the lines above and below."""


def shown(value: object) -> Markup:
    """A value as HTML text: escaped, on one line, with characters that change how text is shown as escapes. Text that
    runs from right to left is isolated, so that it cannot reorder what stands beside it."""
    from markupsafe import Markup, escape

    if isinstance(value, Markup):
        return value
    text = str(value)
    if len(text) > MOST_CHARACTERS:
        text = f"{text[:MOST_CHARACTERS]}… ({len(text) - MOST_CHARACTERS:,} more characters)"
    escaped = str(escape(inert_text(text)))
    return Markup(_REORDERED.sub(r"<bdi>\g<0></bdi>", escaped))


def inert_text(text: str) -> str:
    """Text on one line in which no character is without a shape, or draws over its neighbours."""
    text = visible_line(text)
    return text if text.isascii() else _without_stacks(_BLANK.sub(lambda found: _escaped(found[0]), text))


def _without_stacks(text: str) -> str:
    """The text with no more marks on a letter than writing needs; further ones are escapes."""
    parts: list[str] = []
    marks = 0
    for one in text:
        marks = marks + 1 if unicodedata.category(one) in ("Mn", "Me") else 0
        parts.append(one if marks <= _MOST_MARKS else _escaped(one))
    return "".join(parts)


def _escaped(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"
