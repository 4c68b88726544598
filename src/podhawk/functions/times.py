"""The language of time modifiers: `-70m@m`, `@d`, `-1mon@mon-2h`, `now`, epoch seconds, dates.

A modifier is steps that apply from left to right: an offset (`-2h`) or a snap (`@h`), which goes back to
the start of the unit. Seconds, minutes and hours are lengths; days, weeks, months, quarters and years
move the calendar of the zone, so that `-1d` keeps the time of day over a change of clocks and `-24h`
does not. A day that the target month lacks becomes its last day.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/
time-format-variables-and-modifiers/time-modifiers
"""

from __future__ import annotations

import calendar
import math
import re
from datetime import datetime, timedelta, tzinfo

from podhawk.errors import SearchError
from podhawk.functions.finite import finite
from podhawk.functions.timeformats import format_time, local
from podhawk.functions.timereading import parse_time
from podhawk.lazy import lazy_pattern
from podhawk.rows.values import as_number

__all__ = [
    "UNITS",
    "apply_modifier",
    "format_time",
    "parse_modifier",
    "parse_time",
    "resolve",
    "shift",
    "snap",
]

UNITS: dict[str, str] = {
    spelling: unit
    for unit, spellings in {
        "s": "s sec secs second seconds",
        "m": "m min mins minute minutes",
        "h": "h hr hrs hour hours",
        "d": "d day days",
        "w": "w week weeks",
        "mon": "mon month months",
        "q": "q qtr qtrs quarter quarters",
        "y": "y yr yrs year years",
    }.items()
    for spelling in spellings.split()
}
"""Every spelling of a unit, and the unit: s m h d w mon q y."""

_LENGTHS = {"s": 1, "m": 60, "h": 3600}
_STEP = lazy_pattern(r"([+-])(\d*)([A-Za-z]+)|@(w[0-7]|[A-Za-z]+)", re.ASCII)
_ABSOLUTE = (
    "%m/%d/%Y:%H:%M:%S",
    "%m/%d/%Y",
    "%Y-%m-%dT%H:%M:%S.%N%z",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%N",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%N",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M%z",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)
_REMEDY = (
    "Use an offset such as -24h, a snap such as @d, both (-1d@d), now, epoch seconds, "
    "mm/dd/yyyy:hh:mm:ss, or a date such as 2024-05-01T10:00:00Z."
)
TimeStep = tuple[int, str]
"""An offset (how many, unit), or a snap (0, "@unit")."""


def resolve(text: str, now: float, zone: tzinfo) -> float:
    """The moment, in epoch seconds, that a time modifier means.

    Raises SearchError, without a place, for what is no modifier and for moments outside the years 1 to 9999.
    """
    wanted = text.strip()
    if wanted.lower() in ("now", "now()"):
        return now
    number = as_number(wanted) if wanted[:1].isdigit() else None
    if number is not None:
        seconds = finite(number)
        if seconds is None:
            raise SearchError(f"{text[:40]!r} seconds are too many", remedy=_REMEDY)
        return float(seconds)
    if wanted[:1].isdigit():
        for fmt in _ABSOLUTE:
            moment = parse_time(wanted, fmt, zone, now, whole=True)
            if moment is not None:
                return moment
        raise SearchError(f"{text!r} is not a date or time", remedy=_REMEDY)
    return apply_modifier(parse_modifier(text), now, zone)


def parse_modifier(text: str) -> tuple[TimeStep, ...]:
    """The steps of a relative modifier. Raises SearchError for anything else."""
    wanted = text.strip()
    if re.match(r"[+-]?rt\b|rt[+-]", wanted, re.IGNORECASE):
        raise SearchError(f"real-time searches are not supported: {text!r}", remedy=_REMEDY)
    at = 3 if wanted.lower().startswith("now") else 0
    steps: list[TimeStep] = []
    while at < len(wanted):
        found = _STEP.match(wanted, at)
        if not found:
            break
        sign, count, unit, snapped = found.groups()
        if snapped:
            name = snapped.lower()
            known = name if re.fullmatch(r"w[0-7]", name) else UNITS.get(name)
            steps.append((0, f"@{known}"))
        else:
            known = UNITS.get(unit.lower())
            steps.append((int(f"{sign}{count[:18] or 1}"), str(known)))
        if known is None:
            raise SearchError(
                f"unknown time unit {snapped or unit!r} in {text!r}",
                remedy="Known units: s, m, h, d, w (w0 to w7 after @), mon, q and y.",
            )
        at = found.end()
    if at < len(wanted) or not steps:
        raise SearchError(f"{text!r} is not a time modifier", remedy=_REMEDY)
    return tuple(steps)


def apply_modifier(steps: tuple[TimeStep, ...], moment: float, zone: tzinfo) -> float:
    """The moment after the steps. Raises SearchError where they leave the calendar."""
    try:
        for count, unit in steps:
            moment = snap(moment, unit[1:], zone) if unit.startswith("@") else shift(moment, count, unit, zone)
            if not math.isfinite(moment):
                raise OverflowError
            local(moment, zone)
    except (OverflowError, ValueError, OSError):
        raise SearchError("this time modifier leads outside the years 1 to 9999", remedy=_REMEDY) from None
    return moment


def shift(moment: float, count: int, unit: str, zone: tzinfo) -> float:
    """A moment moved by so many units. Raises OverflowError or ValueError outside the calendar."""
    if count == 0:
        return moment
    if unit in _LENGTHS:
        return moment + count * _LENGTHS[unit]
    start = local(moment, zone)
    rest = moment - math.floor(moment)
    if unit in ("d", "w"):
        moved = start.replace(tzinfo=None) + timedelta(days=count * (7 if unit == "w" else 1))
    else:
        moved = _months(start.replace(tzinfo=None), count * {"mon": 1, "q": 3, "y": 12}[unit])
    return moved.replace(tzinfo=zone, fold=0).timestamp() + rest


def _months(start: datetime, count: int) -> datetime:
    index = start.year * 12 + start.month - 1 + count
    year, month = divmod(index, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)


def snap(moment: float, unit: str, zone: tzinfo) -> float:
    """The start of the unit that a moment lies in: s m h d w w0 … w7 mon q y.

    Weeks start on Sunday (`w`, `w0`, `w7`) or on the day of the number (`w1` is Monday).
    """
    if unit == "s":
        return float(math.floor(moment))
    here = local(moment, zone)
    whole = math.floor(moment)
    if unit == "m":
        return float(whole - here.second)
    if unit == "h":
        return float(whole - here.second - here.minute * 60)
    day = datetime(here.year, here.month, here.day)
    if unit.startswith("w"):
        first = int(unit[1:] or 0) % 7
        day -= timedelta(days=(here.isoweekday() - first) % 7)
    elif unit == "mon":
        day = day.replace(day=1)
    elif unit == "q":
        day = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    elif unit == "y":
        day = day.replace(month=1, day=1)
    elif unit != "d":
        raise ValueError(f"unknown time unit {unit!r}")
    return day.replace(tzinfo=zone).timestamp()
