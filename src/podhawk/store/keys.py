"""Texts as keys of tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final

CHUNK: Final = 500


def short(text: str) -> str:
    """A hash of a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def column_text(text: str, most: int) -> str:
    """A text that fits into a key column of `most` characters. Different texts stay different."""
    safe = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return safe if safe == text and len(safe) <= most else f"{safe[: most - 17]}-{short(text)}"


def chunks(items: Sequence[Any]) -> Iterator[Any]:
    """Items in parts that one statement can take."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
