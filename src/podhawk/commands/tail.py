"""tail: the last rows, last first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Mergeable, always, same_columns
from podhawk.commands.properties import Effect, effect, immutable, same
from podhawk.rows import OrderKey, Row, Table
from podhawk.spl.cursor import Cursor

DEFAULT = 10


class Tail(Struct, frozen=True):
    count: int = DEFAULT


def _parse(cursor: Cursor) -> Tail:
    count = DEFAULT if cursor.done else cursor.integer(cursor.word("a number"), "the number of rows")
    cursor.finish()
    return Tail(count)


TailEntry = tuple[OrderKey, int, Row]


class TailState(Struct):
    rows: list[TailEntry] = field(default_factory=list)
    seen: int = 0


class TailRun:
    """The last rows of parts hold the last rows of the whole."""

    def __init__(self, node: Tail, context: Context) -> None:
        self.count = node.count

    def start(self) -> TailState:
        return TailState()

    def add(self, state: TailState, rows: Iterable[Row]) -> None:
        for row in rows:
            state.seen += 1
            state.rows.append((row.order, state.seen, row))
            if len(state.rows) > 2 * self.count + 1000:
                self._trim(state)

    def _trim(self, state: TailState) -> None:
        state.rows = heapq.nlargest(self.count, state.rows, key=lambda entry: entry[:2])

    def merge(self, first: TailState, second: TailState) -> TailState:
        first.rows += [(order, first.seen + number, row) for order, number, row in second.rows]
        first.seen += second.seen
        self._trim(first)
        return first

    def finish(self, state: TailState) -> Table:
        self._trim(state)
        return Table([row for _, _, row in state.rows])


def _merge(node: Tail, context: Context) -> Mergeable:
    return TailRun(node, context)


TAIL = Command(
    name="tail",
    syntax="tail [<n>]",
    doc="Keeps the last rows (default: 10) in reverse order: the last row comes first.",
    examples=(Example("| makeresults count=3 | streamstats count as n | tail 2 | table n", ({"n": "3"}, {"n": "2"})),),
    parse=_parse,
    render=lambda node: str(node.count),
    kind=always(Kind.MERGEABLE),
    reads=lambda node, wanted: wanted,
    columns=same_columns,
    merge=_merge,
    made=same,
    effect=effect(Effect.LIMITS),
    volatility=immutable,
    states=(TailState,),
    known_as=("last",),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/tail",
)
