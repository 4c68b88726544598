"""Numbers with their nouns, for every message."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 row", "2 rows", "1 story", "2 stories" (whose plural is given)."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
