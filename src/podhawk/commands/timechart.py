"""timechart: aggregations per span of time, one column or one per series."""

from __future__ import annotations

import re

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.commands.chart import sorted_out
from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Mergeable, Wanted, always
from podhawk.commands.properties import NO_COLUMN, UNKNOWN, Effect, SearchRange, Sources, computed, effect
from podhawk.commands.shared.bins import OPTIONS as BIN_OPTIONS
from podhawk.commands.shared.bins import Bins, read_bins, show_bins
from podhawk.commands.shared.grid import GRID_STATES, Grid, GridRun
from podhawk.commands.shared.items import (
    Item,
    item_columns,
    item_fields,
    item_made,
    item_patterns,
    item_volatility,
    parse_item,
    render_items,
)
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.series import OPTIONS as SERIES_OPTIONS
from podhawk.commands.shared.series import (
    SeriesOptions,
    read_series,
    show_filter,
    show_series,
    take_filter,
    take_options,
)
from podhawk.commands.where import void
from podhawk.lazy import lazy_pattern
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Expression, parse_expression

_ALL = (*SERIES_OPTIONS, *BIN_OPTIONS, "partial", "fixedrange")
RATES = {"per_second": 1, "per_minute": 60, "per_hour": 3600, "per_day": 86400}
_RATE = lazy_pattern(r"(per_second|per_minute|per_hour|per_day)\s*\(", re.IGNORECASE)
_EVAL = lazy_pattern(r"eval\s*\(", re.IGNORECASE)
_OPERAND = lazy_pattern(r"\s*([^\s()*]+|\"[^\"*]+\"|'[^'*]+')\s*\)")


class TimeChart(Struct, frozen=True):
    """Rates stand among the items under their own names and run as sums."""

    items: tuple[Item, ...]
    by: str = ""
    bins: Bins = field(default_factory=Bins)
    by_bins: Bins = field(default_factory=Bins)
    options: SeriesOptions = field(default_factory=SeriesOptions)
    partial: bool = True
    fixedrange: bool = True
    within: SearchRange = SearchRange()


def _rate(cursor: Cursor) -> Item | None:
    """`per_hour(field) AS name`, if that is next."""
    at = cursor.at
    found = cursor.looking_at(_RATE)
    if not found:
        return None
    cursor.at = found.end()
    cursor.space()
    start = cursor.at
    argument: str | Expression
    if cursor.looking_at(_EVAL):
        cursor.at = cursor.source.text.index("(", cursor.at) + 1
        cursor.space()
        argument = parse_expression(cursor)
        cursor.take(")")
    elif cursor.looking_at(_OPERAND):
        argument = cursor.name()
    else:
        raise cursor.error(f"{found[1]} takes one field, without wildcards", at, len(found[1]))
    inner = cursor.source.text[start : cursor.at].strip()
    if not cursor.take(")"):
        raise cursor.error("this ( is never closed", found.end() - 1)
    label = cursor.name("a name for the result") if cursor.keyword("as") else ""
    return Item(found[1].lower(), argument, label or f"{found[1]}({inner})", bool(label), at, cursor.source)


def _items(cursor: Cursor) -> tuple[Item, ...]:
    items: list[Item] = []
    while not cursor.done and not cursor.at_word(("by",)) and not cursor.next_option():
        item = _rate(cursor) or parse_item(cursor, combine=True, before=items[-1] if items else None)
        if any(item.name == known.name for known in items):
            raise cursor.error(f"two results are named {item.name!r}", item.at)
        items.append(item)
        cursor.commas()
    if not items:
        cursor.fail("expected an aggregation such as count or per_hour(field)")
    return tuple(items)


def _parse(cursor: Cursor) -> TimeChart:
    series: dict[str, str] = {}
    time: dict[str, str] = {}
    column: dict[str, str] = {}
    sorted_out(take_options(cursor, _ALL), series, time)
    items = _items(cursor)
    sorted_out(take_options(cursor, _ALL), series, time)
    by = ""
    at = cursor.at
    if cursor.keyword("by"):
        at = cursor.at
        by = cursor.name("a field for the columns")
        if "*" in by or by == "_time":
            raise cursor.error(f"{by} cannot be the column field", at)
        sorted_out(take_options(cursor, _ALL), series, column)
    chosen = take_filter(cursor)
    sorted_out(take_options(cursor, _ALL), series, column if by else time)
    cursor.finish()
    used = next((item for item in items if item.name == "_time"), None)
    if used is not None:
        raise cursor.error("a result cannot be named _time", used.at)
    by_bins = read_bins(cursor, column, by)
    if by_bins.stated and by_bins.span is None:
        cursor.fail("span= is the only bin option for the column field")
    partial, fixedrange = (cursor.boolean(series.pop(name, "t"), name) for name in ("partial", "fixedrange"))
    return TimeChart(
        items, by, read_bins(cursor, time, "_time"), by_bins, read_series(cursor, series, chosen), partial, fixedrange
    )


def _render(node: TimeChart) -> str:
    parts = [show_bins(node.bins), show_series(node.options)]
    parts += [f"{name}=false" for name, on in (("partial", node.partial), ("fixedrange", node.fixedrange)) if not on]
    parts.append(render_items(node.items))
    if node.by:
        parts += [f"BY {shown(node.by)}", show_bins(node.by_bins)]
    parts.append(show_filter(node.options.filter))
    return " ".join(part for part in parts if part)


def _running(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(replace(item, function="sum") if item.function in RATES else item for item in items)


def _reads(node: TimeChart, wanted: Wanted) -> Wanted:
    read = item_fields(_running(node.items))
    return None if read is None else read | {"_time"} | ({node.by} if node.by else set())


def _columns(node: TimeChart, columns: Columns) -> Columns:
    made = item_columns(node.items)
    return None if node.by or made is None else ("_time", *made)


def _merge(node: TimeChart, context: Context) -> Mergeable:
    rates = {item.name: RATES[item.function] for item in node.items if item.function in RATES}
    return GridRun(
        Grid(
            _running(node.items),
            "_time",
            node.by,
            node.bins,
            node.by_bins,
            node.options,
            rates,
            node.partial,
            node.within if node.fixedrange else SearchRange(),
        ),
        context,
    )


def _made(node: TimeChart, name: str) -> Sources:
    if name == "_time":
        return (computed((name,), strict=True),)
    made = item_made(_running(node.items), name) if not node.by else None
    return (made,) if made is not None else UNKNOWN if _columns(node, None) is None else NO_COLUMN


TIMECHART = Command(
    name="timechart",
    syntax="timechart [span=<span>] [bins=<n>] [minspan=<span>] [aligntime=<time>] [partial=<bool>] [cont=<bool>] "
    "[fixedrange=<bool>] [limit=[top|bottom]<n>] [agg=<function>] [useother=<bool>] [usenull=<bool>] "
    "[otherstr=<text>] [nullstr=<text>] [sep=<text>] [format=<text>] [dedup_splitvals=<bool>] <aggregation>… "
    "[BY <field> [span=<span>]] [where <function> in|notin top|bottom<n> | where <function> <|> <number>]",
    doc="Returns one row per span of time, oldest first. Spans without events have rows with count 0, unless "
    "cont=false. Without span, the smallest span that gives at most 100 rows is used: 1, 5, 10 or 30 seconds,"
    " 1, 5, 10 or 30 minutes, an hour, a day, a month, a year. BY makes series, as in chart. per_second, "
    "per_minute, per_hour and per_day are sums divided by the length of the span. partial=false drops the "
    "first and last span if the time range does not fill them. With fixedrange=true, the default, rows cover "
    "the time range of the search, from its earliest to its latest; where that is open, and with "
    "fixedrange=false, they cover the events.",
    examples=(
        Example(
            "* | timechart span=1h count",
            ({"_time": "0", "count": "1"}, {"_time": "3600", "count": "0"}, {"_time": "7200", "count": "2"}),
            ('{"_time":10}', '{"_time":7200}', '{"_time":7300}'),
        ),
        Example(
            "* | timechart span=10m per_hour(n) as rate",
            ({"_time": "0", "rate": "18"},),
            ('{"_time":10,"n":1}', '{"_time":20,"n":2}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.MERGEABLE),
    reads=_reads,
    columns=_columns,
    merge=_merge,
    ranged=lambda node, within: replace(node, within=within),
    check=lambda node, context: void(_merge(node, context)),
    made=_made,
    effect=effect(Effect.REBUILDS),
    groups=lambda node: ("_time", node.by) if node.by else ("_time",),
    volatility=lambda node: item_volatility(node.items),
    patterns=lambda node: item_patterns(node.items),
    states=GRID_STATES,
    known_as=("render", "histogram", "date_histogram"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/timechart",
)
