"""What a command is.

A command's file holds a frozen node (what its text means), `parse` and `render` (text to node and
back), its streaming class, the fields it reads and the columns it leaves, and its run code in one of
four shapes. Everything else (the parser's table, the planner, help, documentation, tests) is derived
from the `Command` that the file exports.

| class | run code | contract |
|---|---|---|
| generating | `generate(node, context) -> Table` | stands first, makes rows from nothing |
| per_event | `stream(node, context)` → function of rows to rows | one row in, none or more out, no memory |
| mergeable | `merge(node, context)` → `Mergeable` | states merge in any order |
| whole | `whole(node, context)` → function of a table to a table | needs all rows in their order |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, Protocol, runtime_checkable

from msgspec import Struct, field

from podhawk.commands.properties import Effect, NextGrouping, Resources, SearchRange, Sources, unknown
from podhawk.commands.services import Datasets, Files, Geo, Lookups, NoDatasets, NoFiles, NoLookups
from podhawk.errors import SearchError
from podhawk.functions.declare import Env, Volatility
from podhawk.rows import Row, Table, Value
from podhawk.spl.clause import Clause
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Expression
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText


class Kind(StrEnum):
    """The streaming class of a command as it is used in a search."""

    GENERATING = "generating"
    PER_EVENT = "per_event"
    MERGEABLE = "mergeable"
    WHOLE = "whole_result"


Wanted = frozenset[str] | None
"""Names of the fields that later commands need; None means all of them."""

Columns = tuple[str, ...] | None
"""The named columns of a result; None while the fields are open."""

Stream = Callable[[Iterable[Row]], Iterator[Row]]
Whole = Callable[[Table], Table]


Condition = Clause | Expression | None
"""What a row must satisfy to stay."""


class Mergeable(Protocol):
    """Run code whose state can be made in pieces and merged in any order."""

    def start(self) -> Any:
        """An empty state."""

    def add(self, state: Any, rows: Iterable[Row]) -> None:
        """Take rows into a state; each row's `order` says where it stands."""

    def merge(self, first: Any, second: Any) -> Any:
        """One state that has seen what both have; either argument may be reused."""

    def finish(self, state: Any) -> Table:
        """The rows."""


@runtime_checkable
class Counting(Mergeable, Protocol):
    """Run code that accepts combinations of values with their number of rows, so that few rows have to be made."""

    by: tuple[str, ...]
    """The fields that are grouped by."""

    def order_free(self) -> bool:
        """Whether the order of rows cannot change the result."""

    def counts_only(self) -> bool:
        """Whether results depend only on the by-fields and the number of rows; rows without a by-field are left out."""

    def add_times(self, state: Any, row: Row, times: int) -> None:
        """Take in a row that came so many times."""

    def add_counted(self, state: Any, values: tuple[Value | None, ...], number: int) -> None:
        """Take in `number` rows with these values of the by-fields, if `counts_only`."""


class Example(Struct, frozen=True):
    """A search over small events, and the rows it gives: shown in the docs and run by the tests.

    `events` are JSON texts; a search that begins with a pipe needs none. `lookups` are the tables that it
    names, as (name, CSV text).
    """

    search: str
    rows: tuple[dict[str, Any], ...]
    events: tuple[str, ...] = ()
    lookups: tuple[tuple[str, str], ...] = ()


class Slip(Struct, frozen=True):
    """What is valid and most likely meant otherwise: where it stands, and what to write instead."""

    at: int
    message: str


class Stage(Placed, frozen=True, dict=True):
    """A command with its arguments, as it stands in a search. `memo` holds what was worked out from it."""

    command: Command
    node: Any
    name: str
    at: int = 0
    source: SearchText | None = None

    UNSAID: ClassVar[frozenset[str]] = Placed.UNSAID | {"command"}  # its name says which

    @property
    def kind(self) -> Kind:
        return self.command.kind(self.node)

    @cached_property
    def memo(self) -> dict[str, Any]:
        return {}

    @property
    def effect(self) -> Effect:
        return self.command.effect(self.node)

    @property
    def groups(self) -> tuple[str, ...] | None:
        return self.command.groups(self.node)

    @property
    def condition(self) -> Condition:
        return self.command.condition(self.node)


class Pipeline(Placed, frozen=True):
    """A search, or a subsearch: its stages in order."""

    stages: tuple[Stage, ...]
    source: SearchText

    @property
    def generates(self) -> bool:
        """Whether it makes its own rows, so that it needs no events."""
        return bool(self.stages) and self.stages[0].kind is Kind.GENERATING


def _no_runner(pipeline: Pipeline) -> Table:
    raise SearchError("this command runs a subsearch, which is not possible here")


def _no_stages(stages: Sequence[Stage], table: Table) -> Table:
    raise SearchError("this command runs a pipeline over its rows, which is not possible here")


class Context(Struct):
    """The surroundings of one run.

    `run` runs a subsearch over the same input (`append`, `join`, `map`), `run_stages` runs stages over
    rows at hand (`appendpipe`, `foreach`). `datasets` are the data models. `write` is False under
    `--no-write`: tables then change only in memory. `exact` is `--splunk-exact`.
    `within` is the time range of the run.
    """

    env: Env = field(default_factory=Env)
    lookups: Lookups = field(default_factory=NoLookups)
    files: Files = field(default_factory=NoFiles)
    geo: Geo | None = None
    exact: bool = False
    write: bool = False
    run: Callable[[Pipeline], Table] = _no_runner
    run_stages: Callable[[Sequence[Stage], Table], Table] = _no_stages
    datasets: Datasets = field(default_factory=NoDatasets)
    macros: Mapping[tuple[str, int], object] = field(default_factory=dict)
    within: SearchRange = SearchRange()
    source: SearchText | None = None

    def __post_init__(self) -> None:
        self.env.lookup = self.lookups.get  # of the last context: one with other lookups has an environment of its own

    def warn(self, kind: str, detail: str = "") -> None:
        """Count a warning; the first detail of each kind is shown."""
        self.env.warn(kind, detail)


class Command(Struct, frozen=True):
    """One SPL command, declared once.

    Code: `parse` and `render` convert text to a node and back. `kind` says which of `stream`, `merge`, `whole` and
    `generate` runs the node. `check` raises for faults before anything runs. `legs` are the pipelines that the command
    runs over the input of the search. `templates` are those that it runs over rows at hand, or makes for each row: with
    samples in place of the values of a row, and instead of `legs` where they hold these (raises SearchError if one
    cannot be read).

    Columns: `reads(node, wanted)` gives the fields needed before the command when `wanted` are needed after it.
    `columns(node, columns)` gives the named columns after it. `made(node, name)` gives the sources of one column.
    `one_value(node, name, before)` says whether a column cannot be multivalue after it, given which cannot `before`.

    Rows: `effect` says what happens to them. `groups` are the fields by which they are grouped (None: they are not).
    `condition` is the whole decision of a command that filters. `fills` is set if the command does nothing but fill
    absent fields: the text for each field. `aggregations` are those that the command computes for each combination of
    values of `groups`, from the rows of that group alone; their results stand in columns of their names. `volatility`
    says whether the same input can give different rows.

    Other: `resources` says what it uses besides its rows. `patterns` are the regular expressions in its text. `states`
    are the classes that occur in its states, which are sent between machines. `over_events(node, later)` gives the text
    of the search over events that a generating command stands for ("": none); `later` are the stages after it.
    `told(node, grouping)` gives the node that takes the next grouping into account, `ranged(node, range)` the node that
    knows the time range of the search. `with_groups(node, names)` gives the node with other fields to group by.

    `slips` are parts of the text that are valid and most likely meant otherwise. `known_as` are names that other
    languages have for the command, which an error answers with its own.

    A default is the safe answer, such as "the rows may come from anywhere".
    """

    name: str
    syntax: str
    doc: str
    examples: tuple[Example, ...]
    parse: Callable[[Cursor], Any]
    render: Callable[[Any], str]
    kind: Callable[[Any], Kind]
    reads: Callable[[Any, Wanted], Wanted]
    columns: Callable[[Any, Columns], Columns]
    stream: Callable[[Any, Context], Stream] | None = None
    merge: Callable[[Any, Context], Mergeable] | None = None
    whole: Callable[[Any, Context], Whole] | None = None
    generate: Callable[[Any, Context], Table] | None = None
    check: Callable[[Any, Context], None] | None = None
    legs: Callable[[Any], tuple[Pipeline, ...]] = lambda node: ()
    templates: Callable[[Any, Context], tuple[Pipeline, ...]] = lambda node, context: ()
    made: Callable[[Any, str], Sources] = unknown
    one_value: Callable[[Any, str, Callable[[str], bool]], bool] = lambda node, name, before: False
    effect: Callable[[Any], Effect] = lambda node: Effect.UNKNOWN
    groups: Callable[[Any], tuple[str, ...] | None] = lambda node: None
    condition: Callable[[Any], Condition] = lambda node: None
    fills: Callable[[Any], Mapping[str, str] | None] = lambda node: None
    aggregations: Callable[[Any], tuple[Any, ...]] = lambda node: ()
    volatility: Callable[[Any], Volatility] = lambda node: Volatility.VOLATILE
    resources: Callable[[Any], Resources] = lambda node: Resources()
    patterns: Callable[[Any], tuple[str, ...]] = lambda node: ()
    slips: Callable[[Any], Iterable[Slip]] = lambda node: ()
    states: tuple[type, ...] = ()
    over_events: Callable[[Any, Sequence[Stage]], str] | None = None
    told: Callable[[Any, NextGrouping], Any] | None = None
    ranged: Callable[[Any, SearchRange], Any] | None = None
    with_groups: Callable[[Any, tuple[str, ...]], Any] | None = None
    aliases: tuple[str, ...] = ()
    known_as: tuple[str, ...] = ()
    refused: str = ""
    source: str = ""


def always(kind: Kind) -> Callable[[Any], Kind]:
    """A streaming class that no option changes."""
    return lambda node: kind


def same_columns(node: Any, columns: Columns) -> Columns:
    """The command neither makes nor drops a column."""
    return columns


def plus(columns: Columns, *made: str) -> Columns:
    """Columns with new ones at the end, each once."""
    return None if columns is None else tuple(dict.fromkeys((*columns, *made)))


def needs(wanted: Wanted, *names: str) -> Wanted:
    """What is wanted later, and these fields."""
    return None if wanted is None else wanted | frozenset(names)
