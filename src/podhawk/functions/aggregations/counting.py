"""count, dc, estdc, values, list, mode: what needs no arithmetic."""

from __future__ import annotations

import heapq
from collections import Counter

from msgspec import Struct

from podhawk.functions.aggregations.declare import Aggregation
from podhawk.rows import OrderKey
from podhawk.rows.values import Filled, Single, Value, as_text

LIST_LIMIT = 100
_A = "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/statistical-and-charting-functions/"


class Count(Struct, eq=False, gc=False):
    n: int = 0

    def add(self, value: Single, order: OrderKey) -> None:
        self.n += 1

    def merge(self, other: Count) -> None:
        self.n += other.n

    def finish(self) -> Value | None:
        return self.n


class NoError(Struct, eq=False, gc=False):
    """The error of a number that is exact."""

    def add(self, value: Single, order: OrderKey) -> None:
        """Nothing to remember."""

    def merge(self, other: NoError) -> None:
        """Nothing to remember."""

    def finish(self) -> Value | None:
        return 0


def _keep_real(kept: dict[str, str], text: str) -> None:
    """A value that some event really had wins over the same text put in by fillnull."""
    known = kept.get(text)
    if known is None or (isinstance(known, Filled) and not isinstance(text, Filled)):
        kept[text] = text


class Distinct:
    """The distinct values of a field, as text; `1` and `1.0` differ."""

    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def add(self, value: Single, order: OrderKey) -> None:
        text = as_text(value)
        if text not in self.kept or isinstance(self.kept[text], Filled):
            _keep_real(self.kept, text)

    def merge(self, other: Distinct) -> None:
        for text in other.kept.values():
            _keep_real(self.kept, text)

    def finish(self) -> Value | None:
        return len(self.kept)


class DistinctValues(Distinct):
    """The distinct values, in lexicographic order."""

    __slots__ = ()

    def finish(self) -> Value | None:
        found = tuple(self.kept[text] for text in sorted(self.kept))
        return found if len(found) > 1 else found[0] if found else None


class Listed:
    """The first hundred values in event order, duplicates kept."""

    __slots__ = ("count", "kept")

    def __init__(self) -> None:
        self.kept: list[tuple[OrderKey, int, str]] = []
        self.count = 0

    def add(self, value: Single, order: OrderKey) -> None:
        self.count += 1
        self.kept.append((order, self.count, as_text(value)))
        if len(self.kept) > 4 * LIST_LIMIT:
            self._trim()

    def _trim(self) -> None:
        self.kept = heapq.nsmallest(LIST_LIMIT, self.kept, key=lambda item: item[:2])

    def merge(self, other: Listed) -> None:
        self.count = max(self.count, other.count)
        self.kept += other.kept
        self._trim()

    def finish(self) -> Value | None:
        self._trim()
        found = tuple(text for _, _, text in self.kept)
        return found if len(found) > 1 else found[0] if found else None


class Mode:
    """The most frequent value; of several, the first in lexicographic order."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, value: Single, order: OrderKey) -> None:
        self.counts[as_text(value)] += 1

    def merge(self, other: Mode) -> None:
        self.counts.update(other.counts)

    def finish(self) -> Value | None:
        if not self.counts:
            return None
        most = max(self.counts.values())
        return min(text for text, count in self.counts.items() if count == most)


COUNTING = (
    Aggregation(
        "count",
        "The number of events, or the number of values of a field.",
        ("a b a", "count(x)", "3"),
        lambda number: Count(),
        aliases=("c",),
        bare=True,
        ordered=False,
        growing=True,
        source=_A + "aggregate-functions",
    ),
    Aggregation(
        "distinct_count",
        "The number of distinct values of a field, compared as text.",
        ("a b a", "dc(x)", "2"),
        lambda number: Distinct(),
        aliases=("dc",),
        once=True,
        ordered=False,
        growing=True,
        source=_A + "aggregate-functions",
        known_as=("dcount", "count_distinct", "cardinality", "approx_count_distinct", "uniq", "nunique"),
    ),
    Aggregation(
        "estdc",
        "The number of distinct values. Exact in podhawk; in Splunk an estimate above a thousand.",
        ("a b a", "estdc(x)", "2"),
        lambda number: Distinct(),
        once=True,
        ordered=False,
        source=_A + "aggregate-functions",
    ),
    Aggregation(
        "estdc_error",
        "The error of estdc as a share of its result. podhawk counts exactly, so it is 0.",
        ("a b a", "estdc_error(x)", "0"),
        lambda number: NoError(),
        once=True,
        ordered=False,
        source=_A + "aggregate-functions",
    ),
    Aggregation(
        "values",
        "The distinct values of a field as a multivalue, in lexicographic order.",
        ("10 9 100 9", "values(x)", ["10", "100", "9"]),
        lambda number: DistinctValues(),
        once=True,
        ordered=False,
        copies=True,
        source=_A + "multivalue-stats-and-chart-functions",
        known_as=("make_set", "group_concat", "string_agg", "collect_set"),
    ),
    Aggregation(
        "list",
        "The first hundred values of a field as a multivalue, in event order, including duplicates.",
        ("b a b", "list(x)", ["b", "a", "b"]),
        lambda number: Listed(),
        copies=True,
        source=_A + "multivalue-stats-and-chart-functions",
        known_as=("make_list", "array_agg", "collect_list"),
    ),
    Aggregation(
        "mode",
        "The most frequent value of a field.",
        ("a b b", "mode(x)", "b"),
        lambda number: Mode(),
        ordered=False,
        copies=True,
        source=_A + "aggregate-functions",
        known_as=("top1",),
    ),
)
