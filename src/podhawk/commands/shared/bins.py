"""Bins: numbers and times put into ranges of equal width, for `bin`, `chart` and `timechart`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.shared.spans import (
    DEFAULT_BINS,
    LogSpan,
    Number,
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
from podhawk.functions.times import resolve
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

OPTIONS = ("span", "bins", "minspan", "start", "end", "aligntime")


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


def read_bins(cursor: Cursor, options: dict[str, str], name: str) -> Bins:
    """The bin options among the options of a command, checked for the field they cut."""
    spans: dict[str, Span] = {}
    for option in ("span", "minspan"):
        if option in options:
            found = parse_span(options[option])
            if isinstance(found, str):
                cursor.wrong(option, options[option], found)
            if name == "_time" and as_time(found) is None:
                cursor.wrong(option, options[option], "a logarithmic span cannot be used for _time")
            spans[option] = found
    ends: dict[str, Number] = {}
    for option in ("start", "end"):
        if option in options:
            number = as_number(options[option])
            if number is None:
                cursor.wrong(option, options[option], f"option {option} must be a number, not {options[option]!r}")
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
            cursor.wrong("aligntime", align, str(error))
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
