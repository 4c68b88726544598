"""tally: a made-up command, declared in one file as podhawk's own commands are. It counts rows by fields."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Mergeable, Wanted, always
from podhawk.commands.properties import NO_COLUMN, Effect, Made, Sources, copy, effect, immutable
from podhawk.commands.shared.groups import Key, in_order, keys_of
from podhawk.commands.shared.names import listed
from podhawk.rows import Row, Table
from podhawk.spl.cursor import Cursor

COLUMN = "tallied"


class Tally(Struct, frozen=True):
    names: tuple[str, ...]


def _parse(cursor: Cursor) -> Tally:
    names = cursor.names(what="a field to count by")
    cursor.finish()
    return Tally(names)


def _reads(node: Tally, wanted: Wanted) -> Wanted:
    return frozenset(node.names)


def _columns(node: Tally, columns: Columns) -> Columns:
    return (*node.names, COLUMN)


def _made(node: Tally, name: str) -> Sources:
    if name in node.names:
        return (replace(copy(name), total=True),)
    return (Made(frozenset(), total=True, growing=True),) if name == COLUMN else NO_COLUMN


class Counted(Struct):
    """How many rows a group has."""

    number: int = 0


class TallyRun:
    """A state is the groups seen so far."""

    def __init__(self, node: Tally, context: Context) -> None:
        self.names = node.names

    def start(self) -> dict[Key, Counted]:
        return {}

    def add(self, state: dict[Key, Counted], rows: Iterable[Row]) -> None:
        for row in rows:
            for key in keys_of(row, self.names):
                state.setdefault(key, Counted()).number += 1

    def merge(self, first: dict[Key, Counted], second: dict[Key, Counted]) -> dict[Key, Counted]:
        for key, counted in second.items():
            first.setdefault(key, Counted()).number += counted.number
        return first

    def finish(self, state: dict[Key, Counted]) -> Table:
        rows = [Row({**dict(zip(self.names, key, strict=True)), COLUMN: state[key].number}) for key in in_order(state)]
        return Table(rows, (*self.names, COLUMN))


def _merge(node: Tally, context: Context) -> Mergeable:
    return TallyRun(node, context)


TALLY = Command(
    name="tally",
    syntax="tally <field>…",
    doc="Counts the rows of each combination of values of some fields.",
    examples=(Example("* | tally user", ({"user": "a", COLUMN: "2"},), ('{"user":"a"}', '{"user":"a"}')),),
    parse=_parse,
    render=lambda node: listed(node.names),
    kind=always(Kind.MERGEABLE),
    reads=_reads,
    columns=_columns,
    merge=_merge,
    made=_made,
    effect=effect(Effect.GROUPS),
    groups=lambda node: node.names,
    volatility=immutable,
    states=(Counted,),
    with_groups=lambda node, names: Tally(names),
    source="https://example.org/tally",
)
