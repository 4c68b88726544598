"""The context of a run and the services in it: what engine and content import to provide them."""

from __future__ import annotations

from collections.abc import Sequence

from podhawk.commands.declare import Context
from podhawk.commands.services import Datasets, Geo, Lookup, Lookups, NoDatasets, NoLookups
from podhawk.errors import SearchError
from podhawk.rows import OrderKey, Row
from podhawk.spl.text import SearchText

__all__ = [
    "Context",
    "Datasets",
    "Geo",
    "Lookup",
    "Lookups",
    "NoDatasets",
    "NoLookups",
    "place",
    "renumber",
]


def place(source: SearchText | None, offset: int, message: str, remedy: str = "") -> SearchError:
    """An error at an offset of a search that may have no text (a stage built by hand)."""
    return source.error(message, offset, remedy=remedy) if source else SearchError(message, remedy=remedy)


def renumber(rows: Sequence[Row]) -> None:
    """Give rows the order they stand in, so that order-sensitive states see it."""
    for number, row in enumerate(rows):
        row.order = OrderKey(0.0, 0.0, (number,))
