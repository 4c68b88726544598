"""makecontinuous: rows for the bins that no row lies in."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always, needs, same_columns
from podhawk.commands.properties import Effect, effect
from podhawk.commands.shared.bins import OPTIONS, Bins, chosen_span, cutter, read_bins, show_bins
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.spans import Number, Span, as_time, number_range, time_after, usable
from podhawk.functions.declare import Volatility
from podhawk.rows import Row, Table
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor

FILL_LIMIT = 50_000


class MakeContinuous(Struct, frozen=True):
    name: str = "_time"
    bins: Bins = field(default_factory=Bins)


def _parse(cursor: Cursor) -> MakeContinuous:
    options = cursor.options(OPTIONS)
    name = "_time"
    if not cursor.done:
        name = cursor.name("the field to make continuous")
        options |= cursor.options(OPTIONS)
    cursor.finish()
    return MakeContinuous(name, read_bins(cursor, options, name))


def _render(node: MakeContinuous) -> str:
    return " ".join(part for part in (shown(node.name) if node.name != "_time" else "", show_bins(node.bins)) if part)


def _whole(node: MakeContinuous, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        known = [(row, number) for row in table.rows if (number := _number(node, row)) is not None]
        ends = [end for end in (node.bins.start, node.bins.end) if end is not None]
        span = node.bins.span or chosen_span(node.bins, [number for _, number in known], node.name, context)
        if span is None:
            return table
        cut = cutter(node.bins, span, node.name, context)
        lines: dict[Number, list[Row]] = {}
        for row, number in known:
            place = cut(number)
            if place is not None:
                row[node.name] = place[1]
                lines.setdefault(place[0], []).append(row)
        for end in ends:
            place = cut(end)
            if place is not None:
                lines.setdefault(place[0], [])
        rows: list[Row] = []
        for start in _starts(node, sorted(lines), span, context):
            place = cut(start)
            if place is not None:
                rows += lines.get(start) or [Row({node.name: place[1]})]
        return Table(rows, table.columns)

    return whole


def _number(node: MakeContinuous, row: Row) -> Number | None:
    """The number of a row; None for rows without one and for those outside start and end."""
    number = as_number(row.get(node.name))
    if number is None or not usable(number):
        return None
    low, high = node.bins.start, node.bins.end
    return None if (low is not None and number < low) or (high is not None and number > high) else number


def _starts(node: MakeContinuous, used: list[Number], span: Span, context: Context) -> Iterator[Number]:
    """The starts of all bins from the first to the last."""
    here = used[0] if used else None
    count = 0
    while here is not None and here <= used[-1]:
        count += 1
        if count > FILL_LIMIT:
            context.warn("too many empty bins", f"makecontinuous stops after {FILL_LIMIT} rows")
            return
        yield here
        here = _next(node, here, span, context)


def _next(node: MakeContinuous, start: Number, span: Span, context: Context) -> Number | None:
    time = as_time(span) if node.name == "_time" else None
    if time is None:
        bounds = number_range(span, start)  # type: ignore[arg-type]
        return bounds[1] if bounds is not None and bounds[1] > start else None
    try:
        return time_after(time, start, context.env.zone)
    except (OverflowError, ValueError, OSError):
        return None


def _reads(node: MakeContinuous, wanted: Wanted) -> Wanted:
    return needs(wanted, node.name)


MAKECONTINUOUS = Command(
    name="makecontinuous",
    syntax="makecontinuous [<field>] [span=<span>] [bins=<n>] [start=<number>] [end=<number>] [aligntime=<time>]",
    doc="Puts the numbers of a field (default: `_time`) into bins, as bin does, sorts the rows by them, and adds "
    "a row for each bin in between that has none; such a row has only this field. start and end drop rows "
    "outside and add rows up to them. Rows without a number are dropped.",
    examples=(
        Example(
            "* | table _time n | makecontinuous span=1h",
            ({"_time": "0", "n": "1"}, {"_time": "3600", "n": None}, {"_time": "7200", "n": "2"}),
            ('{"_time":10,"n":1}', '{"_time":7200,"n":2}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=same_columns,
    whole=_whole,
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: Volatility.STABLE if node.bins.aligntime else Volatility.IMMUTABLE,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/makecontinuous",
)
