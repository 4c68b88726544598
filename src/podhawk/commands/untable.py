"""untable: from a table with a column per label to one row per cell."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always
from podhawk.commands.properties import Effect, effect, immutable
from podhawk.commands.shared.names import listed
from podhawk.rows import Row, Table
from podhawk.spl.cursor import Cursor


class Untable(Struct, frozen=True):
    x: str
    y: str
    data: str


def _parse(cursor: Cursor) -> Untable:
    at = cursor.at
    names = cursor.names()
    cursor.finish()
    if len(names) != 3 or len(set(names)) != 3:
        raise cursor.error("expected three different fields: row field, name field, value field", at)
    return Untable(*names)


def _reads(node: Untable, wanted: Wanted) -> Wanted:
    return None


def _whole(node: Untable, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        names = [name for name in table.header() if name != node.x and not name.startswith("_")]
        rows: list[Row] = []
        for row in table.rows:
            if node.x not in row:
                continue
            rows += [
                Row({node.x: row[node.x], node.y: name, node.data: row[name]}, row.order)
                for name in names
                if name in row
            ]
        return Table(rows, (node.x, node.y, node.data))

    return whole


UNTABLE = Command(
    name="untable",
    syntax="untable <x-field> <name-field> <data-field>",
    doc="Makes one row per cell: the first field is kept, the second receives the column name, the "
    "third the value of the cell. The reverse of xyseries. Empty cells, internal fields and rows "
    "without the first field are dropped.",
    examples=(
        Example(
            "* | table user get list | untable user verb n",
            (
                {"user": "a", "verb": "get", "n": "1"},
                {"user": "a", "verb": "list", "n": "2"},
                {"user": "b", "verb": "list", "n": "3"},
            ),
            ('{"user":"a","get":1,"list":2}', '{"user":"b","list":3}'),
        ),
    ),
    parse=_parse,
    render=lambda node: listed((node.x, node.y, node.data)),
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=lambda node, columns: (node.x, node.y, node.data),
    whole=_whole,
    effect=effect(Effect.REBUILDS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/untable",
)
