"""fieldsummary: statistics of every field."""

from __future__ import annotations

import json
from collections import Counter

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Whole, always
from podhawk.commands.properties import Effect, effect, immutable
from podhawk.commands.shared.names import listed, select
from podhawk.functions.aggregations.arithmetic import Extreme, Moments
from podhawk.rows import OrderKey, Row, Table, texts
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor

DEFAULT = 100
COLUMNS = (
    "field",
    "count",
    "distinct_count",
    "is_exact",
    "max",
    "mean",
    "min",
    "numeric_count",
    "stdev",
    "values",
)


class FieldSummary(Struct, frozen=True):
    names: tuple[str, ...] = ()
    maxvals: int = DEFAULT


def _parse(cursor: Cursor) -> FieldSummary:
    options = cursor.options(("maxvals",))
    names = cursor.names()
    options |= cursor.options(("maxvals",))
    cursor.finish()
    return FieldSummary(names, cursor.integer(options.get("maxvals", str(DEFAULT)), "maxvals"))


def _render(node: FieldSummary) -> str:
    parts = [f"maxvals={node.maxvals}"] if node.maxvals != DEFAULT else []
    return " ".join([*parts, listed(node.names)]).strip()


def _summary(name: str, values: list[str], most: int) -> Row:
    counts = Counter(values)
    row = Row()
    row |= {"field": name, "count": len(values), "distinct_count": len(counts), "is_exact": 1}
    numeric = [number for number in map(as_number, values) if number is not None]
    if numeric:
        mean, deviation, low, high = Moments("avg"), Moments("stdev"), Extreme(-1), Extreme(1)
        for state in (mean, deviation, low, high):
            for number in numeric:
                state.add(number, OrderKey())
        for column, state in (("max", high), ("mean", mean), ("min", low)):
            found = state.finish()
            if found is not None:
                row[column] = found
        spread = deviation.finish()
        if spread is not None:
            row["stdev"] = spread
    row["numeric_count"] = len(numeric)
    shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    row["values"] = json.dumps(
        [{"value": value, "count": count} for value, count in shown], ensure_ascii=False, separators=(",", ":")
    )
    return row


def _whole(node: FieldSummary, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        names = [name for name in select(node.names or ("*",), sorted(table.header())) if not name.startswith("_")]
        rows: list[Row] = []
        for name in names:
            values = [text for row in table.rows if name in row for text in texts(row[name])]
            if values:
                rows.append(_summary(name, values, node.maxvals))
        return Table(rows, COLUMNS)

    return whole


def _columns(node: FieldSummary, columns: Columns) -> Columns:
    return COLUMNS


FIELDSUMMARY = Command(
    name="fieldsummary",
    syntax="fieldsummary [maxvals=<n>] [<field>…]",
    doc="Returns one row per field with statistics of its values: count, distinct_count, the number of values "
    "that are numbers (numeric_count) with their min, max, mean and stdev, and `values`, a JSON array of the "
    "most frequent values with their counts, at most maxvals (default: 100). Internal fields are left out. "
    "is_exact is always 1, because podhawk counts exactly.",
    examples=(
        Example(
            "* | fieldsummary n | table field count distinct_count mean values",
            (
                {
                    "field": "n",
                    "count": "3",
                    "distinct_count": "2",
                    "mean": "2",
                    "values": '[{"value":"1","count":2},{"value":"4","count":1}]',
                },
            ),
            ('{"n":1}', '{"n":4}', '{"n":1}'),
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
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/fieldsummary",
)
