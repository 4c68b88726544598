"""bin (bucket): put numbers and times into pieces of equal width."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, Whole, plus
from podhawk.commands.properties import Effect, Sources, computed, copy
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.spans import (
    DEFAULT_BINS,
    LogSpan,
    NumberSpan,
    Span,
    TimeSpan,
    as_time,
    automatic_number,
    automatic_time,
    number_range,
    parse_span,
    range_label,
    show_span,
    time_after,
    time_start,
    usable,
)
from podhawk.errors import PodhawkError
from podhawk.functions.declare import Volatility
from podhawk.functions.times import resolve
from podhawk.rows import Row, Table, texts
from podhawk.rows.values import Single, Value, as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

OPTIONS = ("span", "bins", "minspan", "start", "end", "aligntime")
Number = int | float


class Bins(Struct, frozen=True):
    """How a field is cut. Without `span`, the range of the values decides."""

    span: Span | None = None
    bins: int = DEFAULT_BINS
    minspan: Span | None = None
    start: Number | None = None
    end: Number | None = None
    aligntime: str = ""

    @property
    def stated(self) -> bool:
        return self != Bins()


class Bin(Struct, frozen=True):
    name: str
    bins: Bins
    alias: str = ""


def read_bins(cursor: Cursor, options: dict[str, str], name: str) -> Bins:
    """The bin options among the options of a command, checked for the field they cut."""
    spans: dict[str, Span] = {}
    for option in ("span", "minspan"):
        if option in options:
            found = parse_span(options[option])
            if isinstance(found, str):
                cursor.fail(found)
            if name == "_time" and as_time(found) is None:
                cursor.fail("a logarithmic span cannot be used for _time")
            spans[option] = found
    ends: dict[str, Number] = {}
    for option in ("start", "end"):
        if option in options:
            number = as_number(options[option])
            if number is None:
                cursor.fail(f"option {option} must be a number, not {options[option]!r}")
            ends[option] = number
    align = options.get("aligntime", "")
    if align in ("earliest", "latest"):
        cursor.fail(
            f"aligntime={align} needs the time range of the search, which is not available here",
            "Use a fixed time: aligntime=@d+3h, or epoch seconds.",
        )
    if align:
        try:
            resolve(align, 0.0, UTC)
        except PodhawkError as error:
            cursor.fail(str(error))
    bins = cursor.integer(options.get("bins", str(DEFAULT_BINS)), "bins", 2)
    return Bins(spans.get("span"), bins, spans.get("minspan"), ends.get("start"), ends.get("end"), align)


def show_bins(bins: Bins) -> str:
    """Bin options as SPL writes them."""
    parts = [f"{name}={show_span(span)}" for name, span in (("span", bins.span), ("minspan", bins.minspan)) if span]
    if bins.bins != DEFAULT_BINS:
        parts.append(f"bins={bins.bins}")
    parts += [f"{name}={value}" for name, value in (("start", bins.start), ("end", bins.end)) if value is not None]
    if bins.aligntime:
        parts.append(f"aligntime={quote(bins.aligntime)}")
    return " ".join(parts)


Cut = Callable[[Number], tuple[Number, str | Number] | None]
"""A number to its bin: where the bin starts, and what the field then holds. None if it has no bin."""


def cutter(bins: Bins, span: Span, name: str, context: Context) -> Cut:
    """The function that puts one number of a field into its bin."""
    zone = context.env.zone
    time = as_time(span) if name == "_time" or isinstance(span, TimeSpan) else None
    if time is None:
        assert isinstance(span, (NumberSpan, LogSpan))
        numeric = span

        def cut_number(value: Number) -> tuple[Number, str | Number] | None:
            found = number_range(numeric, value)
            return None if found is None else (found[0], range_label(*found))

        return cut_number
    cut, align = time, resolve(bins.aligntime, context.env.now, zone) if bins.aligntime else 0

    def cut_time(value: Number) -> tuple[Number, str | Number] | None:
        try:
            start = time_start(cut, value, zone, align)
            return start, start if name == "_time" else range_label(start, time_after(cut, start, zone))
        except (OverflowError, ValueError, OSError):
            context.warn("time out of range", f"{name}={value} is not in the years 1 to 9999")
            return None

    return cut_time


def chosen_span(bins: Bins, values: Iterable[Number], name: str, context: Context) -> Span | None:
    """The span that fits the range of the values; None if there are none."""
    known = [value for value in values if usable(value)]
    if not known:
        return None
    low, high = min(known), max(known)
    if name == "_time":
        least = as_time(bins.minspan) if bins.minspan is not None else None
        try:
            return automatic_time(low, high, context.env.zone, bins.bins, least)
        except (OverflowError, ValueError, OSError):
            context.warn("time out of range", f"{name} is not in the years 1 to 9999")
            return None
    if bins.start is not None:
        low = min(low, bins.start)
    if bins.end is not None:
        high = max(high, bins.end)
    if isinstance(bins.minspan, TimeSpan):
        return automatic_time(low, high, context.env.zone, bins.bins, bins.minspan)
    least_number = bins.minspan.size if isinstance(bins.minspan, NumberSpan) else 0
    return automatic_number(low, high, bins.bins, least_number)


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
