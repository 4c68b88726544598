"""The names of files in a search: plain names, which lead nowhere else."""

from __future__ import annotations

from podhawk.lazy import lazy_pattern
from podhawk.spl.cursor import Cursor

_PLAIN = lazy_pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}\Z")


def file_name(cursor: Cursor) -> str:
    """The name of a file. Raises SearchError for one that names a folder."""
    at = cursor.at
    name = cursor.name("the name of a file")
    if not _PLAIN.match(name):
        raise cursor.error(
            f"{name!r} is not a valid file name", at, len(name), "Use only letters, digits, _, - and ., and no folders."
        )
    return name
