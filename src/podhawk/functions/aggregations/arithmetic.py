"""sum, avg, deviations, percentiles, min and max. Values that are no numbers are left out of sums."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

from msgspec.structs import replace

from podhawk.functions.aggregations.declare import Aggregation
from podhawk.rows import OrderKey
from podhawk.rows.values import Single, Value, as_number, as_text

_A = "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/statistical-and-charting-functions/"


def rounded(exact: Fraction | int) -> int | float:
    """The nearest number: whole where it is whole, infinite beyond the largest float."""
    if exact.denominator == 1 and -(2**63) < exact < 2**63:
        return int(exact)
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


class Moments:
    """Count, sum and sum of squares, exact; `result` names what to make of them."""

    __slots__ = ("n", "result", "special", "squares", "total")

    def __init__(self, result: str) -> None:
        self.result = result
        self.n = 0
        self.total: int | Fraction = 0
        self.squares: int | Fraction = 0
        self.special: float | None = None

    def add(self, value: Single, order: OrderKey) -> None:
        number = as_number(value)
        if number is None:
            return
        if isinstance(number, float) and not math.isfinite(number):
            self.special = number if self.special is None else self.special + number
            return
        exact = number if isinstance(number, int) else Fraction(number)
        self.n += 1
        self.total += exact
        if self.result not in ("sum", "avg"):
            self.squares += exact * exact

    def merge(self, other: Moments) -> None:
        self.n += other.n
        self.total += other.total
        self.squares += other.squares
        if other.special is not None:
            self.special = other.special if self.special is None else self.special + other.special

    def finish(self) -> Value | None:
        if self.special is not None:
            return self.special
        if self.n == 0:
            return None
        if self.result == "sum":
            return rounded(self.total)
        if self.result == "sumsq":
            return rounded(self.squares)
        mean = Fraction(self.total) / self.n
        if self.result == "avg":
            return rounded(mean)
        spread = Fraction(self.squares) - mean * mean * self.n
        if self.result in ("var", "stdev"):
            variance = spread / (self.n - 1) if self.n > 1 else Fraction(0)
        else:
            variance = spread / self.n
        return rounded(variance) if self.result.startswith("var") else math.sqrt(rounded(variance))


MOST_EXACT = 1_000
"""Distinct values up to which an upper percentile is the percentile itself."""


class DoubleMean:
    """The mean as a sum of doubles gives it, one after the other: 100 times 3.99 have the mean 3.9900000000000055.

    Equal values are added together, smallest first, so that the result does not depend on the order of events.
    """

    __slots__ = ("counts", "special")

    def __init__(self) -> None:
        self.counts: Counter[int | float] = Counter()
        self.special: float | None = None

    def add(self, value: Single, order: OrderKey) -> None:
        number = as_number(value)
        if number is None:
            return
        if isinstance(number, float) and not math.isfinite(number):
            self.special = number if self.special is None else self.special + number
        else:
            self.counts[number] += 1

    def merge(self, other: DoubleMean) -> None:
        self.counts.update(other.counts)
        if other.special is not None:
            self.special = other.special if self.special is None else self.special + other.special

    def finish(self) -> Value | None:
        if self.special is not None:
            return self.special
        size = self.counts.total()
        if not size:
            return None
        whole = [number * times for number, times in self.counts.items() if isinstance(number, int)]
        if len(whole) == len(self.counts):
            return rounded(Fraction(sum(whole), size))
        total = 0.0
        for number in sorted(self.counts):
            for _ in range(self.counts[number]):
                total += number
        mean = total / size
        return int(mean) if mean.is_integer() and abs(mean) < 2**53 else mean


class Numbers:
    """All numbers with their counts, for percentiles and medians."""

    __slots__ = ("counts", "percent", "style")

    def __init__(self, percent: float, style: str) -> None:
        self.percent = percent
        self.style = style
        self.counts: Counter[int | float] = Counter()

    def add(self, value: Single, order: OrderKey) -> None:
        number = as_number(value)
        if number is not None and math.isfinite(number):
            self.counts[number] += 1

    def merge(self, other: Numbers) -> None:
        self.counts.update(other.counts)

    def _at(self, index: int) -> int | float:
        for number in sorted(self.counts):
            index -= self.counts[number]
            if index < 0:
                return number
        raise IndexError(index)

    def finish(self) -> Value | None:
        total = sum(self.counts.values())
        if not total:
            return None
        if self.style == "median":
            return rounded(Fraction(self._at(total // 2)))
        if self.style == "occurring" or (self.style == "upper" and len(self.counts) > MOST_EXACT):
            return rounded(Fraction(self._at(min(max(math.ceil(self.percent / 100 * total), 1), total) - 1)))
        # The percentile as it is spelled: 66.6 is 666 tenths, not the nearest double.
        position = Fraction(repr(self.percent)) / 100 * (total - 1)
        low = math.floor(position)
        first = self._at(low)
        share = position - low
        if share == 0 or low + 1 >= total:
            return rounded(Fraction(first))
        return rounded(Fraction(first) + (Fraction(self._at(low + 1)) - Fraction(first)) * share)


class Extreme:
    """min or max: numbers by size, and before strings; strings lexicographically."""

    __slots__ = ("best", "key", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.key: tuple[int, int | float, str] | None = None
        self.best: Single | None = None

    def add(self, value: Single, order: OrderKey) -> None:
        number = as_number(value)
        text = as_text(value)
        key = (1, 0, text) if number is None else (0, number, text)
        if self.key is None or (key < self.key if self.sign < 0 else key > self.key):
            self.key, self.best = key, value

    def merge(self, other: Extreme) -> None:
        if other.best is not None:
            self.add(other.best, OrderKey())

    def finish(self) -> Value | None:
        return self.best


class Range:
    __slots__ = ("high", "low")

    def __init__(self) -> None:
        self.low: int | float | None = None
        self.high: int | float | None = None

    def add(self, value: Single, order: OrderKey) -> None:
        number = as_number(value)
        if number is not None and math.isfinite(number):
            self.low = number if self.low is None else min(self.low, number)
            self.high = number if self.high is None else max(self.high, number)

    def merge(self, other: Range) -> None:
        for number in (other.low, other.high):
            if number is not None:
                self.add(number, OrderKey())

    def finish(self) -> Value | None:
        if self.low is None or self.high is None:
            return None
        return rounded(Fraction(self.high) - Fraction(self.low))


FOREIGN_NAMES = {"avg": ("average",), "stdev": ("stddev", "std"), "var": ("variance",)}
"""Names that other languages have for the aggregations below."""


def _moments(result: str, name: str, doc: str, expected: str, *aliases: str) -> Aggregation:
    return Aggregation(
        name,
        doc,
        ("1 2 3 4", f"{name}(x)", expected),
        lambda number: Moments(result),
        aliases=aliases,
        known_as=FOREIGN_NAMES.get(name, ()),
        ordered=False,
        growing=result == "sum",
        source=_A + "aggregate-functions",
    )


def as_splunk(aggregation: Aggregation) -> Aggregation:
    """The aggregation under --splunk-exact: the mean is a sum of doubles, not exact."""
    return DOUBLE_MEAN if aggregation.name == "avg" else aggregation


def occurring(aggregation: Aggregation) -> Aggregation:
    """The aggregation where a percentile is always a value that occurs."""
    if aggregation.name not in ("perc", "upperperc"):
        return aggregation
    return replace(aggregation, make=lambda number: Numbers(number, "occurring"))


ARITHMETIC = (
    _moments("sum", "sum", "The sum of the numbers in a field, computed exactly and rounded once.", "10"),
    _moments("avg", "avg", "The mean of the numbers in a field.", "2.5", "mean"),
    _moments("sumsq", "sumsq", "The sum of the squares of the numbers in a field.", "30"),
    _moments("stdev", "stdev", "The sample standard deviation of the numbers in a field.", "1.2909944487358056"),
    _moments("stdevp", "stdevp", "The population standard deviation of the numbers in a field.", "1.118033988749895"),
    _moments("var", "var", "The sample variance of the numbers in a field.", "1.6666666666666667"),
    _moments("varp", "varp", "The population variance of the numbers in a field.", "1.25"),
    Aggregation(
        "perc",
        "The percentile given by the number in the name, interpolated between neighbouring values.",
        ("1 2 3 4 5 6 7 8 9 10", "perc95(x)", "9.55"),
        lambda number: Numbers(number, "linear"),
        aliases=("p", "exactperc"),
        takes_number=True,
        ordered=False,
        source=_A + "aggregate-functions",
        known_as=("percentile", "quantile", "percentiles"),
    ),
    Aggregation(
        "upperperc",
        "The percentile given by the number in the name: of up to 1,000 distinct values the same as perc, of more "
        "rounded up to a value that occurs.",
        ("1 2 3 4", "upperperc50(x)", "2.5"),
        lambda number: Numbers(number, "upper"),
        takes_number=True,
        ordered=False,
        source=_A + "aggregate-functions",
    ),
    Aggregation(
        "median",
        "The median. For an even number of values, the higher of the two middle values.",
        ("1 2 3 4", "median(x)", "3"),
        lambda number: Numbers(50, "median"),
        ordered=False,
        source=_A + "aggregate-functions",
        known_as=("percentile_50",),
    ),
    Aggregation(
        "min",
        "The smallest value. Numbers compare by size and are smaller than strings.",
        ("10 9 a", "min(x)", "9"),
        lambda number: Extreme(-1),
        once=True,
        ordered=False,
        source=_A + "aggregate-functions",
    ),
    Aggregation(
        "max",
        "The largest value. Strings are larger than numbers.",
        ("10 9 100", "max(x)", "100"),
        lambda number: Extreme(1),
        once=True,
        ordered=False,
        growing=True,
        source=_A + "aggregate-functions",
    ),
    Aggregation(
        "range",
        "The difference between the largest and the smallest number.",
        ("3 10 4", "range(x)", "7"),
        lambda number: Range(),
        once=True,
        ordered=False,
        source=_A + "aggregate-functions",
    ),
)

DOUBLE_MEAN = replace(
    next(one for one in ARITHMETIC if one.name == "avg"), aliases=(), make=lambda number: DoubleMean()
)
