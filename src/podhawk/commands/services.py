"""Protocols of the services that commands use: lookup tables, files, the geo database, data models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from podhawk.errors import SearchError
from podhawk.rows import Row
from podhawk.rows.values import Value


class Lookup(Protocol):
    """A lookup table: columns, rows, and matching by its own rules (wildcards, networks, case)."""

    @property
    def fields(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> Sequence[Mapping[str, str]]: ...

    def outputs(self, inputs: Mapping[str, str], wanted: Sequence[str]) -> dict[str, Value]:
        """The values of the wanted columns in the rows that match, defaults filled in."""


class Lookups(Protocol):
    """All lookup tables that a search can name."""

    def get(self, name: str) -> Lookup:
        """The table of that name. Raises ContentError with the nearest name."""

    def expect(self, name: str) -> None:
        """Say that a search will write a table, which until then is empty rather than unknown."""

    def write(self, name: str, rows: Sequence[Mapping[str, Value]], columns: Sequence[str], append: bool) -> None:
        """Replace or extend a table, for `outputlookup`."""


class Files(Protocol):
    """The CSV files that `inputcsv` reads and `outputcsv` writes, by plain names."""

    def read(self, name: str) -> tuple[tuple[str, ...], list[dict[str, str]]]:
        """The columns and rows of a file. Raises ContentError if there is none."""

    def write(self, name: str, rows: Sequence[Mapping[str, Value]], columns: Sequence[str], append: bool) -> None:
        """Replace or extend a file."""


class Geo(Protocol):
    """A database of places by address."""

    name: str

    def locate(self, address: str) -> Mapping[str, str] | None:
        """City, Country, Region, lat, lon (and more where known), or None for an unknown address."""


class NoLookups:
    """The lookups of a search that has none."""

    def get(self, name: str) -> Lookup:
        raise SearchError(f"unknown lookup {name!r}", remedy="Load its folder with --content.")

    def expect(self, name: str) -> None:
        """Nothing to expect where nothing can be written."""

    def write(self, name: str, rows: Sequence[Mapping[str, Value]], columns: Sequence[str], append: bool) -> None:
        raise SearchError(f"cannot write lookup {name!r}: there is no content folder")


class NoFiles:
    """The files of a search that has none."""

    def read(self, name: str) -> tuple[tuple[str, ...], list[dict[str, str]]]:
        raise SearchError(f"unknown file {name!r}", remedy="Name its folder with --state or --content.")

    def write(self, name: str, rows: Sequence[Mapping[str, Value]], columns: Sequence[str], append: bool) -> None:
        """There is nowhere to write to, and no later command that could read."""


class Datasets(Protocol):
    """The data models that `from`, `tstats` and `datamodel` read."""

    def rows(self, model: str, dataset: str) -> Iterable[Row]:
        """The rows of a dataset, under plain field names (`risk_object`), newest first."""


class NoDatasets:
    """The data models of a run that stores none: all are empty."""

    def rows(self, model: str, dataset: str) -> Iterable[Row]:
        return ()
