"""set: the union, the difference or the intersection of two subsearches."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Pipeline, always
from podhawk.commands.properties import Effect, effect
from podhawk.commands.shared.legs import joined, pipeline_columns, pipeline_resources, pipeline_volatility, run_leg
from podhawk.commands.shared.parser import parse_bracketed, render_bracketed
from podhawk.rows import Row, Table, texts
from podhawk.spl.cursor import Cursor

OPERATIONS = ("union", "diff", "intersect")
RowKey = frozenset[tuple[str, tuple[str, ...]]]


class SetOperation(Struct, frozen=True):
    operation: str
    first: Pipeline
    second: Pipeline


def _parse(cursor: Cursor) -> SetOperation:
    at = cursor.at
    operation = cursor.word("union, diff or intersect").lower()
    if operation not in OPERATIONS:
        raise cursor.error(f"expected union, diff or intersect, not {operation!r}", at, len(operation))
    first = parse_bracketed(cursor)
    second = parse_bracketed(cursor)
    cursor.finish()
    return SetOperation(operation, first, second)


def _key(row: Row) -> RowKey:
    return frozenset((name, texts(value)) for name, value in row.items() if not name.startswith("_"))


def _generate(node: SetOperation, context: Context) -> Table:
    tables = [run_leg(pipeline, context, "set") for pipeline in (node.first, node.second)]
    keyed = [{_key(row): row for row in reversed(table.rows)} for table in tables]
    mine, other = keyed
    rows: dict[RowKey, Row] = {}
    for table, keys, others in zip(tables, (mine, other), (other, mine), strict=True):
        for row in table.rows:
            key = _key(row)
            if node.operation == "union" or (key in others) == (node.operation == "intersect"):
                rows.setdefault(key, keys[key])
    return Table(list(rows.values()), joined(tables[0].columns, tables[1].columns))


def _columns(node: SetOperation, columns: Columns) -> Columns:
    return joined(pipeline_columns(node.first), pipeline_columns(node.second))


SET = Command(
    name="set",
    syntax="set union|diff|intersect [ <search> ] [ <search> ]",
    doc="Returns the rows that either of two subsearches has (union), that only one of them has (diff), or that "
    "both have (intersect). Rows are equal if all their fields are, internal fields such as `_time` aside. "
    "Each row comes once. It must be the first command.",
    examples=(
        Example(
            "| set diff [ search day=1 | fields user ] [ search day=2 | fields user ] | table user",
            ({"user": "ann"},),
            ('{"day":1,"user":"ann"}', '{"day":1,"user":"bob"}', '{"day":2,"user":"bob"}'),
        ),
    ),
    parse=_parse,
    render=lambda node: f"{node.operation} {render_bracketed(node.first)} {render_bracketed(node.second)}",
    kind=always(Kind.GENERATING),
    reads=lambda node, wanted: frozenset(),
    columns=_columns,
    generate=_generate,
    legs=lambda node: (node.first, node.second),
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: max(pipeline_volatility(node.first), pipeline_volatility(node.second)),
    resources=lambda node: pipeline_resources(node.first) | pipeline_resources(node.second),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/set",
)
