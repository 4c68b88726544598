"""makeresults: rows out of nothing, or out of the text of the search."""

from __future__ import annotations

import csv
import io

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, always
from podhawk.commands.properties import Effect, Made, effect
from podhawk.commands.shared.jsonfields import flatten
from podhawk.commands.shared.values import put
from podhawk.functions.declare import Volatility
from podhawk.functions.jsonpath import MISSING, dump, parse
from podhawk.rows import OrderKey, Row, Table
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

LIMIT = 1_000_000
_OPTIONS = ("count", "annotate", "splunk_server", "splunk_server_group", "format", "data")


class MakeResults(Struct, frozen=True):
    """`format` is csv or json if `data` gives the rows."""

    count: int = 1
    annotate: bool = False
    format: str = ""
    data: str = ""


def _parse(cursor: Cursor) -> MakeResults:
    at = cursor.at
    options = cursor.options(_OPTIONS)
    if not cursor.done and cursor.peek().isdigit():
        options["count"] = cursor.word()
    cursor.finish()
    count = cursor.integer(options.get("count", "1"), "count")
    if count > LIMIT:
        cursor.fail(f"count must be at most {LIMIT}")
    form = cursor.choice(options["format"], "format", ("csv", "json")) if "format" in options else ""
    if bool(form) != ("data" in options):
        raise cursor.error(
            "format and data need each other", at, remedy='For example: format=csv data="user,n\nann,1".'
        )
    node = MakeResults(count, cursor.boolean(options.get("annotate", "f"), "annotate"), form, options.get("data", ""))
    if form == "json" and not isinstance(parse(node.data), list):
        raise cursor.error("data is not a JSON array of objects", at)
    return node


def _render(node: MakeResults) -> str:
    parts = [f"count={node.count}"] if node.count != 1 else []
    parts += ["annotate=true"] if node.annotate else []
    parts += [f"format={node.format} data={quote(node.data)}"] if node.format else []
    return " ".join(parts)


def _csv_rows(text: str) -> list[Row]:
    lines = [cells for cells in csv.reader(io.StringIO(text.strip())) if cells]
    header = [name.strip() for name in lines[0]] if lines else []
    return [
        Row((name, cell.strip()) for name, cell in zip(header, cells, strict=False) if cell.strip())
        for cells in lines[1:]
    ]


def _json_rows(text: str) -> list[Row]:
    rows: list[Row] = []
    document = parse(text)
    for one in document if document is not MISSING else ():
        row = Row({"_raw": dump(one)})
        for name, values in flatten(one).items():
            put(row, name, values)
        rows.append(row)
    return rows


def _generate(node: MakeResults, context: Context) -> Table:
    if node.format == "csv":
        rows = _csv_rows(node.data)
    elif node.format == "json":
        rows = _json_rows(node.data)
    else:
        rows = [Row({"_time": int(context.env.now)}) for _ in range(node.count)]
    for number, row in enumerate(rows):
        row.order = OrderKey(0.0, 0.0, (number,))
        if node.annotate:
            row["splunk_server"] = "podhawk"
    return Table(rows, None)


def _columns(node: MakeResults, columns: Columns) -> Columns:
    return None


MAKERESULTS = Command(
    name="makeresults",
    syntax="makeresults [count=<n>] [annotate=<bool>] [format=csv|json data=<text>]",
    doc="Makes `count` rows (default: 1) that contain only `_time`, set to now. With `format` and `data`, makes "
    "the rows of a CSV text whose first line names the fields, or of a JSON array of objects. annotate=true "
    "adds the field `splunk_server`; the other fields that it names in Splunk have no value.",
    examples=(
        Example('| makeresults count=2 | eval x="y" | table x', ({"x": "y"}, {"x": "y"})),
        Example(
            '| makeresults format=csv data="user,n\nann,1\nbob,2" | table user n',
            ({"user": "ann", "n": "1"}, {"user": "bob", "n": "2"}),
        ),
        Example(
            r'| makeresults format=json data="[{\"user\":\"ann\",\"ports\":[80,443]}]" | table user ports{}',
            ({"user": "ann", "ports{}": ["80", "443"]},),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.GENERATING),
    reads=lambda node, wanted: frozenset(),
    columns=_columns,
    generate=_generate,
    made=lambda node, name: (Made(frozenset(), aggregated=False),),
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: Volatility.STABLE,
    known_as=("print",),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/makeresults",
)
