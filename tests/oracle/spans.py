"""Bins of numbers and times, once more."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from oracle.calendars import bound, clock, epoch, moved, snapped
from oracle.values import number, text

SECONDS = {"s": 1, "m": 60, "h": 3600, "us": Fraction(1, 10**6), "ms": Fraction(1, 1000)}
SECONDS |= {"cs": Fraction(1, 100), "ds": Fraction(1, 10)}
AUTOMATIC = ["1s", "5s", "10s", "30s", "1m", "5m", "10m", "30m", "1h", "1d", "1mon", "1y"]
ROUGHLY = {"d": 86400, "w": 604800, "mon": 28 * 86400, "q": 90 * 86400, "y": 365 * 86400}


class Span:
    """A way to cut numbers: `kind` is time, number or log. A number cuts time in seconds."""

    def __init__(self, kind: str, count: Any, unit: str = "", snap: str = "", align: float = 0) -> None:
        self.kind, self.count, self.unit, self.snap, self.align = kind, count, unit, snap, align

    def ends(self, value: Any) -> tuple[Any, Any] | None:
        """The bin that a number lies in: from, and up to but not including."""
        exact = Fraction(text(value))
        if self.kind == "log":
            base, first = self.count
            if exact <= 0:
                return None
            power = next(p for p in range(1100, -1100, -1) if Fraction(first) * Fraction(base) ** p <= exact)
            return plain(Fraction(first) * Fraction(base) ** power), plain(
                Fraction(first) * Fraction(base) ** (power + 1)
            )
        if self.kind == "number":
            size, anchor = Fraction(text(self.count)), Fraction(0)
        elif self.unit in SECONDS:
            size = self.count * Fraction(SECONDS[self.unit])
            anchor = Fraction(text(snapped(value, self.snap))) if self.snap else Fraction(text(self.align))
        else:
            return self.calendar(value)
        low = (exact - anchor) // size * size + anchor
        return plain(low), plain(low + size)

    def calendar(self, value: Any) -> tuple[Any, Any]:
        """Days and longer, which begin at midnight; weeks without a day begin on that of the epoch."""
        if self.unit in ("mon", "q", "y"):
            months = self.count * {"mon": 1, "q": 3, "y": 12}[self.unit]
            here = clock(value)
            index = (here.year * 12 + here.month - 1) // months * months
            start = epoch(here.replace(year=index // 12, month=index % 12 + 1, day=1, hour=0, minute=0, second=0))
            return start, int(moved(start, months, "mon"))
        days = self.count * (7 if self.unit == "w" else 1)
        first = 0
        if self.snap.startswith("w"):
            first = 3 + int(self.snap[1:] or 0) % 7  # 1970-01-04 was a Sunday
        elif self.snap in ("mon", "q", "y"):
            first = int(snapped(value, self.snap)) // 86400
        day = (math.floor(value) // 86400 - first) // days * days + first
        return day * 86400, (day + days) * 86400

    def length(self) -> float:
        return float(self.count * SECONDS[self.unit]) if self.unit in SECONDS else self.count * ROUGHLY[self.unit]


def plain(exact: Fraction) -> Any:
    return int(exact) if exact.denominator == 1 else float(exact)


def span_of(node: Any, align: str = "", now: float = 0) -> Span | None:
    """The span that a command was given."""
    if node is None:
        return None
    if hasattr(node, "size"):
        return Span("number", node.size)
    if hasattr(node, "base"):
        return Span("log", (node.base, node.coefficient))
    return Span("time", node.count, node.unit, node.snap, bound(align, now) if align else 0)


def chosen(node: Any, name: str, values: Iterable[Any], now: float) -> Span | None:
    """The span of a command's bin options for a field: the one given, or one that the values decide."""
    if node.span is not None:
        span = span_of(node.span, node.aligntime, now)
        if name == "_time" and span is not None and span.kind == "number" and node.aligntime:
            return Aligned(span.count, bound(node.aligntime, now))
        return span
    known = [value for value in values if abs(value) < 1e300]
    if not known:
        return None
    low, high = min(known), max(known)
    least = node.minspan
    if name == "_time" or (least is not None and hasattr(least, "unit")):
        rough = 0.0 if least is None else float(least.size) if hasattr(least, "size") else span_of(least).length()
        for words in AUTOMATIC:
            found = re.fullmatch(r"(\d+)(\w+)", words)
            assert found is not None
            span = Span("time", int(found[1]), found[2])
            ends = span.ends(low)
            assert ends is not None
            if span.length() >= rough and (high - ends[0]) / span.length() < node.bins:
                return span
        return Span("time", 1, "y")
    low = low if node.start is None else min(low, node.start)
    high = high if node.end is None else max(high, node.end)
    first, last = Fraction(text(low)), Fraction(text(high))
    wanted = max((last - first) / node.bins, Fraction(text(least.size)) if least is not None else Fraction(0))
    # The smallest power of ten that is large enough, and gives no more bins than that.
    powers = (Fraction(10) ** power for power in range(-300 if last > first else 0, 310))
    size = next(p for p in powers if p >= wanted and last // p - first // p + 1 <= node.bins)
    return Span("number", plain(size))


class Aligned(Span):
    """Seconds that are counted from a moment."""

    def __init__(self, size: Any, align: float) -> None:
        super().__init__("number", size, align=align)

    def ends(self, value: Any) -> tuple[Any, Any] | None:
        size, anchor = Fraction(text(self.count)), Fraction(text(self.align))
        low = (Fraction(text(value)) - anchor) // size * size + anchor
        return plain(low), plain(low + size)


def shown(span: Span | None, name: str, given: Any) -> Any:
    """What a field holds once a value of it has been put into its bin: what is no number stays."""
    amount = number(given)
    if span is None or amount is None or abs(amount) >= 1e300:
        return given
    ends = span.ends(amount)
    return given if ends is None else ends[0] if name == "_time" else f"{text(ends[0])}-{text(ends[1])}"
