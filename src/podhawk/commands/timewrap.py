"""timewrap: the periods of a timechart side by side."""

from __future__ import annotations

from itertools import pairwise

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Whole, always
from podhawk.commands.properties import Effect, SearchRange, effect
from podhawk.functions.declare import Volatility
from podhawk.functions.times import UNITS, format_time, shift
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, Table
from podhawk.rows.values import Value, as_number, as_text
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

_SPAN = lazy_pattern(r"(\d{0,5})\s*([A-Za-z]+)\Z")
_WORDS = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mon": "month",
    "q": "quarter",
    "y": "year",
}
_MOST = 1_000


class TimeWrap(Struct, frozen=True):
    count: int
    unit: str
    align: str = "end"
    series: str = "relative"
    time_format: str = ""
    within: SearchRange = SearchRange()


def _parse(cursor: Cursor) -> TimeWrap:
    known = ("align", "series", "time_format")
    options = cursor.options(known)
    at = cursor.at
    text = cursor.word("a length of time such as 1d")
    options |= cursor.options(known)
    cursor.finish()
    found = _SPAN.match(text)
    # m is a month here, and minutes are min.
    unit = "mon" if found and found[2] == "m" else UNITS.get(found[2].lower(), "") if found else ""
    if not found or not unit or found[1] == "0":
        raise cursor.error(f"expected a length of time such as 1d or 2week, not {text!r}", at, len(text))
    return TimeWrap(
        int(found[1] or 1),
        unit,
        cursor.choice(options.get("align", "end"), "align", ("now", "end")),
        cursor.choice(options.get("series", "relative"), "series", ("relative", "exact", "short")),
        options.get("time_format", ""),
    )


def _render(node: TimeWrap) -> str:
    parts = [f"{node.count}{_WORDS[node.unit]}"]
    parts += [f"align={node.align}"] if node.align != "end" else []
    parts += [f"series={node.series}"] if node.series != "relative" else []
    parts += [f"time_format={quote(node.time_format)}"] if node.time_format else []
    return " ".join(parts)


def _end(node: TimeWrap, times: list[int | float], context: Context) -> float:
    """Where the latest period ends: now, the end of the time range, or that of the last row."""
    if node.align == "now":
        return context.env.now
    step = min((after - before for before, after in pairwise(times) if after > before), default=1)
    last = times[-1] + step
    return last if node.within.latest is None else min(max(node.within.latest, times[-1] + 1), last)


def _name(node: TimeWrap, period: int, start: float, context: Context) -> str:
    if node.series == "short":
        return f"s{period}"
    if node.series == "exact":
        return format_time(start, node.time_format or "%Y-%m-%d", context.env.zone) or f"s{period}"
    unit = _WORDS[node.unit]
    if not period:
        return f"latest_{unit}" if node.count == 1 else f"latest_{node.count}{unit}s"
    length = period * node.count
    return f"{length}{unit}{'s' if length > 1 else ''}_before"


def _whole(node: TimeWrap, context: Context) -> Whole:
    zone = context.env.zone

    def whole(table: Table) -> Table:
        timed = [(time, row) for row in table.rows if (time := as_number(row.get("_time"))) is not None]
        timed.sort(key=lambda pair: pair[0])
        if not timed:
            return Table([], table.columns)
        end = _end(node, [time for time, _ in timed], context)
        starts: list[float] = []
        while (not starts or starts[-1] > timed[0][0]) and len(starts) < _MOST:
            starts.append(shift(end, -node.count * (len(starts) + 1), node.unit, zone))
        fields = [name for name in (table.columns or table.header()) if not name.startswith("_")]
        several = len(fields) > 1
        lines: dict[float, dict[tuple[str, int], Value]] = {}
        for time, row in timed:
            period = next((place for place, start in enumerate(starts) if time >= start), None)
            if period is not None and time < end:
                line = lines.setdefault(starts[0] + (time - starts[period]), {})
                line.update(((name, period), row[name]) for name in fields if name in row)
        used = sorted({key[1] for line in lines.values() for key in line}, reverse=True)
        names = {
            (name, period): f"{name}_{label}" if several or name == "count" else label
            for period in used
            for label in (_name(node, period, starts[period], context),)
            for name in fields
        }
        rows = []
        for moment in sorted(lines):
            row = Row({"_time": int(moment) if moment == int(moment) else float(as_text(moment))})
            row.update((names[key], value) for key, value in lines[moment].items())
            rows.append(row)
        return Table(rows, ("_time", *names.values()))

    return whole


def _columns(node: TimeWrap, columns: Columns) -> Columns:
    return None


TIMEWRAP = Command(
    name="timewrap",
    syntax="timewrap <span> [align=now|end] [series=relative|exact|short] [time_format=<format>]",
    doc="Puts the periods of a timechart side by side: each period becomes a column, and a row holds the values "
    "at the same time of each period. The latest period ends where the time range of the search ends, or now "
    "with align=now. Columns are called latest_day, 1day_before and so on, s0, s1 … with series=short, or by "
    "time_format with series=exact; the name of the field stands before that if there are several fields, or "
    "if it is count.",
    examples=(
        Example(
            "* | timechart span=12h count | timewrap 1d",
            (
                {"_time": "86400", "count_1day_before": "1", "count_latest_day": "0"},
                {"_time": "129600", "count_1day_before": "0", "count_latest_day": "2"},
            ),
            ('{"_time":10}', '{"_time":130000}', '{"_time":130001}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=lambda node, wanted: None,
    columns=_columns,
    whole=_whole,
    ranged=lambda node, within: TimeWrap(node.count, node.unit, node.align, node.series, node.time_format, within),
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: Volatility.STABLE if node.align == "now" else Volatility.IMMUTABLE,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/timewrap",
)
