"""The context of a run and the services in it: what engine and content import to provide them."""

from __future__ import annotations

from collections.abc import Sequence

from podhawk.commands.declare import Context
from podhawk.commands.services import Datasets, Geo, Lookup, Lookups, NoDatasets, NoLookups
from podhawk.errors import ContentError, SearchError, TableError
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
    "table_of",
]


def place(source: SearchText | None, offset: int, message: str, remedy: str = "") -> SearchError:
    """An error at an offset of a search that may have no text (a stage built by hand)."""
    return source.error(message, offset, remedy=remedy) if source else SearchError(message, remedy=remedy)


def table_of(context: Context, name: str, source: SearchText | None, at: int) -> Lookup:
    """The lookup table that a search names.

    Raises TableError, at the name, if there is none; ContentError, at the file, if it cannot be read.
    """
    try:
        return context.lookups.get(name)
    except ContentError as error:
        if error.place is not None:
            raise
        found = source.error(error.message, at, len(name), error.remedy) if source else error
        raise TableError(found.message, place=found.place, remedy=error.remedy) from None


def renumber(rows: Sequence[Row]) -> None:
    """Give rows the order they stand in, so that order-sensitive states see it."""
    for number, row in enumerate(rows):
        row.order = OrderKey(0.0, 0.0, (number,))
