"""The fields of rows: what `podhawk fields` says of a log, of the result of a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from podhawk.detect.activity.fields import FieldFacts, FieldOverview

MOST_FIELDS: Final = 500
"""Names that are counted; bodies can have any number of them."""
LEFT_OUT: Final = frozenset({"_raw"})
EVENT_COLUMNS: Final = (
    "_time",
    "stage",
    "verb",
    "user.username",
    "sourceIPs{}",
    "objectRef.resource",
    "objectRef.subresource",
    "objectRef.namespace",
    "objectRef.name",
    "responseStatus.code",
)
MOST_COLUMNS: Final = 14
"""Columns of rows that are not audit events."""


def event_columns(columns: Sequence[str]) -> list[str]:
    """The columns to show of raw events, which have far more fields than fit."""
    chosen = [name for name in EVENT_COLUMNS if name in columns]
    if "verb" in chosen:
        return chosen
    return [name for name in ("_time", "_raw") if name in columns] or list(columns)[:MOST_COLUMNS]


def row_fields(rows: Iterable[Mapping[str, str | Sequence[str] | None]], top: int) -> list[FieldOverview]:
    """The fields of rows, those of most rows first, each with so many of its values. Each value of a multivalue field
    counts."""
    known: dict[str, FieldFacts] = {}
    count = 0
    for row in rows:
        count += 1
        for name, cell in row.items():
            if cell is None or name in LEFT_OUT:
                continue
            facts = known.get(name)
            if facts is None:
                if len(known) >= MOST_FIELDS:
                    continue
                facts = known[name] = FieldFacts()
            facts.events += 1
            for value in (cell,) if isinstance(cell, str) else dict.fromkeys(cell):
                facts.values.add(str(value))
    ordered = sorted(known.items(), key=lambda item: (-item[1].events, item[0]))
    return [
        FieldOverview(
            name,
            facts.events,
            facts.events / count,
            (),
            len(facts.values),
            facts.values.complete,
            tuple((value, found.count) for value, found in islice(facts.values.top(), top)),
        )
        for name, facts in ordered
    ]
