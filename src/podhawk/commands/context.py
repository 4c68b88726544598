"""What a command may ask of its surroundings, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from podhawk.errors import SearchError
from podhawk.functions.declare import Env
from podhawk.rows import Row, Table
from podhawk.rows.values import Value
from podhawk.spl.text import SearchText

if TYPE_CHECKING:
    from podhawk.commands.declare import Pipeline, Stage


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


class Datasets(Protocol):
    """The data models that `from`, `tstats` and `datamodel` read."""

    def rows(self, model: str, dataset: str) -> Iterable[Row]:
        """The rows of a dataset, under plain field names (`risk_object`), newest first."""


class NoDatasets:
    """The data models of a run that stores none: all are empty."""

    def rows(self, model: str, dataset: str) -> Iterable[Row]:
        return ()


def _no_runner(pipeline: Pipeline) -> Table:
    raise SearchError("this command runs a subsearch, which is not possible here")


def _no_stages(stages: Sequence[Stage], table: Table) -> Table:
    raise SearchError("this command runs a pipeline over its rows, which is not possible here")


class Context(Struct):
    """The surroundings of one run.

    `run` runs a subsearch over the same input (`append`, `join`, `map`), `run_stages` runs stages over
    rows at hand (`appendpipe`, `foreach`). `datasets` are the data models. `write` is False under
    `--no-write`: tables then change only in memory. `exact` is `--splunk-exact`.
    """

    env: Env = field(default_factory=Env)
    lookups: Lookups = field(default_factory=NoLookups)
    geo: Geo | None = None
    exact: bool = False
    write: bool = False
    run: Callable[[Pipeline], Table] = _no_runner
    run_stages: Callable[[Sequence[Stage], Table], Table] = _no_stages
    datasets: Datasets = field(default_factory=NoDatasets)
    macros: Mapping[tuple[str, int], object] = field(default_factory=dict)
    source: SearchText | None = None

    def warn(self, kind: str, detail: str = "") -> None:
        """Count a warning; the first detail of each kind is shown."""
        self.env.warn(kind, detail)


def place(source: SearchText | None, offset: int, message: str, remedy: str = "") -> SearchError:
    """An error at an offset of a search that may have no text (a stage built by hand)."""
    return source.error(message, offset, remedy=remedy) if source else SearchError(message, remedy=remedy)


def renumber(rows: Sequence[Row]) -> None:
    """Give rows the order they stand in, so that order-sensitive states see it."""
    from podhawk.rows import OrderKey

    for number, row in enumerate(rows):
        row.order = OrderKey(0.0, 0.0, (number,))
