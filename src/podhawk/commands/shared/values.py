"""Putting lists of texts into fields, shared by the commands that extract."""

from __future__ import annotations

from collections.abc import Sequence

from podhawk.rows import Row, Value


def folded(values: Sequence[str]) -> Value | None:
    """Texts as a field holds them: nothing, a single, or a multivalue."""
    if not values:
        return None
    return values[0] if len(values) == 1 else tuple(values)


def put(row: Row, name: str, values: Sequence[str]) -> None:
    """Set a field to these values; none at all leaves the row as it is."""
    value = folded(values)
    if value is not None:
        row[name] = value


def put_or_drop(row: Row, name: str, values: Sequence[str]) -> None:
    """Set a field to these values; none at all removes it."""
    value = folded(values)
    if value is None:
        row.pop(name, None)
    else:
        row[name] = value
