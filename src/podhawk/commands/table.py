"""table: keep these columns, in this order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, Whole
from podhawk.commands.properties import NO_COLUMN, Effect, Sources, effect, immutable, same
from podhawk.commands.shared.names import has_wildcard, listed, matches, select
from podhawk.rows import Row, Table
from podhawk.spl.cursor import Cursor


class TableColumns(Struct, frozen=True):
    names: tuple[str, ...]


def _parse(cursor: Cursor) -> TableColumns:
    names = cursor.names()
    cursor.finish()
    if not names:
        cursor.fail("expected at least one field name")
    return TableColumns(tuple(dict.fromkeys(names)))


def _reads(node: TableColumns, wanted: Wanted) -> Wanted:
    return None if has_wildcard(node.names) else frozenset(node.names)


def _columns(node: TableColumns, columns: Columns) -> Columns:
    if not has_wildcard(node.names):
        return node.names
    return None if columns is None else tuple(select(node.names, columns))


def _kind(node: TableColumns) -> Kind:
    return Kind.WHOLE if has_wildcard(node.names) else Kind.PER_EVENT


def _stream(node: TableColumns, context: Context) -> Stream:
    names = node.names

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            yield Row(((name, row[name]) for name in names if name in row), row.order)

    return stream


def _whole(node: TableColumns, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        names = tuple(select(node.names, sorted(table.header()) if table.columns is None else table.header()))
        rows = [Row(((name, row[name]) for name in names if name in row), row.order) for row in table.rows]
        return Table(rows, names)

    return whole


def _made(node: TableColumns, name: str) -> Sources:
    return same(node, name) if matches(node.names, name) else NO_COLUMN


TABLE = Command(
    name="table",
    syntax="table <field> [<field>…]",
    doc="Keeps only the listed fields, as columns in the given order. `*` in a name is a wildcard. A "
    "missing field is an empty cell.",
    examples=(
        Example("* | table verb code", ({"verb": "get", "code": None},), ('{"code2":1,"verb":"get"}',)),
        Example(
            "* | table user.*",
            ({"user.name": "a", "user.uid": "7"},),
            ('{"user":{"uid":"7","name":"a"},"verb":"get"}',),
        ),
    ),
    parse=_parse,
    render=lambda node: listed(node.names),
    kind=_kind,
    reads=_reads,
    columns=_columns,
    stream=_stream,
    whole=_whole,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    known_as=("project", "select", "columns", "show"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/table",
)
