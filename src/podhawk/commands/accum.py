"""accum: a running total of a field."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Wanted, Whole, always, plus
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.spans import usable
from podhawk.functions.aggregations.arithmetic import Moments
from podhawk.rows import OrderKey, Table
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor


class Accum(Struct, frozen=True):
    """`name` is where the total goes: the field itself unless AS says otherwise."""

    field: str
    name: str


def _parse(cursor: Cursor) -> Accum:
    field = cursor.name("the field to add up")
    name = cursor.name("a name for the total") if cursor.keyword("as") else field
    cursor.finish()
    return Accum(field, name)


def _whole(node: Accum, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        total = Moments("sum")
        for row in table.rows:
            number = as_number(row.get(node.field))
            if number is not None and usable(number):
                total.add(number, OrderKey())
                value = total.finish()
                assert value is not None
                row[node.name] = value
        return Table(table.rows, _columns(node, table.columns))

    return whole


def _reads(node: Accum, wanted: Wanted) -> Wanted:
    return None if wanted is None else wanted | {node.field}


def _columns(node: Accum, columns: Columns) -> Columns:
    return plus(columns, node.name)


def _made(node: Accum, name: str) -> Sources:
    if name != node.name:
        return (copy(name),)
    return computed((node.field,), aggregated=True), copy(name)


ACCUM = Command(
    name="accum",
    syntax="accum <field> [AS <field>]",
    doc="Replaces each number of a field by the sum of the numbers up to it, in row order, or puts that sum into "
    "another field with AS. A row whose value is no number stays unchanged.",
    examples=(
        Example(
            "* | sort n | accum n AS total | table n total",
            ({"n": "1", "total": "1"}, {"n": "4", "total": "5"}),
            ('{"n":1}', '{"n":4}'),
        ),
    ),
    parse=_parse,
    render=lambda node: shown(node.field) + (f" AS {shown(node.name)}" if node.name != node.field else ""),
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=_columns,
    whole=_whole,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/accum",
)
