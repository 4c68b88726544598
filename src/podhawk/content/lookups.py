"""Lookup tables: matching as `lookup` does it, and the store that finds tables by name.

A table is matched field by field: EXACT (a hash index over all exact fields asked for), WILDCARD
(the *table's* value is the pattern, `*` its only wildcard, whole value) or CIDR (the table's value
is a block, IPv4 or IPv6). The first `max_matches` rows in file order count. Results are remembered
per input, because logs repeat themselves.

Rules: https://docs.splunk.com/Documentation/Splunk/latest/Admin/Transformsconf
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.content.csvfile import CsvRow, parse_csv, read_csv, write_csv
from podhawk.content.model import Content, LookupDefinition
from podhawk.errors import ContentError, Place, nearest
from podhawk.functions.patterns import Matcher, fold, in_network, network, wildcard
from podhawk.rows import Value, texts

_REMEMBERED: Final = 20_000
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,200}\Z")

Index = dict[tuple[str, ...], list[int]]


class LookupTable(Struct):
    """A definition and its rows. Matching is pure: the same inputs give the same rows."""

    definition: LookupDefinition
    columns: tuple[str, ...]
    rows: list[CsvRow]
    _indexes: dict[tuple[str, ...], Index] = field(default_factory=dict)
    _tests: dict[str, list[Matcher | None]] = field(default_factory=dict)
    _memory: dict[tuple[tuple[str, str], ...], tuple[int, ...]] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns, under the name that commands ask for."""
        return self.columns

    @classmethod
    def from_csv(cls, definition: LookupDefinition, text: str) -> LookupTable:
        """A table from CSV text (see `csvfile` for how it is read)."""
        columns, rows = parse_csv(text, definition.file)
        return cls(definition, columns, rows)

    def match(self, inputs: Mapping[str, str]) -> list[CsvRow]:
        """The rows whose fields match every input, the first `max_matches` in file order.

        A name that is no column matches nothing. No input matches nothing.
        """
        key = tuple(sorted(inputs.items()))
        numbers = self._memory.get(key)
        if numbers is None:
            numbers = self._search(inputs)
            if len(self._memory) >= _REMEMBERED:
                self._memory.clear()
            self._memory[key] = numbers
        return [self.rows[number] for number in numbers]

    def outputs(self, inputs: Mapping[str, str], wanted: Iterable[str]) -> dict[str, Value]:
        """What `lookup` writes for each wanted field; fields that get no value are left out.

        Several matches give a multivalue. Where fewer rows match than `min_matches`, `default_match`
        makes up the rest (in published tables: one `false` where nothing matches).
        """
        matched = self.match(inputs)
        short = self.definition.min_matches - len(matched)
        filler = (self.definition.default_match,) * max(0, short) if self.definition.default_match else ()
        result: dict[str, Value] = {}
        for name in wanted:
            values = tuple(row[name] for row in matched if name in row) + filler
            if values:
                result[name] = values if len(values) > 1 else values[0]
        return result

    def _search(self, inputs: Mapping[str, str]) -> tuple[int, ...]:
        if not inputs:
            return ()
        types = self.definition.match_type
        exact = tuple(sorted(name for name in inputs if types.get(name, "EXACT") == "EXACT"))
        candidates: Iterable[int] = range(len(self.rows))
        if exact:
            candidates = self._index(exact).get(tuple(self._key(inputs[name]) for name in exact), ())
        others = []
        for name, value in inputs.items():
            if name not in exact:
                cidr = types[name] == "CIDR"
                others.append((self._tests_of(name, cidr), value if cidr else self._key(value)))
        found: list[int] = []
        for number in candidates:
            if all((test := tests[number]) is not None and test(value) for tests, value in others):
                found.append(number)
                if len(found) >= self.definition.max_matches:
                    break
        return tuple(found)

    def _key(self, text: str) -> str:
        return text if self.definition.case_sensitive_match else fold(text)

    def _index(self, names: tuple[str, ...]) -> Index:
        index = self._indexes.get(names)
        if index is None:
            index = self._indexes[names] = {}
            for number, row in enumerate(self.rows):
                if all(name in row for name in names):
                    index.setdefault(tuple(self._key(row[name]) for name in names), []).append(number)
        return index

    def _tests_of(self, name: str, cidr: bool) -> list[Matcher | None]:
        tests = self._tests.get(name)
        if tests is None:
            values = (row.get(name) for row in self.rows)
            tests = self._tests[name] = [
                None if value is None else _cidr(value) if cidr else wildcard(self._key(value)) for value in values
            ]
        return tests


def _cidr(block: str) -> Matcher:
    """A test for membership of the table's block; a bare address stands for itself."""
    block = block.strip()
    net = network(block) or network(f"{block}/{128 if ':' in block else 32}")
    return (lambda value: in_network(value.strip(), net)) if net else (lambda value: False)


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
        columns, rows = read_csv(Path(definition.path))
        return LookupTable(definition, columns, rows)

    def _by_file(self, name: str) -> LookupTable:
        path = self.content.lookup_files.get(name)
        if path is None:
            remedy = nearest(name, self.names()) or "Define it in the lookups folder of the content."
            raise ContentError(f"unknown lookup {name!r}", remedy=remedy)
        owner = next((one for one in self.content.lookups.values() if one.filename == name), None)
        columns, rows = read_csv(Path(path))
        definition = replace(owner, name=name) if owner else LookupDefinition(name, filename=name, path=path)
        return LookupTable(definition, columns, rows)


def _file_name(name: str) -> str:
    return name if name.lower().endswith(".csv") else f"{name}.csv"
