"""sort: rows in the order of their fields."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Mergeable, Wanted, Whole, needs, same_columns
from podhawk.commands.properties import Effect, immutable, same
from podhawk.commands.shared.orderings import Falling, SortField, parse_sort_fields, render_sort_fields, sort_key
from podhawk.lazy import lazy_pattern
from podhawk.rows import OrderKey, Row, Table
from podhawk.spl.cursor import Cursor

DEFAULT = 10_000
_COUNT = lazy_pattern(r"(\d+)(?=[\s,+-]|\Z)")


class Sort(Struct, frozen=True):
    """`limit` 0 is no limit; `stated` says that the author wrote one."""

    fields: tuple[SortField, ...]
    limit: int = DEFAULT
    stated: bool = False


def _parse(cursor: Cursor) -> Sort:
    options = cursor.options(("limit",))
    if not options and cursor.peek().isdigit():
        word = cursor.looking_at(_COUNT)
        if word:
            cursor.at = word.end()
            cursor.space()
            options["limit"] = word[1]
            cursor.commas()
    fields = parse_sort_fields(cursor)
    options |= cursor.options(("limit",))
    cursor.finish()
    if not fields:
        cursor.fail("expected a field to sort by", "For example: sort 0 -count, user. The 0 means all rows.")
    limit = cursor.integer(options["limit"], "limit") if "limit" in options else DEFAULT
    return Sort(fields, limit, "limit" in options)


def _render(node: Sort) -> str:
    return (f"limit={node.limit} " if node.stated else "") + render_sort_fields(node.fields)


def _kind(node: Sort) -> Kind:
    return Kind.MERGEABLE if node.limit else Kind.WHOLE


def _reads(node: Sort, wanted: Wanted) -> Wanted:
    return needs(wanted, *(one.name for one in node.fields))


SortEntry = tuple[tuple[tuple[Any, ...], OrderKey], int, Row]


class SortState(Struct):
    """The first rows by key and order, and how many rows there were."""

    rows: list[SortEntry] = field(default_factory=list)
    seen: int = 0


class SortRun:
    """`sort` with a limit: the first rows of parts hold the first rows of the whole."""

    def __init__(self, node: Sort, context: Context) -> None:
        self.node = node
        self.context = context
        self.key = sort_key(node.fields)

    def start(self) -> SortState:
        return SortState()

    def add(self, state: SortState, rows: Iterable[Row]) -> None:
        for row in rows:
            state.seen += 1
            state.rows.append(((self.key(row), row.order), state.seen, row))
            if len(state.rows) >= 2 * self.node.limit + 1000:
                self._trim(state)

    def _trim(self, state: SortState) -> None:
        state.rows = heapq.nsmallest(self.node.limit, state.rows, key=lambda entry: entry[:2])

    def merge(self, first: SortState, second: SortState) -> SortState:
        first.rows += second.rows
        first.seen += second.seen
        self._trim(first)
        return first

    def finish(self, state: SortState) -> Table:
        self._trim(state)
        if state.seen > self.node.limit and not self.node.stated:
            self.context.warn("sort limit", f"sort kept {self.node.limit} of {state.seen} rows; sort 0 keeps all")
        return Table([row for _, _, row in state.rows])


def _merge(node: Sort, context: Context) -> Mergeable:
    return SortRun(node, context)


def _whole(node: Sort, context: Context) -> Whole:
    key = sort_key(node.fields)
    return lambda table: Table(sorted(table.rows, key=key), table.columns)


def _effect(node: Sort) -> Effect:
    """The default limit only guards against too many rows; cutting by it gives a warning."""
    return Effect.LIMITS if node.stated and node.limit else Effect.KEEPS


SORT = Command(
    name="sort",
    syntax="sort [<n>] [+|-]<field>|auto(<field>)|str(<field>)|num(<field>)|ip(<field>) [, …] [d|desc] [limit=<n>]",
    doc="Sorts rows (stable) and keeps the first 10000 by default (0: all rows). A warning is given "
    "if the default limit drops rows. Numbers come before IP addresses and addresses before "
    "text; each kind has its own order. Rows without the field always come last.",
    examples=(
        Example("* | sort - n | table n", ({"n": "10"}, {"n": "9"}, {"n": "1"}), ('{"n":9}', '{"n":10}', '{"n":1}')),
        Example(
            "* | sort 2 verb, -n | table verb n",
            ({"verb": "get", "n": "2"}, {"verb": "get", "n": "1"}),
            ('{"verb":"list","n":3}', '{"verb":"get","n":1}', '{"verb":"get","n":2}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=_kind,
    reads=_reads,
    columns=same_columns,
    merge=_merge,
    whole=_whole,
    made=same,
    effect=_effect,
    volatility=immutable,
    states=(SortState, Falling),
    known_as=("order", "orderby", "sort_by", "order_by"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/sort",
)
