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


def format_micro(epoch: float) -> str:
    """An epoch time as the API server writes one: UTC, six digits, `Z`."""
    moment = _EPOCH + timedelta(microseconds=round(epoch * 1_000_000))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z"


def epoch_of(value: object) -> float | None:
    """The time that an envelope's member spells: RFC 3339 text, or epoch seconds, milli-, micro- or
    nanoseconds, told apart by size (an audit log is from this century)."""
    if not isinstance(value, str):
        return None
    parsed = parse_rfc3339(value)
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
