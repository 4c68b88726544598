"""The time that an input covers, for a time range that holds none of its events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

from podhawk.engine.run.source import TimeRange
from podhawk.errors import InputError
from podhawk.events.options import InputReport
from podhawk.wording import counted


class InputSpan(Struct, frozen=True):
    """The times of the first and the last event, in epoch seconds; None if no event has a time."""

    first: float | None
    last: float | None


def covered(times: Iterable[float | None], within: TimeRange) -> InputSpan | None:
    """What the times of all events cover; None as soon as one of them is in the range."""
    first: float | None = None
    last: float | None = None
    for time in times:
        if within.holds(time):
            return None
        if time is not None:
            first = time if first is None or time < first else first
            last = time if last is None or time > last else last
    return InputSpan(first, last)


def outside_range(within: TimeRange, span: InputSpan, report: InputReport) -> InputError:
    """The error for a range that holds no event: what was asked for, and what the input covers."""
    asked = " ".join(
        f"{word} {utc(time)}"
        for word, time in (("from", within.earliest), ("before", within.latest))
        if time is not None
    )
    events = counted(report.events, "event")
    if span.first is None or span.last is None:
        return InputError(
            f"no event in the time range ({asked}): no event of the input has a time ({events})",
            remedy="Leave out --earliest and --latest.",
        )
    return InputError(
        f"no event in the time range ({asked}): the input covers {utc(span.first)} to {utc(span.last)} ({events})",
        remedy="Choose --earliest and --latest within it, or leave them out. Times such as -24h count from --now, "
        "by default the clock.",
    )


def utc(time: float) -> str:
    """Epoch seconds in the form of RFC 3339, in UTC."""
    try:
        moment = datetime.fromtimestamp(round(time * 1e6) / 1e6, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{time:g} (epoch seconds)"
    return moment.replace(tzinfo=None).isoformat() + "Z"
