"""first, last, earliest, latest, rate: what depends on the order or the time of events."""

from __future__ import annotations

import math
from fractions import Fraction

from podhawk.functions.aggregations.arithmetic import rounded
from podhawk.functions.aggregations.declare import Aggregation
from podhawk.rows import OrderKey
from podhawk.rows.values import Single, Value, as_number

_A = "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/statistical-and-charting-functions/"


class Ordered:
    """The value that comes first (or last) in the order of the rows."""

    __slots__ = ("key", "sign", "value")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.key: OrderKey | None = None
        self.value: Single | None = None

    def add(self, value: Single, order: OrderKey) -> None:
        """Later values of one row come after earlier ones."""
        if self.key is None or (order < self.key if self.sign < 0 else order >= self.key):
            self.key, self.value = order, value

    def merge(self, other: Ordered) -> None:
        if other.key is not None and other.value is not None:
            self.add(other.value, other.key)

    def finish(self) -> Value | None:
        return self.value


class Timed:
    """The value of the event with the smallest (or largest) `_time`; events without a time do not count.

    `add` gets the event's `_time` as the first part of its key, and ties go to the earlier (or later)
    row in the search's order, which is newest first.
    """

    __slots__ = ("key", "result", "sign", "value")

    def __init__(self, sign: int, result: str = "value") -> None:
        self.sign = sign
        self.result = result
        self.key: tuple[float, OrderKey] | None = None
        self.value: Single | None = None

    def add_at(self, value: Single, time: float, order: OrderKey) -> None:
        key = (time, order)
        if self.key is None or self._better(key, self.key):
            self.key, self.value = key, value

    def _better(self, new: tuple[float, OrderKey], old: tuple[float, OrderKey]) -> bool:
        if new[0] != old[0]:
            return new[0] < old[0] if self.sign < 0 else new[0] > old[0]
        return new[1] >= old[1] if self.sign < 0 else new[1] < old[1]

    def add(self, value: Single, order: OrderKey) -> None:
        self.add_at(value, 0.0, order)

    def merge(self, other: Timed) -> None:
        if other.key is not None and other.value is not None:
            self.add_at(other.value, other.key[0], other.key[1])

    def finish(self) -> Value | None:
        if self.result == "value" or self.key is None:
            return self.value
        return self.key[0]


class Rate:
    """(latest - earliest value) / (latest - earliest time)."""

    __slots__ = ("early", "late")

    def __init__(self) -> None:
        self.early = Timed(-1)
        self.late = Timed(1)

    def add_at(self, value: Single, time: float, order: OrderKey) -> None:
        if as_number(value) is not None:
            self.early.add_at(value, time, order)
            self.late.add_at(value, time, order)

    def add(self, value: Single, order: OrderKey) -> None:
        self.add_at(value, 0.0, order)

    def merge(self, other: Rate) -> None:
        self.early.merge(other.early)
        self.late.merge(other.late)

    def finish(self) -> Value | None:
        if self.early.key is None or self.late.key is None or self.early.key[0] == self.late.key[0]:
            return None
        low, high = as_number(self.early.value), as_number(self.late.value)
        if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
            return None
        return rounded((Fraction(high) - Fraction(low)) / (Fraction(self.late.key[0]) - Fraction(self.early.key[0])))


ORDERED = (
    Aggregation(
        "first",
        "The value of the first event in the order of the search (in a raw search, the newest event).",
        ("c a b", "first(x)", "c"),
        lambda number: Ordered(-1),
        copies=True,
        source=_A + "event-order-functions",
        known_as=("any", "take_any", "any_value"),
    ),
    Aggregation(
        "last",
        "The value of the last event in the order of the search.",
        ("c a b", "last(x)", "b"),
        lambda number: Ordered(1),
        copies=True,
        source=_A + "event-order-functions",
    ),
    Aggregation(
        "earliest",
        "The value of the event with the smallest _time that has the field.",
        ("c a b", "earliest(x)", "b"),
        lambda number: Timed(-1),
        by_time=True,
        copies=True,
        source=_A + "time-functions",
        known_as=("arg_min", "argmin"),
    ),
    Aggregation(
        "latest",
        "The value of the event with the largest _time that has the field.",
        ("c a b", "latest(x)", "c"),
        lambda number: Timed(1),
        by_time=True,
        copies=True,
        source=_A + "time-functions",
        known_as=("arg_max", "argmax"),
    ),
    Aggregation(
        "earliest_time",
        "The smallest _time among the events that have the field.",
        ("c a b", "earliest_time(x)", "1"),
        lambda number: Timed(-1, "time"),
        by_time=True,
        source=_A + "time-functions",
    ),
    Aggregation(
        "latest_time",
        "The largest _time among the events that have the field.",
        ("c a b", "latest_time(x)", "3"),
        lambda number: Timed(1, "time"),
        by_time=True,
        source=_A + "time-functions",
    ),
    Aggregation(
        "rate",
        "The change per second of a counter between its earliest and latest value.",
        ("7 5 3", "rate(x)", "2"),
        lambda number: Rate(),
        by_time=True,
        source=_A + "time-functions",
    ),
)
