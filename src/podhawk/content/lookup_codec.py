"""Lookup tables for the way to another machine: their definitions and rows, as msgpack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from podhawk.commands.context import Lookup
from podhawk.content.lookup_table import LookupTable
from podhawk.content.model import LookupDefinition
from podhawk.errors import ContentError
from podhawk.rows.values import Value


class _Packed(msgspec.Struct, array_like=True):
    definition: LookupDefinition
    columns: tuple[str, ...]
    rows: list[dict[str, str]]


class ShippedLookups:
    """The tables that were sent along; nothing can be written here."""

    def __init__(self, tables: Mapping[str, LookupTable]) -> None:
        self._tables = tables

    def get(self, name: str) -> Lookup:
        """The table of that name. Raises ContentError if it was not sent."""
        if name not in self._tables:
            raise ContentError(f"no lookup {name!r} on this executor")
        return self._tables[name]

    def expect(self, name: str) -> None:
        """The driver did that, and sent the table that came of it."""

    def write(self, name: str, rows: Sequence[Mapping[str, Value]], columns: Sequence[str], append: bool) -> None:
        raise ContentError(f"lookup {name!r} cannot be written on an executor")


def pack_lookups(tables: Mapping[str, Lookup]) -> bytes:
    """Tables of a `LookupStore` as bytes."""
    packed = {
        name: _Packed(table.definition, table.columns, [dict(row) for row in table.rows])
        for name, table in tables.items()
        if isinstance(table, LookupTable)
    }
    return msgspec.msgpack.encode(packed)


def unpack_lookups(data: bytes) -> ShippedLookups:
    """The tables that `pack_lookups` wrote."""
    packed = msgspec.msgpack.decode(data, type=dict[str, _Packed])
    return ShippedLookups(
        {name: LookupTable(one.definition, one.columns, list(one.rows)) for name, one in packed.items()}
    )
