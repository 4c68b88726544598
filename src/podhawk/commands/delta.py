"""delta: the difference between a number and that of an earlier row."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Wanted, Whole, always, plus
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.functions import numbers
from podhawk.rows import Table
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor


class Delta(Struct, frozen=True):
    """`back` is how many rows earlier the other number stands."""

    field: str
    name: str
    back: int = 1


def _parse(cursor: Cursor) -> Delta:
    field = cursor.name("a field with numbers")
    options = cursor.options(("p",))
    name = cursor.name("a name for the difference") if cursor.keyword("as") else f"delta({field})"
    options |= cursor.options(("p",))
    cursor.finish()
    return Delta(field, name, cursor.integer(options.get("p", "1"), "p", 1))


def _render(node: Delta) -> str:
    named = f" AS {shown(node.name)}" if node.name != f"delta({node.field})" else ""
    return shown(node.field) + named + (f" p={node.back}" if node.back != 1 else "")


def _whole(node: Delta, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        # Values as they were before the command, for the result may go into the field itself.
        values = [as_number(row.get(node.field)) for row in table.rows]
        for place, row in enumerate(table.rows):
            row.pop(node.name, None) if node.name != node.field else None
            before = values[place - node.back] if place >= node.back else None
            now = values[place]
            if before is not None and now is not None:
                found = numbers.settle(numbers.subtract(now, before))
                assert isinstance(found, int | float)
                row[node.name] = found
        return Table(table.rows, _columns(node, table.columns))

    return whole


def _reads(node: Delta, wanted: Wanted) -> Wanted:
    return None if wanted is None else wanted | {node.field}


def _columns(node: Delta, columns: Columns) -> Columns:
    return plus(columns, node.name)


def _made(node: Delta, name: str) -> Sources:
    if name != node.name:
        return (copy(name),)
    return computed((node.field,), aggregated=True), copy(name)


DELTA = Command(
    name="delta",
    syntax="delta <field> [AS <field>] [p=<n>]",
    doc="Computes the difference between the number in a row and that in an earlier row: the row before, or p "
    "rows before. The result goes to `delta(field)`, or to the field after AS. It is null in the first rows, "
    "and where one of the values is no number.",
    examples=(
        Example(
            "* | sort n | delta n AS more | table n more",
            ({"n": "1", "more": None}, {"n": "4", "more": "3"}),
            ('{"n":1}', '{"n":4}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=_columns,
    whole=_whole,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/delta",
)
