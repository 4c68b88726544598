"""xyseries: from one row per pair of labels to a table with a column per label."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always
from podhawk.commands.properties import Effect, effect, immutable
from podhawk.commands.shared.groups import keys_of, sort_key
from podhawk.commands.shared.names import has_wildcard, listed
from podhawk.commands.shared.series import column_name
from podhawk.rows import Row, Table
from podhawk.rows.values import Value
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

_OPTIONS = ("grouped", "sep", "format")


class XYSeries(Struct, frozen=True):
    x: str
    y: str
    data: tuple[str, ...]
    grouped: bool = False
    sep: str = ": "
    format: str = ""


def _parse(cursor: Cursor) -> XYSeries:
    options = cursor.options(_OPTIONS)
    at = cursor.at
    names = cursor.names()
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    if len(names) < 3:
        raise cursor.error("expected at least three fields: row field, name field, value fields", at)
    if has_wildcard(names):
        raise cursor.error("wildcards are not allowed here", at)
    return XYSeries(
        names[0],
        names[1],
        tuple(dict.fromkeys(names[2:])),
        cursor.boolean(options.get("grouped", "f"), "grouped"),
        options.get("sep", ": "),
        options.get("format", ""),
    )


def _render(node: XYSeries) -> str:
    parts = ["grouped=true"] if node.grouped else []
    parts += [
        f"{name}={quote(value)}"
        for name, value, usual in (("sep", node.sep, ": "), ("format", node.format, ""))
        if value != usual
    ]
    return " ".join([*parts, listed((node.x, node.y, *node.data))])


def _reads(node: XYSeries, wanted: Wanted) -> Wanted:
    return frozenset((node.x, node.y, *node.data))


def _whole(node: XYSeries, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        lines: list[tuple[str, dict[tuple[str, str], Value]]] = []
        known: dict[str, dict[tuple[str, str], Value]] = {}
        labels: dict[str, None] = {}
        for row in table.rows:
            for x, y in keys_of(row, (node.x, node.y)):
                if x not in known or (node.grouped and lines[-1][0] != x):
                    known[x] = {}
                    lines.append((x, known[x]))
                labels[y] = None
                for name in node.data:
                    if name in row:
                        known[x][name, y] = row[name]
        if not node.grouped:
            lines.sort(key=lambda line: sort_key((line[0],)))
        order = sorted(labels, key=lambda label: sort_key((label,)))
        several = len(node.data) > 1
        names = {
            (name, label): column_name(name, label, several, node.sep, node.format)
            for name in node.data
            for label in order
        }
        rows = []
        for x, cells in lines:
            made = Row({node.x: x})
            made.update((column, cells[cell]) for cell, column in names.items() if cell in cells)
            rows.append(made)
        return Table(rows, tuple(dict.fromkeys((node.x, *names.values()))))

    return whole


XYSERIES = Command(
    name="xyseries",
    syntax="xyseries [grouped=<bool>] [sep=<text>] [format=<text>] <x-field> <name-field> <data-field>…",
    doc="Makes one row per value of the first field and one column per value of the second field, "
    "with the values of the third field in the cells. The reverse of untable. With several data "
    "fields, columns are named `data: name`; format sets another name, built from $AGG$ and "
    "$VAL$. Rows and columns are sorted; grouped=true keeps the order of rows with the same "
    "first field.",
    examples=(
        Example(
            "* | xyseries user verb n",
            ({"user": "a", "get": "1", "list": "2"}, {"user": "b", "get": "3"}),
            ('{"user":"a","verb":"get","n":1}', '{"user":"a","verb":"list","n":2}', '{"user":"b","verb":"get","n":3}'),
        ),
        Example(
            '* | xyseries format="$VAL$ $AGG$" user verb n m',
            ({"user": "a", "get n": "1", "get m": "7"},),
            ('{"user":"a","verb":"get","n":1,"m":7}',),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=lambda node, columns: None,
    whole=_whole,
    effect=effect(Effect.REBUILDS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/xyseries",
)
