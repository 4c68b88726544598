"""Grouping rows by fields, as `stats … by` does.

A row in which any by-field is absent belongs to no group. A multivalue by-field puts the row into one
group per value, once per duplicate unless duplicates are dropped, and several multivalue fields into
one per combination. Groups come out in the order of their keys, numbers before text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, product

from podhawk.rows import Filled, Row, texts
from podhawk.rows.values import as_number

Key = tuple[str, ...]


def keys_of(
    row: Row, by: Sequence[str], drop_duplicates: bool = False, keep_null: bool = False, first_only: bool = False
) -> Iterator[Key]:
    """The keys of the groups a row belongs to.

    `keep_null` and `first_only` are other readings: an absent field is an empty text; of a multivalue
    field only the first value counts.
    """
    parts: list[tuple[str, ...]] = []
    single = True
    for name in by:
        value = row.get(name)
        if value is None:
            if not keep_null:
                return
            value = Filled("")
        values = texts(value)[:1] if first_only else texts(value)
        if len(values) != 1:
            single = False
            if drop_duplicates:
                values = tuple(dict.fromkeys(values))
        parts.append(values)
    if single:
        yield tuple(part[0] for part in parts)
    else:
        yield from product(*parts)


def filled(key: Key) -> bool:
    """Whether any part of a key was put in by fillnull."""
    return any(isinstance(part, Filled) for part in key)


def more_real(known: Key, new: Key) -> Key:
    """Two equal keys as one: a part that some event really had counts as real."""
    return tuple(other if isinstance(mine, Filled) else mine for mine, other in zip(known, new, strict=True))


def sort_key(key: Key) -> tuple[tuple[int, float | int, str], ...]:
    """The place of a group in the result."""
    return tuple(map(_place, key))


def in_order(keys: Iterable[Key]) -> list[Key]:
    """Keys in the order of groups. What a part is is asked once for each text, not for each group: most groups share
    most of their parts."""
    keys = list(keys)
    ranks = {part: rank for rank, part in enumerate(sorted(set(chain.from_iterable(keys)), key=_place))}
    rank = ranks.__getitem__
    return sorted(keys, key=lambda key: tuple(map(rank, key)))


def _place(part: str) -> tuple[int, float | int, str]:
    number = as_number(part)
    return (1, 0, part) if number is None else (0, number, part)
