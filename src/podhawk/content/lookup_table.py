"""One lookup table: matching as `lookup` does it.

A table is matched field by field: EXACT (a hash index over all exact fields asked for), WILDCARD
(the *table's* value is the pattern, `*` its only wildcard, whole value) or CIDR (the table's value
is a block, IPv4 or IPv6). The first `max_matches` rows in file order count. Results are remembered
per input, because logs repeat themselves.

Rules: https://docs.splunk.com/Documentation/Splunk/latest/Admin/Transformsconf
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, field

from podhawk.content.csvfile import CsvRow, parse_csv
from podhawk.content.model import LookupDefinition
from podhawk.functions.patterns import Matcher, fold, in_network, network, wildcard
from podhawk.rows import Value

_REMEMBERED: Final = 20_000

ExactIndex = dict[tuple[str, ...], list[int]]


class LookupTable(Struct):
    """A definition and its rows. Matching is pure: the same inputs give the same rows."""

    definition: LookupDefinition
    columns: tuple[str, ...]
    rows: list[CsvRow]
    _indexes: dict[tuple[str, ...], ExactIndex] = field(default_factory=dict)
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

    def _index(self, names: tuple[str, ...]) -> ExactIndex:
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
