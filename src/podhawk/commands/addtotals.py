"""addtotals: sums over each row's numbers, and over each column's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, Whole, plus
from podhawk.commands.properties import UNKNOWN, Effect, Made, Sources, computed, copy, immutable
from podhawk.commands.shared.names import has_wildcard, listed, select
from podhawk.commands.shared.spans import usable
from podhawk.functions.aggregations.arithmetic import Moments
from podhawk.rows import OrderKey, Row, Table
from podhawk.rows.values import Value, as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

_OPTIONS = ("row", "col", "labelfield", "label", "fieldname")
_NOWHERE = OrderKey()


class AddTotals(Struct, frozen=True):
    names: tuple[str, ...] = ()
    row: bool = True
    col: bool = False
    labelfield: str = ""
    label: str = "Total"
    fieldname: str = "Total"


def _parse(cursor: Cursor) -> AddTotals:
    options = cursor.options(_OPTIONS)
    names = cursor.names()
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    return AddTotals(
        tuple(dict.fromkeys(names)),
        cursor.boolean(options.get("row", "t"), "row"),
        cursor.boolean(options.get("col", "f"), "col"),
        options.get("labelfield", ""),
        options.get("label", "Total"),
        options.get("fieldname", "Total"),
    )


def _render(node: AddTotals) -> str:
    parts = [f"row={node.row}", f"col={node.col}"]
    parts += [
        f"{name}={quote(value)}"
        for name, value, usual in (
            ("labelfield", node.labelfield, ""),
            ("label", node.label, "Total"),
            ("fieldname", node.fieldname, "Total"),
        )
        if value != usual
    ]
    return " ".join([*parts, listed(node.names)]).strip()


def _reads(node: AddTotals, wanted: Wanted) -> Wanted:
    if not node.names or has_wildcard(node.names) or wanted is None:
        return None
    made = {node.fieldname} if node.row else set()
    return (wanted - made) | frozenset(node.names) | ({node.labelfield} if node.labelfield and node.col else set())


def _columns(node: AddTotals, columns: Columns) -> Columns:
    if node.row:
        columns = plus(columns, node.fieldname)
    return plus(columns, node.labelfield) if node.col and node.labelfield else columns


def _summed(node: AddTotals, names: Iterable[str]) -> list[str]:
    """The fields of a row (or table) that are summed; internal ones only if named."""
    have = list(names)
    if node.names:
        return [name for name in select(node.names, have) if name in have]
    return [name for name in have if not name.startswith("_")]


def _total(values: Iterable[Value]) -> Value | None:
    state = Moments("sum")
    for value in values:
        number = as_number(value)
        if number is not None and usable(number):
            state.add(number, _NOWHERE)
    return state.finish()


def _add_row_total(node: AddTotals, row: Row) -> None:
    total = _total(row[name] for name in _summed(node, row) if name != node.fieldname)
    row[node.fieldname] = 0 if total is None else total


def _stream(node: AddTotals, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if node.row:
                _add_row_total(node, row)
            yield row

    return stream


def _whole(node: AddTotals, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        if node.row:
            for row in table.rows:
                _add_row_total(node, row)
        columns = _columns(node, table.columns)
        names = _summed(node, table.header())
        if node.row and node.fieldname not in names:
            names.append(node.fieldname)
        last = Row()
        for name in names:
            values = [row[name] for row in table.rows if name in row]
            total = _total(values) if any(as_number(value) is not None for value in values) else None
            if total is not None:
                last[name] = total
        if node.labelfield:
            last[node.labelfield] = node.label
        return Table([*table.rows, last], columns)

    return whole


def _made(node: AddTotals, name: str) -> Sources:
    if node.col:
        return UNKNOWN
    if not node.row or name != node.fieldname:
        return (copy(name),)
    return (computed(node.names) if node.names and not has_wildcard(node.names) else Made(aggregated=False),)


ADDTOTALS = Command(
    name="addtotals",
    syntax="addtotals [row=<bool>] [col=<bool>] [labelfield=<field>] [label=<text>] [fieldname=<field>] [<field>…]",
    doc="Adds to each row the sum of its numeric fields, as Total. fieldname sets another name; "
    "row=false adds no sum to rows. col=true adds a last row with the sum of each numeric "
    "column, and puts label into labelfield of that row. Without a field list all fields are "
    "summed, except internal fields such as _time.",
    examples=(
        Example("* | table a b | addtotals", ({"a": "1", "b": "2", "Total": "3"},), ('{"a":1,"b":2}',)),
        Example(
            "* | table user n | addtotals row=f col=t labelfield=user",
            ({"user": "x", "n": "1"}, {"user": "y", "n": "2"}, {"user": "Total", "n": "3"}),
            ('{"user":"x","n":1}', '{"user":"y","n":2}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=lambda node: Kind.WHOLE if node.col else Kind.PER_EVENT,
    reads=_reads,
    columns=_columns,
    stream=_stream,
    whole=_whole,
    made=_made,
    effect=lambda node: Effect.REBUILDS if node.col else Effect.KEEPS,
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/addtotals",
)
