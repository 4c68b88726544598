"""filldown: repeat the last value where a field is missing."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always, needs, same_columns
from podhawk.commands.properties import Effect, Sources, copy, effect, immutable, same
from podhawk.commands.shared.names import has_wildcard, listed, matches, select
from podhawk.rows import Table
from podhawk.rows.values import Value
from podhawk.spl.cursor import Cursor


class FillDown(Struct, frozen=True):
    names: tuple[str, ...] = ()


def _parse(cursor: Cursor) -> FillDown:
    names = cursor.names()
    cursor.finish()
    return FillDown(tuple(dict.fromkeys(names)))


def _reads(node: FillDown, wanted: Wanted) -> Wanted:
    return wanted if not node.names or has_wildcard(node.names) else needs(wanted, *node.names)


def _whole(node: FillDown, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        last: dict[str, Value] = {}
        names = select(node.names or ("*",), table.header())
        for row in table.rows:
            for name in names:
                if name in row:
                    last[name] = row[name]
                elif name in last:
                    row[name] = last[name]
        return table

    return whole


def _made(node: FillDown, name: str) -> Sources:
    return (copy(name), copy(name, aggregated=True)) if matches(node.names or ("*",), name) else same(node, name)


FILLDOWN = Command(
    name="filldown",
    syntax="filldown [<field>…]",
    doc="Fills missing values of a field with the last value of an earlier row, in row order. "
    "Applies to the listed fields (`*` is a wildcard), or to all fields. Rows before the first "
    "value stay unchanged.",
    examples=(
        Example(
            "* | filldown user | table user verb",
            ({"user": None, "verb": "get"}, {"user": "a", "verb": "list"}, {"user": "a", "verb": "watch"}),
            ('{"verb":"get"}', '{"user":"a","verb":"list"}', '{"verb":"watch"}'),
        ),
    ),
    parse=_parse,
    render=lambda node: listed(node.names),
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=same_columns,
    whole=_whole,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/filldown",
)
