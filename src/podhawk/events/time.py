"""Timestamps of audit events and their carriers, as epoch seconds with microseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHAPE: Final = re.compile(
    r"\s*(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?"
    r"\s*(?:([Zz]|UTC)|([+-])(\d\d):?(\d\d))?\s*\Z",
    re.ASCII,
)
_AMERICAN: Final = (
    r"(?ai)\s*(\d{1,2})/(\d{1,2})/(\d{4}),?[ T]+(\d{1,2}):(\d\d):(\d\d)(\.\d{1,9})?"
    r"(?:\s*([AP])M)?(?:\s*(?:UTC|Z))?\s*\Z"
)
"""How consoles of Microsoft show times: `11/1/2026, 10:00:00.425 AM`."""
_NAMED: Final = r"(?a)\s*([A-Z][a-z]{2}) (\d{1,2}), (\d{4}) @ (\d\d):(\d\d):(\d\d)(\.\d{1,9})?\s*\Z"
"""How Kibana shows them: `Nov 1, 2026 @ 10:00:00.425`."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_rfc3339(text: str) -> float | None:
    """Epoch seconds of an RFC 3339 time, to the microsecond; None where the text is no such time.

    Tolerated: a blank for the `T`, lower case `t` and `z`, a comma before the fraction, more digits than
    six (rounded), an offset without colon, and no zone at all (taken as UTC).
    """
    try:  # the shape that the API server itself writes
        if len(text) == 27 and text[26] == "Z" and text[19] == ".":
            return (datetime.fromisoformat(text) - _EPOCH).total_seconds()
    except ValueError:
        return None
    match = _SHAPE.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, off_hours, off_minutes = match.groups()
    micros = round(int(fraction.ljust(9, "0")[:9]) / 1000) if fraction else 0
    leap = 1 if second == "60" else 0
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0) - leap, tzinfo=UTC)
        moment += timedelta(seconds=leap, microseconds=micros)
        if sign:
            offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
            moment += -offset if sign == "+" else offset
    except (ValueError, OverflowError):
        return None
    return (moment - _EPOCH).total_seconds()


def _as_shown(text: str) -> float | None:
    """Epoch seconds of a time as a console shows it, taken as UTC."""
    american = re.match(_AMERICAN, text)
    named = re.match(_NAMED, text) if american is None else None
    if american is not None:
        month, day, year, hour, minute, second, fraction, half = american.groups()
        hours = int(hour) % 12 + (12 if half.upper() == "P" else 0) if half else int(hour)
    elif named is not None and named[1] in _MONTHS:
        name, day, year, hour, minute, second, fraction = named.groups()
        month, hours = _MONTHS.index(name) + 1, int(hour)
    else:
        return None
    try:
        moment = datetime(int(year), int(month), int(day), hours, int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH).total_seconds() + (round(float(fraction), 6) if fraction else 0.0)


def format_micro(epoch: float) -> str:
    """An epoch time as the API server writes one: UTC, six digits, `Z`."""
    moment = _EPOCH + timedelta(microseconds=round(epoch * 1_000_000))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z"


def epoch_of(value: object) -> float | None:
    """The time that an envelope's member spells: RFC 3339 text, as a console shows it, or epoch seconds, milli-,
    micro- or nanoseconds, told apart by size (an audit log is from this century)."""
    if not isinstance(value, str):
        return None
    parsed = parse_rfc3339(value)
    if parsed is None and ("/" in value or "@" in value):
        parsed = _as_shown(value)
    if parsed is not None:
        return parsed
    try:
        number = float(value)
    except ValueError:
        return None
    if not 0 < number < 1e20:
        return None
    if number >= 1e17 and value.isdigit():
        return round(int(value) / 1000) / 1_000_000
    for limit, scale in ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6)):
        if number < limit:
            return round(number / scale, 6)
    return round(number / 1e9, 6)


def span_text(first: float, last: float) -> str:
    """A time range to the minute, in UTC, the date of its end only where it is another one."""
    try:
        start, end = datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    if start.date() == end.date():
        hours = f"{start:%H:%M}" if start.strftime("%H:%M") == end.strftime("%H:%M") else f"{start:%H:%M}–{end:%H:%M}"
        return f"{start:%Y-%m-%d} {hours} UTC"
    return f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M} UTC"
