"""Whether text begins as a JSON document does, or with labels that only look so (`[pod/web]`, `{job="audit"}`)."""

from __future__ import annotations

import re
from typing import Final

_DOCUMENT: Final = r'\{\s*(?:["}]|\Z)|\[\s*(?:[\[{"\]\-0-9tfn]|\Z)'
_LABEL: Final = r'\[[^\[\]{}"]*\]\s*[^\s,\]}]'
_TEXT: Final = re.compile(f"(?!{_LABEL})(?:{_DOCUMENT})")
_BYTES: Final = re.compile(_TEXT.pattern.encode())


def starts_as_json(text: str | bytes) -> bool:
    """Whether text (without blanks before it) is the beginning of an object or array."""
    found = _BYTES.match(text) if isinstance(text, bytes) else _TEXT.match(text)
    return found is not None
