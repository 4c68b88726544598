"""Splunk's strftime: one letter after `%` at a time, always in English.

Fractions of a second are Splunk's own: `%N` (nine digits unless told), `%Q` (three), `%3N`, `%6Q` and so
on, and `%f` (six). They are taken from the number's decimal spelling, so that 0.123 stays 123 and never
becomes 122.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/time-format-variables-and-modifiers
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from decimal import Decimal

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
COMPOUND = {
    "c": "%a %b %e %H:%M:%S %Y",
    "+": "%a %b %e %H:%M:%S %Z %Y",
    "x": "%m/%d/%Y",
    "X": "%H:%M:%S",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "r": "%I:%M:%S %p",
    "h": "%b",
}
DIRECTIVE = re.compile(r"%(?:(\d)([NQ])|(:{1,3})z|E?(z)|[EO]?([A-Za-z+%]))")


def local(epoch: float, zone: tzinfo) -> datetime:
    """The whole second of a moment on a zone's clock.

    Raises OverflowError, ValueError or OSError outside the calendar.
    """
    return datetime.fromtimestamp(math.floor(epoch), zone)


def format_time(epoch: float, fmt: str, zone: tzinfo) -> str | None:
    """Epoch seconds as text; None for moments that the calendar does not reach (years 1 to 9999)."""
    try:
        moment = local(epoch, zone)
        fraction = Decimal(repr(float(epoch))) - math.floor(epoch)
    except (OverflowError, ValueError, OSError):
        return None
    nanos = f"{int(fraction * 10**9):09d}"

    def shown(found: re.Match[str]) -> str:
        digits, _, colons, plain_zone, letter = found.groups()
        if digits:
            return nanos[: int(digits)].ljust(int(digits), "0")
        if colons:
            return _offset(moment, len(colons))
        if plain_zone:
            return str(_seconds(moment) // 60) if found[0].startswith("%E") else _offset(moment, 0)
        if letter == "N":
            return nanos
        if letter == "Q":
            return nanos[:3]
        if letter == "f":
            return nanos[:6]
        if letter == "s":
            return str(math.floor(epoch))
        if letter in COMPOUND:
            return DIRECTIVE.sub(shown, COMPOUND[letter])
        show = _SHOWN.get(letter)
        return show(moment) if show else found[0]

    return DIRECTIVE.sub(shown, fmt)


def _seconds(moment: datetime) -> int:
    offset = moment.utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _offset(moment: datetime, colons: int) -> str:
    """The offset from UTC: `+hhmm`, or with colons `+hh:mm`, `+hh:mm:ss`, `+hh`."""
    seconds = _seconds(moment)
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    hours, minutes, rest = seconds // 3600, seconds % 3600 // 60, seconds % 60
    return (
        f"{sign}{hours:02d}{minutes:02d}",
        f"{sign}{hours:02d}:{minutes:02d}",
        f"{sign}{hours:02d}:{minutes:02d}:{rest:02d}",
        f"{sign}{hours:02d}",
    )[colons]


def _hour12(moment: datetime) -> int:
    return moment.hour % 12 or 12


def _week(moment: datetime, first: int) -> int:
    """The week of the year, weeks starting on Sunday (first 0) or Monday (1); earlier days are in week 0."""
    weekday = (moment.weekday() + 1 - first) % 7
    return (moment.timetuple().tm_yday + 6 - weekday) // 7


_SHOWN: dict[str, Callable[[datetime], str]] = {
    "Y": lambda moment: f"{moment.year:04d}",
    "y": lambda moment: f"{moment.year % 100:02d}",
    "C": lambda moment: f"{moment.year // 100:02d}",
    "m": lambda moment: f"{moment.month:02d}",
    "d": lambda moment: f"{moment.day:02d}",
    "e": lambda moment: f"{moment.day:2d}",
    "j": lambda moment: f"{moment.timetuple().tm_yday:03d}",
    "H": lambda moment: f"{moment.hour:02d}",
    "k": lambda moment: f"{moment.hour:2d}",
    "I": lambda moment: f"{_hour12(moment):02d}",
    "l": lambda moment: f"{_hour12(moment):2d}",
    "M": lambda moment: f"{moment.minute:02d}",
    "S": lambda moment: f"{moment.second:02d}",
    "p": lambda moment: "AM" if moment.hour < 12 else "PM",
    "P": lambda moment: "am" if moment.hour < 12 else "pm",
    "a": lambda moment: DAYS[moment.weekday()][:3],
    "A": lambda moment: DAYS[moment.weekday()],
    "b": lambda moment: MONTHS[moment.month - 1][:3],
    "B": lambda moment: MONTHS[moment.month - 1],
    "u": lambda moment: str(moment.isoweekday()),
    "w": lambda moment: str(moment.isoweekday() % 7),
    "U": lambda moment: f"{_week(moment, 0):02d}",
    "W": lambda moment: f"{_week(moment, 1):02d}",
    "V": lambda moment: f"{moment.isocalendar()[1]:02d}",
    "G": lambda moment: f"{moment.isocalendar()[0]:04d}",
    "g": lambda moment: f"{moment.isocalendar()[0] % 100:02d}",
    "Z": lambda moment: moment.tzname() or "",
    "n": lambda moment: "\n",
    "t": lambda moment: "\t",
    "%": lambda moment: "%",
}
