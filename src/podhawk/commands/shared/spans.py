"""Spans: how bin, chart and timechart cut a field into pieces.

Three kinds. A *time span* (`5m`, `1d`, `1mon`, `1w@w1`) cuts time: up to hours it counts from the epoch
(or from `aligntime`), days and longer follow the calendar of the zone and start at local midnight; weeks
without a snap are counted from the epoch's own day, a Thursday. A *number span* (`10`, `0.5`) cuts numbers
at its multiples. A *log span* (`log2`, `2log10`) cuts them at a coefficient times powers of a base.

Without a span one is chosen from the range of the values: for time the smallest of a fixed list that gives
no more than so many bins, for numbers the smallest power of ten that does.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/bin
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, tzinfo
from fractions import Fraction

from msgspec import Struct

from podhawk.functions.times import UNITS, snap
from podhawk.lazy import lazy_pattern
from podhawk.rows.values import as_text

Number = int | float


class TimeSpan(Struct, frozen=True):
    """So many units; `snap` is the unit (or weekday) that the counting starts from."""

    count: int
    unit: str  # s m h d w mon q y, us ms cs ds
    snap: str = ""


class NumberSpan(Struct, frozen=True):
    size: Number


class LogSpan(Struct, frozen=True):
    """Bins that start at `coefficient * base ** k`."""

    base: Number = 10
    coefficient: Number = 1


Span = TimeSpan | NumberSpan | LogSpan

_SUBSECONDS = {"us": 1_000_000, "ms": 1000, "cs": 100, "ds": 10}
_LENGTHS = {"s": 1, "m": 60, "h": 3600}
_MONTHS = {"mon": 1, "q": 3, "y": 12}
_NUMBER = lazy_pattern(r"\d+(?:\.\d+)?\Z|\.\d+\Z")
_LOG = lazy_pattern(r"(\d+(?:\.\d+)?|\.\d+)?log(\d+(?:\.\d+)?)?\Z", re.IGNORECASE)
_TIME = lazy_pattern(r"(\d{0,9})([a-z]+)(?:@(w[0-7]|[a-z]+))?\Z", re.IGNORECASE)
AUTOMATIC = tuple(
    TimeSpan(count, unit)
    for count, unit in (
        (1, "s"),
        (5, "s"),
        (10, "s"),
        (30, "s"),
        (1, "m"),
        (5, "m"),
        (10, "m"),
        (30, "m"),
        (1, "h"),
        (1, "d"),
        (1, "mon"),
        (1, "y"),
    )
)
"""The spans that are chosen from where none is given."""
DEFAULT_BINS = 100
_BOUND = 1e300


def usable(number: Number) -> bool:
    """Whether a number can be cut: finite, and far enough inside what a float can hold."""
    return -_BOUND < number < _BOUND


def _plain(text: str) -> Number:
    return int(text) if text.isdigit() else float(text)


def parse_span(text: str) -> Span | str:
    """The span that a text means, or what is wrong with it."""
    if _NUMBER.match(text):
        return NumberSpan(_plain(text)) if float(text) > 0 else "a span must be larger than 0"
    log = _LOG.match(text)
    if log:
        span = LogSpan(_plain(log[2] or "10"), _plain(log[1] or "1"))
        if span.base <= 1 or not 1 <= span.coefficient < span.base:
            return (
                f"{text}: the base of a logarithmic span must be above 1, and its coefficient at least 1 and "
                "below the base"
            )
        return span
    found = _TIME.match(text)
    if not found:
        return f"{text!r} is not a span such as 10, 5m, 1d, 1mon or log10"
    count, name, snapped = int(found[1] or 1), found[2].lower(), (found[3] or "").lower()
    unit = name if name in _SUBSECONDS else UNITS.get(name)
    if unit is None:
        return f"unknown time unit {found[2]!r} in span {text}"
    if count < 1:
        return "a span must be larger than 0"
    if unit in _SUBSECONDS and (count >= _SUBSECONDS[unit] or _SUBSECONDS[unit] % count):
        return f"{text}: a span below a second must divide the second evenly"
    start = snapped if re.fullmatch(r"w[0-7]", snapped) else UNITS.get(snapped, "")
    if snapped and not start:
        return f"unknown time unit {found[3]!r} in span {text}"
    return TimeSpan(count, unit, start)


def show_span(span: Span) -> str:
    """A span as SPL writes it."""
    match span:
        case TimeSpan():
            return f"{span.count}{span.unit}" + (f"@{span.snap}" if span.snap else "")
        case NumberSpan():
            return as_text(span.size)
        case LogSpan():
            return f"{as_text(span.coefficient)}log{as_text(span.base)}"


def as_time(span: Span) -> TimeSpan | Fraction | None:
    """A span over `_time`: a plain number is seconds; None for a log span, which cannot cut time."""
    if isinstance(span, NumberSpan):
        return Fraction(str(span.size))
    return span if isinstance(span, TimeSpan) else None


def _length(span: TimeSpan | Fraction) -> Fraction | None:
    """A span's length in seconds; None where the calendar decides."""
    if isinstance(span, Fraction):
        return span
    if span.unit in _SUBSECONDS:
        return Fraction(span.count, _SUBSECONDS[span.unit])
    seconds = _LENGTHS.get(span.unit)
    return Fraction(span.count * seconds) if seconds else None


def _number(exact: Fraction) -> Number:
    return int(exact) if exact.denominator == 1 else float(exact)


def _exact(moment: Number) -> Fraction:
    """A time by its decimal spelling, so that 0.3 is three tenths and not a hair less."""
    return Fraction(moment) if isinstance(moment, int) else Fraction(repr(moment))


def _midnight(day: datetime, zone: tzinfo) -> Number:
    return _number(_exact(day.replace(tzinfo=zone).timestamp()))


_EPOCH = datetime(1970, 1, 1)


def time_start(span: TimeSpan | Fraction, moment: Number, zone: tzinfo, align: Number = 0) -> Number:
    """The start of the bin that a moment lies in. Raises OverflowError or ValueError outside the calendar."""
    length = _length(span)
    anchor = _exact(align)
    if length is not None:
        if isinstance(span, TimeSpan) and span.snap:
            anchor = _exact(snap(moment, span.snap, zone))
        return _number((_exact(moment) - anchor) // length * length + anchor)
    assert isinstance(span, TimeSpan)
    here = datetime.fromtimestamp(math.floor(moment), zone).replace(tzinfo=None)
    day = datetime(here.year, here.month, here.day)
    if span.unit in _MONTHS:
        size = span.count * _MONTHS[span.unit]
        index = (day.year * 12 + day.month - 1) // size * size
        return _midnight(datetime(max(index // 12, 1), index % 12 + 1, 1), zone)
    size = span.count * (7 if span.unit == "w" else 1)
    first = _EPOCH
    if span.snap.startswith("w"):
        first = _EPOCH + timedelta(days=3 + int(span.snap[1:] or 0) % 7)
    elif span.snap in _MONTHS:
        first = datetime.fromtimestamp(snap(moment, span.snap, zone), zone).replace(tzinfo=None)
    return _midnight(first + timedelta(days=(day - first).days // size * size), zone)


def time_after(span: TimeSpan | Fraction, start: Number, zone: tzinfo) -> Number:
    """The start of the bin after the one that starts at `start`."""
    length = _length(span)
    if length is not None:
        return _number(_exact(start) + length)
    assert isinstance(span, TimeSpan)
    day = datetime.fromtimestamp(math.floor(start), zone).replace(tzinfo=None)
    if span.unit in _MONTHS:
        index = day.year * 12 + day.month - 1 + span.count * _MONTHS[span.unit]
        return _midnight(datetime(index // 12, index % 12 + 1, 1), zone)
    return _midnight(day + timedelta(days=span.count * (7 if span.unit == "w" else 1)), zone)


def automatic_time(
    low: Number, high: Number, zone: tzinfo, bins: int = DEFAULT_BINS, at_least: TimeSpan | Fraction | None = None
) -> TimeSpan:
    """The smallest span of the list that cuts a range into no more than so many bins."""
    least = _rough(at_least) if at_least is not None else 0.0
    for span in AUTOMATIC:
        size = _rough(span)
        if size < least:
            continue
        first = time_start(span, low, zone)
        if (high - first) / size < bins:
            return span
    return AUTOMATIC[-1]


def _rough(span: TimeSpan | Fraction) -> float:
    """A span's length in seconds, calendar units at their shortest."""
    length = _length(span)
    if length is not None:
        return float(length)
    assert isinstance(span, TimeSpan)
    return span.count * 86400.0 * {"d": 1, "w": 7, "mon": 28, "q": 90, "y": 365}[span.unit]


def seconds_of(span: TimeSpan | Fraction, start: Number, zone: tzinfo) -> Number:
    """How long the bin at `start` lasts, in seconds."""
    return _number(_exact(time_after(span, start, zone)) - _exact(start))


def automatic_number(low: Number, high: Number, bins: int = DEFAULT_BINS, at_least: Number = 0) -> NumberSpan:
    """The smallest power of ten that cuts a range into no more than so many bins."""
    width = Fraction(as_text(high)) - Fraction(as_text(low))
    wanted = max(width / bins, Fraction(as_text(at_least)))
    smallest = Fraction(1, 10**300)
    power = math.ceil(math.log10(max(wanted, smallest))) if wanted > 0 else 0
    size = Fraction(10) ** power
    while size / 10 >= max(wanted, smallest) and width > 0:
        size /= 10
    while size < wanted or Fraction(as_text(high)) // size - Fraction(as_text(low)) // size + 1 > bins:
        size *= 10
    return NumberSpan(_number(size))


def number_range(span: NumberSpan | LogSpan, value: Number) -> tuple[Number, Number] | None:
    """The bin `low <= value < high` of a number; None where a log span has none (zero and below)."""
    if not usable(value):
        return None
    try:
        return _range(span, Fraction(as_text(value)))
    except (OverflowError, ValueError):  # at the very edge of what a float can hold
        return None


def _range(span: NumberSpan | LogSpan, exact: Fraction) -> tuple[Number, Number] | None:
    if isinstance(span, NumberSpan):
        size = Fraction(as_text(span.size))
        low = exact // size * size
        return _number(low), _number(low + size)
    if exact <= 0:
        return None
    base, first = Fraction(as_text(span.base)), Fraction(as_text(span.coefficient))
    power = math.floor(math.log(exact / first, base))
    while first * base ** (power + 1) <= exact:
        power += 1
    while first * base**power > exact:
        power -= 1
    return _number(first * base**power), _number(first * base ** (power + 1))


def range_label(low: Number, high: Number) -> str:
    """A bin of numbers as Splunk shows it: `0-10` holds 0 and not 10."""
    return f"{as_text(low)}-{as_text(high)}"
