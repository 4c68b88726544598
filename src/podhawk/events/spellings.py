"""How a word may stand in bytes where it does not stand as text: in base64, as an array of byte values, or with its
quotes escaped as in a page or an address."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import unquote_plus

AUDIT_WORDS: Final = ("auditID", "protoPayload")
"""Words, one of which every audit event has, or the entry of Cloud Logging that it came as."""
COMPRESSED: Final = ("H4sI", "KLUv/")
"""How compressed data begins in base64: gzip and zstd. The letters of zlib are too few to tell it."""


def in_base64(word: str) -> tuple[str, ...]:
    """What base64 text has that has the word, depending on how many bytes stand before it."""
    found = []
    for before in range(3):
        data = base64.b64encode(b"\0" * before + word.encode()).decode().rstrip("=")
        sure = (before + len(word)) * 8 // 6  # letters of which no bit belongs to the bytes behind the word
        found.append(data[(before * 8 + 5) // 6 : sure])
    return tuple(found)


def in_bytes(word: str) -> tuple[bytes, ...]:
    """The word in an array of byte values on one line, as serialisers write them."""
    return tuple(mark.join(str(byte).encode() for byte in word.encode()) for mark in (b",", b", "))


BASE64: Final = tuple(spelling for word in AUDIT_WORDS for spelling in in_base64(word))
"""What base64 text has that has one of the words, if it is not compressed."""
TWICE: Final = r"ZXlK(?:[b-zA-LN-Z0-9+/]|aGR)"
"""How JSON begins that was put into base64 twice, as a regular expression; tokens, which Secrets keep so, do not."""
_ENTITY: Final = "&quot;auditID&quot;"
_PERCENT: Final = "%22auditID%22"
HIDDEN: Final[tuple[bytes, ...]] = (
    *(spelling.encode() for spelling in BASE64),
    *(b'"' + begin.encode() for begin in COMPRESSED),
    b'"' + TWICE.encode(),
    *(spelling for word in AUDIT_WORDS for spelling in in_bytes(word)),
    _ENTITY.encode(),
    _PERCENT.encode(),
)
"""Regular expressions for bytes that hold one of the words, or compressed data, in such a spelling."""


def without_escapes(text: str) -> str | None:
    """Text from a page or an address as it was before; None where it is not such text, or mentions no event."""
    if _ENTITY in text:
        import html

        return html.unescape(text)
    return unquote_plus(text) if _PERCENT in text else None
