"""bin (bucket): put numbers and times into pieces of equal width."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, Whole, plus
from podhawk.commands.properties import Effect, Sources, computed, copy
from podhawk.commands.shared.bins import OPTIONS, Bins, Cut, chosen_span, cutter, read_bins, show_bins
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.spans import (
    usable,
)
from podhawk.functions.declare import Volatility
from podhawk.rows import Row, Table, texts
from podhawk.rows.values import Single, Value, as_number
from podhawk.spl.cursor import Cursor


class Bin(Struct, frozen=True):
    name: str
    bins: Bins
    alias: str = ""


def _parse(cursor: Cursor) -> Bin:
    options = cursor.options(OPTIONS)
    name = cursor.name("a field to put into bins")
    options |= cursor.options(OPTIONS)
    alias = cursor.name("a new field name") if cursor.keyword("as") else ""
    options |= cursor.options(OPTIONS)
    cursor.finish()
    if "*" in name or "*" in alias:
        cursor.fail("bin takes one field, without wildcards")
    return Bin(name, read_bins(cursor, options, name), alias)


def _render(node: Bin) -> str:
    alias = f" AS {shown(node.alias)}" if node.alias else ""
    return f"{show_bins(node.bins)} {shown(node.name)}{alias}".strip()


def _reads(node: Bin, wanted: Wanted) -> Wanted:
    if wanted is None:
        return None
    return wanted - {node.alias or node.name} | {node.name}


def _columns(node: Bin, columns: Columns) -> Columns:
    return plus(columns, node.alias or node.name)


def _setter(node: Bin, cut: Cut) -> Callable[[Row], None]:
    """Binning of one row: what is no number stays as it is."""
    target = node.alias or node.name

    def one(value: Single) -> Single:
        number = as_number(value)
        found = cut(number) if number is not None and usable(number) else None
        return value if found is None else found[1]

    def set_bin(row: Row) -> None:
        value: Value | None = row.get(node.name)
        if value is None:
            row.pop(target, None)
        elif isinstance(value, tuple):
            row[target] = tuple(text for part in value for text in texts(one(part)))
        else:
            row[target] = one(value)

    return set_bin


def _stream(node: Bin, context: Context) -> Stream:
    assert node.bins.span is not None
    set_bin = _setter(node, cutter(node.bins, node.bins.span, node.name, context))

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            set_bin(row)
            yield row

    return stream


def _whole(node: Bin, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        numbers = (as_number(part) for row in table.rows if node.name in row for part in texts(row[node.name]))
        span = chosen_span(node.bins, (one for one in numbers if one is not None), node.name, context)
        cut: Cut = cutter(node.bins, span, node.name, context) if span is not None else lambda value: None
        set_bin = _setter(node, cut)
        for row in table.rows:
            set_bin(row)
        return Table(table.rows, _columns(node, table.columns))

    return whole


def _made(node: Bin, name: str) -> Sources:
    if name != (node.alias or node.name):
        return (copy(name),)
    return (computed((node.name,), aggregated=node.bins.span is None, strict=True),)


BIN = Command(
    name="bin",
    syntax="bin [span=<span>] [bins=<n>] [minspan=<span>] [start=<number>] [end=<number>] [aligntime=<time>] "
    "<field> [AS <field>]",
    doc="Puts the numbers of a field into bins. A value of `_time` becomes the start of its span "
    "(5m, 1h, 1d, 1mon; spans of days and longer start at local midnight). A value of another "
    "field becomes a label such as 10-20; the upper bound is exclusive. A span is a length of "
    "time, a number, or logarithmic (2log10). Without span, the range of the values determines "
    "the bins, at most 100; start and end can only widen that range. Values that are not numbers "
    "stay unchanged.",
    examples=(
        Example("* | bin _time span=1h | table _time", ({"_time": "7200"},), ('{"_time":10000}',)),
        Example(
            "* | bin span=10 n AS range | table n range",
            ({"n": "7", "range": "0-10"}, {"n": "10", "range": "10-20"}),
            ('{"n":7}', '{"n":10}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=lambda node: Kind.PER_EVENT if node.bins.span is not None else Kind.WHOLE,
    reads=_reads,
    columns=_columns,
    stream=_stream,
    whole=_whole,
    made=_made,
    effect=lambda node: Effect.KEEPS if node.bins.span is not None else Effect.REBUILDS,
    volatility=lambda node: Volatility.STABLE if node.bins.aligntime else Volatility.IMMUTABLE,
    aliases=("bucket",),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/bin",
)
