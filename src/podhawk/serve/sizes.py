"""Sizes as options name them."""

from __future__ import annotations

import re
from typing import Final

from podhawk.errors import UsageError

_SIZE: Final = re.compile(r"(\d{1,12})\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS: Final = ("", "K", "M", "G", "T")


def size_of(option: str, text: str) -> int:
    """The bytes that an option names. Raises UsageError."""
    found = _SIZE.fullmatch(str(text).strip())
    if found is None:
        raise UsageError(f"{option} {text!r} is not a size", remedy="Write a size such as 500M or 2G.")
    return int(found[1]) << 10 * _UNITS.index(found[2].upper())
