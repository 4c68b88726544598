"""transpose: rows become columns."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Whole, always
from podhawk.commands.properties import Effect, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.rows import Row, Table, texts
from podhawk.spl.cursor import Cursor

DEFAULT = 5


class Transpose(Struct, frozen=True):
    """`count` 0 means all rows."""

    count: int = DEFAULT
    column_name: str = "column"
    header_field: str = ""
    include_empty: bool = True


def _parse(cursor: Cursor) -> Transpose:
    options: dict[str, str] = {}
    known = ("column_name", "header_field", "include_empty")
    count = ""
    while not cursor.done:
        if cursor.next_option():
            options |= cursor.options(known)
        elif not count:
            count = cursor.word("a number of rows")
        else:
            cursor.finish()
    return Transpose(
        cursor.integer(count or str(DEFAULT), "the number of rows"),
        options.get("column_name", "column"),
        options.get("header_field", ""),
        cursor.boolean(options.get("include_empty", "t"), "include_empty"),
    )


def _render(node: Transpose) -> str:
    parts = [str(node.count)] if node.count != DEFAULT else []
    parts += [f"column_name={shown(node.column_name)}"] if node.column_name != "column" else []
    parts += [f"header_field={shown(node.header_field)}"] if node.header_field else []
    parts += [] if node.include_empty else ["include_empty=false"]
    return " ".join(parts)


def _whole(node: Transpose, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        rows = table.rows[: node.count] if node.count else table.rows
        names = [_name(node, row, number) for number, row in enumerate(rows, 1)]
        header = table.header() if table.columns is not None else sorted(table.header())
        if not rows:
            return Table([], (node.column_name,))
        made: list[Row] = []
        for field in header:
            if field == node.header_field or (field.startswith("_") and table.columns is None):
                continue
            line = Row({node.column_name: field})
            line.update((name, row[field]) for name, row in zip(names, rows, strict=True) if name and field in row)
            if node.include_empty or len(line) > 1:
                made.append(line)
        return Table(made, tuple(dict.fromkeys((node.column_name, *filter(None, names)))))

    return whole


def _name(node: Transpose, row: Row, number: int) -> str:
    """The column that a row becomes; none for a row that lacks the header field."""
    if not node.header_field:
        return f"row {number}"
    return texts(row[node.header_field])[0] if node.header_field in row else ""


def _columns(node: Transpose, columns: Columns) -> Columns:
    return None


TRANSPOSE = Command(
    name="transpose",
    syntax="transpose [<n>] [column_name=<field>] [header_field=<field>] [include_empty=<bool>]",
    doc="Turns rows into columns: one row for each field, whose name stands in `column`, and one column for each "
    "of the first n rows (default: 5; 0 means all), called `row 1` and so on. header_field names a field "
    "whose values become the names of the columns. include_empty=false leaves out fields without a value.",
    examples=(
        Example(
            "* | stats count by user | transpose header_field=user",
            ({"column": "count", "ann": "2", "bob": "1"},),
            ('{"user":"ann"}', '{"user":"bob"}', '{"user":"ann"}'),
        ),
        Example(
            "* | table user n | transpose",
            ({"column": "user", "row 1": "ann"}, {"column": "n", "row 1": "3"}),
            ('{"user":"ann","n":3}',),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=lambda node, wanted: None,
    columns=_columns,
    whole=_whole,
    effect=effect(Effect.REBUILDS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/transpose",
)
