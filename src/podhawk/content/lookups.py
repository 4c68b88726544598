"""The lookup tables of a run, by name: those of the content, and those that searches write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from podhawk.content.boundary import unmoved
from podhawk.content.csvfile import read_csv, write_csv
from podhawk.content.lookup_table import LookupTable
from podhawk.content.model import Content, LookupDefinition
from podhawk.errors import ContentError, Place, nearest
from podhawk.rows import Value, texts

_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,200}\Z")


class LookupStore:
    """Tables by name, read when first asked for, and what `outputlookup` wrote.

    Tables written before are read from `state` (a folder) where one is given, and hide content's tables
    of the same name. What this run writes goes there too if `writable`, else it lives in memory only.
    """

    def __init__(self, content: Content, state: str | Path | None = None, writable: bool = True) -> None:
        self.content = content
        self.writable = writable
        self.state = Path(state) if state is not None else None
        self._tables: dict[str, LookupTable] = {}

    def names(self) -> tuple[str, ...]:
        """Every name that `get` knows from content."""
        return tuple(dict.fromkeys((*self.content.lookups, *self.content.lookup_files)))

    def get(self, name: str) -> LookupTable:
        """The table of that definition, or of that file where the name ends in `.csv`.

        Raises ContentError with the nearest name where there is none, where its file is missing or
        broken, and for machine learning models, which are no tables.
        """
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = self._read(name)
        return table

    def write(
        self, name: str, rows: Iterable[Mapping[str, Value]], columns: Sequence[str], append: bool = False
    ) -> None:
        """Replace the table's rows, or add to them.

        Appending keeps only the columns that the table has, replacing those of the result; several
        values are joined by a blank. Raises ContentError for a name that is no plain name.
        """
        if not _SAFE_NAME.match(name):
            raise ContentError(
                f"{name!r} is not a valid lookup name", remedy="Use only letters, digits, '_', '-' and '.'."
            )
        old = self._existing(name)
        keep = append and old is not None and bool(old.columns)
        header = old.columns if keep and old else tuple(dict.fromkeys(columns))
        added = [
            {column: " ".join(texts(row[column])) for column in header if column in row and row[column] != ""}
            for row in rows
        ]
        definition = old.definition if old else LookupDefinition(name, filename=_file_name(name))
        table = LookupTable(definition, header, ([*old.rows] if keep and old else []) + added)
        if self.state is not None and self.writable:
            write_csv(self.state / _file_name(name), header, table.rows)
        self._tables[name] = table

    def expect(self, name: str) -> None:
        """Say that a search will write a table: until it has, the table is empty rather than unknown.

        Published searches read such a table, add to it and write it back; on the first run it is not there.
        """
        if name not in self._tables and self._existing(name) is None:
            self._tables[name] = LookupTable(LookupDefinition(name, filename=_file_name(name)), (), [])

    def _existing(self, name: str) -> LookupTable | None:
        try:
            return self.get(name)
        except ContentError:
            if name in self.content.lookups:
                raise
            return None

    def _read(self, name: str) -> LookupTable:
        definition = self.content.lookups.get(name)
        written = self.state / _file_name(name) if self.state is not None and _SAFE_NAME.match(name) else None
        if written is not None and written.is_file():
            columns, rows = read_csv(written)
            return LookupTable(definition or LookupDefinition(name, filename=written.name), columns, rows)
        if definition is None:
            return self._by_file(name)
        if definition.kind == "mlmodel":
            raise ContentError(f"{name!r} is a machine-learning model, not a table", place=Place(definition.file))
        if definition.kind == "kvstore":
            return LookupTable(definition, definition.fields, [])
        if not definition.path:
            raise ContentError(
                f"lookup {name!r}: file {definition.filename!r} not found",
                place=Place(definition.file),
                remedy="Put the CSV file next to the definition of the lookup.",
            )
        columns, rows = read_csv(unmoved(definition.path))
        return LookupTable(definition, columns, rows)

    def _by_file(self, name: str) -> LookupTable:
        path = self.content.lookup_files.get(name)
        if path is None:
            remedy = nearest(name, self.names()) or "Define it in the lookups folder of the content."
            raise ContentError(f"unknown lookup {name!r}", remedy=remedy)
        owner = next((one for one in self.content.lookups.values() if one.filename == name), None)
        columns, rows = read_csv(unmoved(path))
        definition = replace(owner, name=name) if owner else LookupDefinition(name, filename=name, path=path)
        return LookupTable(definition, columns, rows)


def _file_name(name: str) -> str:
    return name if name.lower().endswith(".csv") else f"{name}.csv"
