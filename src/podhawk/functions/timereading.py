"""Splunk's strptime: the formats of strftime, read.

Reading is lenient as C's strptime: leading zeros may be missing, a blank in the format stands for any
run of blanks, names match in any case and may be abbreviated, a fraction of a second after a point may be missing,
and text after the match is ignored. A format needs a day or an hour.
Patterns take blanks possessively, so that no text can stall them.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/time-format-variables-and-modifiers
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from podhawk.functions.timeformats import COMPOUND, DAYS, DIRECTIVE, MONTHS, local

_ZONES = {
    "Z": 0,
    "UTC": 0,
    "GMT": 0,
    "UT": 0,
    "WET": 0,
    "BST": 60,
    "WEST": 60,
    "CET": 60,
    "MET": 60,
    "CEST": 120,
    "EET": 120,
    "MSK": 180,
    "EEST": 180,
    "IST": 330,
    "JST": 540,
    "KST": 540,
    "AEST": 600,
    "AEDT": 660,
    "NST": -210,
    "AST": -240,
    "ADT": -180,
    "EST": -300,
    "EDT": -240,
    "CST": -360,
    "CDT": -300,
    "MST": -420,
    "MDT": -360,
    "PST": -480,
    "PDT": -420,
    "AKST": -540,
    "AKDT": -480,
    "HST": -600,
}
"""Abbreviations of zones, and their minutes east of UTC."""

_OFFSET = r"(?:GMT|UTC)?[+-]\d{1,2}(?::?\d{2}(?::?\d{2})?)?|Z(?![A-Za-z])|UTC|GMT"
_NAMES = "|".join(MONTHS) + "|" + "|".join(month[:3] for month in MONTHS)
_WEEKDAYS = "|".join(DAYS) + "|" + "|".join(day[:3] for day in DAYS)
_TWO = r"\d{1,2}"
_READ = {
    "Y": r"\d{4}",
    "y": _TWO,
    "C": r"\d{2}",
    "G": r"\d{4}",
    "g": r"\d{2}",
    "m": r"1[0-2]|0?\d",
    "d": _TWO,
    "e": _TWO,
    "j": r"\d{1,3}",
    "H": _TWO,
    "k": _TWO,
    "I": _TWO,
    "l": _TWO,
    "M": _TWO,
    "S": _TWO,
    "p": r"[AP]\.?M\.?",
    "P": r"[AP]\.?M\.?",
    "a": _WEEKDAYS,
    "A": _WEEKDAYS,
    "b": _NAMES,
    "B": _NAMES,
    "u": r"\d",
    "w": r"\d",
    "U": _TWO,
    "W": _TWO,
    "V": _TWO,
    "s": r"-?\d{1,18}",
    "f": r"\d{1,9}",
    "N": r"\d{1,9}",
    "Q": r"\d{1,9}",
    "Z": r"[A-Za-z][A-Za-z0-9_/]*(?:[+-]\d{1,2})?|[+-]\d{2}:?\d{2}",
}
"""What each variable matches; case does not count."""


@lru_cache(maxsize=1024)
def _reader(fmt: str) -> tuple[re.Pattern[str], tuple[str, ...]] | None:
    """A pattern with one group per variable, and the variables; None where the format cannot give a day."""
    fmt = DIRECTIVE.sub(lambda found: COMPOUND.get(found[5] or "", found[0]), fmt)
    parts: list[str] = []
    letters: list[str] = []
    at = 0
    while at < len(fmt):
        found = DIRECTIVE.match(fmt, at)
        if not found:
            parts.append(r"\s*+" if fmt[at].isspace() else re.escape(fmt[at]))
            at += 1
            continue
        at = found.end()
        digits, fraction, colons, zone, letter = found.groups()
        if letter in ("n", "t"):
            parts.append(r"\s*+")
        elif letter == "%":
            parts.append("%")
        elif digits:
            _fraction(parts, rf"\d{{1,{max(int(digits), 1)}}}")
            letters.append(fraction)
        elif zone and found[0].startswith("%E"):
            parts.append(r"([+-]?\d{1,4})")
            letters.append("Ez")
        elif colons or zone:
            parts.append(f"({_OFFSET})")
            letters.append("z")
        elif letter in "NQf":
            _fraction(parts, _READ[letter])
            letters.append(letter)
        elif letter in _READ:
            parts.append(rf"\s*+({_READ[letter]})" if letter in "dejHkIlmMSs" else f"({_READ[letter]})")
            letters.append(letter)
        else:
            parts.append(re.escape(found[0]))
    if not {"d", "e", "j", "s", "H", "k", "I", "l"} & set(letters):
        return None
    return re.compile("".join(parts), re.IGNORECASE | re.ASCII), tuple(letters)


def _fraction(parts: list[str], digits: str) -> None:
    """A fraction of a second. With the point before it, a text may leave it out."""
    if parts and parts[-1] == re.escape("."):
        parts[-1] = rf"(?:\.({digits}))?"
    else:
        parts.append(f"({digits})")


def parse_time(text: str, fmt: str, zone: tzinfo, now: float, whole: bool = False) -> float | None:
    """The epoch seconds that a text means, or None if it does not fit the format.

    A missing year is the year of `now`, a missing month its month; a format without any date means the day of `now`.
    A text without a zone is meant on `zone`'s clock. With `whole`, nothing may follow the match.
    """
    reader = _reader(fmt)
    if reader is None:
        return None
    found = reader[0].fullmatch(text) if whole else reader[0].match(text)
    if not found:
        return None
    read = {letter: text for letter, text in zip(reader[1], found.groups(), strict=True) if text is not None}
    try:
        return _moment(read, zone, now)
    except (ValueError, OverflowError, OSError):
        return None


def names_day(fmt: str) -> bool:
    """Whether every text that fits a format names its day, so that nothing is taken from the clock."""
    reader = _reader(fmt)
    if reader is None or "s" in reader[1]:
        return True
    letters = set(reader[1])
    return bool(letters & {"Y", "y"}) and bool(letters & {"j", "m", "b", "B"}) and bool(letters & {"j", "d", "e"})


def _moment(read: dict[str, str], zone: tzinfo, now: float) -> float | None:
    fraction = next((int(read[letter].ljust(9, "0")) / 10**9 for letter in "NQf" if letter in read), 0.0)
    if "s" in read:
        return int(read["s"]) + fraction
    offset: tzinfo | None = zone
    if "Ez" in read:
        offset = timezone(timedelta(minutes=int(read["Ez"])))
    elif {"z", "Z"} & read.keys():
        offset = read_zone(read["z"] if "z" in read else read["Z"])
    if offset is None:
        return None
    day = _day(read, zone, now)
    second = int(read.get("S", 0))
    minute = int(read.get("M", 0))
    if second > 60:
        return None
    start = datetime(day.year, day.month, day.day, _hour(read), minute, tzinfo=offset)
    seconds = start.timestamp() + second
    return round(seconds + fraction, 6) if fraction else seconds


def _hour(read: dict[str, str]) -> int:
    hour = read.get("I", read.get("l"))
    if hour is None:
        return int(read.get("H", read.get("k", 0)))
    if not 1 <= int(hour) <= 12:
        raise ValueError(hour)
    half = read.get("p", read.get("P", "a"))
    return int(hour) % 12 + (12 if half[0] in "Pp" else 0)


def _day(read: dict[str, str], zone: tzinfo, now: float) -> date:
    today = local(now, zone)
    year = today.year
    if "Y" in read:
        year = int(read["Y"])
    elif "y" in read:
        short = int(read["y"])
        century = int(read["C"]) if "C" in read else 20 if short < 69 else 19
        year = century * 100 + short
    if "j" in read:
        day = date(year, 1, 1) + timedelta(days=int(read["j"]) - 1)
        if day.year != year:
            raise ValueError(read["j"])
        return day
    month = int(read["m"]) if "m" in read else today.month
    name = read.get("b", read.get("B"))
    if name is not None:
        month = next(index for index, full in enumerate(MONTHS, 1) if full[:3].lower() == name[:3].lower())
    dated = read.keys() & {"Y", "y", "m", "b", "B"}
    day_of_month = read.get("d", read.get("e"))
    if day_of_month is None and dated:
        raise ValueError("a date without a day")
    return date(year, month, today.day if day_of_month is None else int(day_of_month))


def read_zone(text: str) -> tzinfo | None:
    """The zone that an offset, an abbreviation or a tz database name means; None if it means none."""
    found = re.fullmatch(r"(?:GMT|UTC)?([+-])(\d{1,2})(?::?(\d{2})(?::?(\d{2}))?)?", text, re.IGNORECASE)
    if found:
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0), seconds=int(found[4] or 0))
        return timezone(-offset if found[1] == "-" else offset) if offset < timedelta(days=1) else None
    minutes = _ZONES.get(text.upper())
    if minutes is not None:
        return UTC if minutes == 0 else timezone(timedelta(minutes=minutes))
    return _named(text)


@lru_cache(maxsize=256)
def _named(text: str) -> tzinfo | None:
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        return None
