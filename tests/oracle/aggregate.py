"""Aggregations, once more: a list of values (or of rows) to one result."""

from __future__ import annotations

import math
import re
from collections import Counter
from fractions import Fraction
from typing import Any

from oracle.env import Env, Row, Rows
from oracle.expression import value as evaluate
from oracle.spans import AUTOMATIC, Span, span_of
from oracle.values import many, number, one_or_many, rounded, settled, text

TIMED = ("earliest", "latest", "earliest_time", "latest_time", "rate")
COUNTS = ("count", "c")
DISTINCT = ("dc", "distinct_count", "estdc")
NUMERIC = ("sum", "avg", "mean", "sumsq", "range", "median", "stdev", "stdevp", "var", "varp")
PERCENTILES = ("perc", "p", "exactperc", "upperperc")
OTHERS = ("estdc_error", "values", "list", "first", "last", "mode", "min", "max")
KNOWN = frozenset({*TIMED, *COUNTS, *DISTINCT, *NUMERIC, *PERCENTILES, *OTHERS})
CHART = 100
"""The most numbers of a sparkline whose span is chosen."""


def results(items: Any, rows: Rows, by: tuple[str, ...], env: Env, allnum: bool = False) -> Row:
    """The results that are not null of a list of aggregations over rows in their order."""
    found: Row = {}
    for item in items:
        if item.parts:
            inner = results(item.parts, rows, by, env)
            made = settled(evaluate(item.result, inner, env))
            if made is not None and not isinstance(made, bool):
                found[item.name] = made
        elif item.spark is None and isinstance(item.argument, str) and "*" in item.argument:
            names = sorted(
                {
                    name
                    for row in rows
                    for name in row
                    if not name.startswith("_")
                    and name not in by
                    and re.fullmatch(pattern(item.argument), name, re.DOTALL)
                }
            )
            for name in names:
                result = one(item.function, [row for row in rows if name in row], name, env)
                if result is not None:
                    found[wild_name(item, name)] = result
        else:
            if allnum and spoiled(item, rows):
                continue
            result = one(item.function, rows, item.argument, env)
            if result is not None:
                found[item.name] = result
    return found


def spoiled(item: Any, rows: Rows) -> bool:
    """Whether allnum=true leaves a result out, because a value of its field is no number."""
    numeric = item.function in NUMERIC or re.fullmatch(r"(perc|p|exactperc|upperperc)[\d.]+", item.function)
    if not numeric or not isinstance(item.argument, str):
        return False
    return any(number(part) is None for row in rows for part in many(row.get(item.argument)))


def pattern(name: str) -> str:
    return "(.*)".join(map(re.escape, name.split("*")))


def chosen(names: tuple[str, ...], name: str) -> bool:
    """Whether a list of names, with wildcards or without, means a field; * does not mean internal fields."""
    return any(
        re.fullmatch(pattern(one), name, re.DOTALL) is not None
        and ("*" not in one or one.startswith("_") or not name.startswith("_"))
        for one in names
    )


def wild_name(item: Any, name: str) -> str:
    if not item.named:
        return f"{item.function}({name})"
    found = re.fullmatch(pattern(item.argument), name, re.DOTALL)
    parts = item.name.split("*")
    assert found is not None
    return "".join(part + group for part, group in zip(parts, [*found.groups(), ""], strict=True))


def one(function: str, rows: Rows, argument: Any, env: Env) -> Any:
    if argument is None:
        return len(rows)
    gathered: list[tuple[Any, Any]] = []  # value, time
    for row in rows:
        given = row.get(argument) if isinstance(argument, str) else settled(evaluate(argument, row, env))
        if isinstance(given, bool):
            if function in COUNTS:
                gathered += [("", None)] if given else []
                continue
            given = "True" if given else "False"
        if given is not None:
            gathered += [(part, number(row.get("_time"))) for part in (given if isinstance(given, tuple) else (given,))]
    return reduced(function, gathered, env.exact)


def reduced(function: str, gathered: list[tuple[Any, Any]], exact: bool = False) -> Any:
    values = [given for given, _ in gathered]
    texts = [text(given) for given in values]
    numbers = [Fraction(amount) for amount in map(number, values) if amount is not None and math.isfinite(amount)]
    if function in COUNTS:
        return len(values)
    if function in DISTINCT:
        return len(set(texts))
    if function == "estdc_error":
        return 0
    if function in TIMED:
        return of_time(function, [(time, given) for given, time in gathered if time is not None])
    if not values:
        return None
    if function == "values":
        return one_or_many(sorted(set(texts)))
    if function == "list":
        return one_or_many(texts[:100])
    if function == "first":
        return values[0]
    if function == "last":
        return values[-1]
    if function == "mode":
        counts = Counter(texts)
        return min(word for word in counts if counts[word] == max(counts.values()))
    if function in ("min", "max"):
        ranked = sorted(values, key=lambda given: (number(given) is None, number(given) or 0, text(given)))
        return ranked[0] if function == "min" else ranked[-1]
    if not numbers:
        return None
    if exact and function in ("avg", "mean"):
        return added(sorted(amount for amount in map(number, values) if amount is not None))
    return of_numbers(function, sorted(numbers))


def of_time(function: str, timed: list[tuple[Any, Any]]) -> Any:
    if function == "rate":
        timed = [(time, given) for time, given in timed if number(given) is not None]
    if not timed:
        return None
    low, high = min(time for time, _ in timed), max(time for time, _ in timed)
    first = [given for time, given in timed if time == low][-1]
    last = next(given for time, given in timed if time == high)
    if function == "rate":
        rise = Fraction(number(last) or 0) - Fraction(number(first) or 0)
        return rounded(rise / (Fraction(high) - Fraction(low))) if high > low else None
    return {"earliest": first, "latest": last, "earliest_time": low, "latest_time": high}[function]


def added(amounts: list[Any]) -> Any:
    """The mean of numbers that are added one after the other, as doubles are."""
    if all(isinstance(amount, int) for amount in amounts):
        return rounded(Fraction(sum(amounts), len(amounts)))
    total = 0.0
    for amount in amounts:
        total += amount
    return total / len(amounts)


def of_numbers(function: str, numbers: list[Fraction]) -> Any:
    count, total = len(numbers), sum(numbers, Fraction(0))
    if function == "sum":
        return rounded(total)
    if function == "sumsq":
        return rounded(sum((amount * amount for amount in numbers), Fraction(0)))
    if function in ("avg", "mean"):
        return rounded(total / count)
    if function == "range":
        return rounded(numbers[-1] - numbers[0])
    if function == "median":
        return rounded(numbers[count // 2])
    if function in ("stdev", "stdevp", "var", "varp"):
        spread = sum(((amount - total / count) ** 2 for amount in numbers), Fraction(0))
        share = count if function.endswith("p") else count - 1
        variance = spread / share if share else Fraction(0)
        return math.sqrt(float(variance)) if function.startswith("stdev") else rounded(variance)
    found = re.fullmatch(r"[a-z]+([\d.]+)", function)
    assert found is not None
    place = Fraction(found[1]) / 100 * (count - 1)
    low = math.floor(place)
    if low + 1 >= count:
        return rounded(numbers[low])
    return rounded(numbers[low] + (numbers[low + 1] - numbers[low]) * (place - low))


def draw(items: Any, groups: list[Rows], made: list[Row], env: Env) -> None:
    """The sparklines of all groups, on one scale of time: that of the search, or where it is open, of all rows."""
    for item in items:
        if item.spark is None:
            continue
        timed = [
            [(number(row["_time"]), row) for row in rows if number(row.get("_time")) is not None] for rows in groups
        ]
        times = [time for rows in timed for time, _ in rows if time is not None]
        if not times:
            continue
        low, high = min(times), max(times)
        low = low if env.earliest is None else min(low, env.earliest)
        high = high if env.latest is None else max(high, math.nextafter(env.latest, -math.inf))
        span = span_of(item.spark.span) or fitting(low, high)
        starts = [span.ends(low)]
        while starts[-1] is not None and starts[-1][1] <= high:
            starts.append(span.ends(starts[-1][1]))
        for rows, row in zip(timed, made, strict=True):
            if rows:
                cells = [[one for time, one in rows if span.ends(time) == start] for start in starts]
                row[item.name] = tuple(height(item.spark.inner, cell, env) for cell in cells)


def fitting(low: Any, high: Any) -> Span:
    for words in AUTOMATIC:
        found = re.fullmatch(r"(\d+)(\w+)", words)
        assert found is not None
        span = Span("time", int(found[1]), found[2])
        ends = span.ends(low)
        if ends is not None and (high - ends[0]) / span.length() < CHART:
            return span
    return Span("time", 1, "y")


def height(inner: Any, rows: Rows, env: Env) -> str:
    found = results((inner,), rows, (), env) if rows else {}
    given = next(iter(found.values()), 0)
    return text(len(given)) if isinstance(given, tuple) else text(given)


def keys(row: Row, by: tuple[str, ...], distinct: bool = False) -> list[tuple[str, ...]]:
    """The groups a row belongs to: none if a field is missing, one per combination of values."""
    made: list[tuple[str, ...]] = [()]
    for name in by:
        values = many(row.get(name))
        if distinct:
            values = list(dict.fromkeys(values))
        made = [(*key, part) for key in made for part in values]
    return made
