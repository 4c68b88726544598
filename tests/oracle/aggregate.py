"""Aggregations, once more: a list of values (or of rows) to one result."""

from __future__ import annotations

import math
import re
from collections import Counter
from fractions import Fraction
from typing import Any

from oracle.expression import value as evaluate
from oracle.values import many, number, one_or_many, rounded, text
from podhawk.functions.declare import Env

TIMED = ("earliest", "latest", "earliest_time", "latest_time")


def results(items: Any, rows: list[dict[str, Any]], by: tuple[str, ...], env: Env) -> dict[str, Any]:
    """The results that are not null of a list of aggregations over rows in their order."""
    found: dict[str, Any] = {}
    for item in items:
        if isinstance(item.argument, str) and "*" in item.argument:
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
            result = one(item.function, rows, item.argument, env)
            if result is not None:
                found[item.name] = result
    return found


def pattern(name: str) -> str:
    return "(.*)".join(map(re.escape, name.split("*")))


def wild_name(item: Any, name: str) -> str:
    if not item.named:
        return f"{item.function}({name})"
    found = re.fullmatch(pattern(item.argument), name, re.DOTALL)
    parts = item.name.split("*")
    assert found is not None
    return "".join(part + group for part, group in zip(parts, [*found.groups(), ""], strict=True))


def one(function: str, rows: list[dict[str, Any]], argument: Any, env: Env) -> Any:
    if argument is None:
        return len(rows)
    gathered: list[tuple[Any, Any]] = []  # value, time
    for row in rows:
        given = row.get(argument) if isinstance(argument, str) else evaluate(argument, row, env)
        if isinstance(given, bool):
            if function in ("count", "c"):
                gathered += [("", None)] if given else []
                continue
            given = "True" if given else "False"
        if given is not None:
            gathered += [(part, number(row.get("_time"))) for part in (given if isinstance(given, tuple) else (given,))]
    return reduced(function, gathered, "oracle-exact" in env.switches)


def reduced(function: str, gathered: list[tuple[Any, Any]], exact: bool = False) -> Any:
    values = [given for given, _ in gathered]
    texts = [text(given) for given in values]
    numbers = [Fraction(amount) for amount in map(number, values) if amount is not None]
    if function in ("count", "c"):
        return len(values)
    if function in ("dc", "distinct_count", "estdc"):
        return len(set(texts))
    if function in TIMED:
        timed = [(time, given) for given, time in gathered if time is not None]
        if not timed:
            return None
        time = min(t for t, _ in timed) if function.startswith("earliest") else max(t for t, _ in timed)
        if function.endswith("_time"):
            return time
        same = [given for t, given in timed if t == time]
        return same[-1] if function == "earliest" else same[0]
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
    percent = Fraction(re.sub(r"\D+", "", function) or "50")
    place = percent / 100 * (count - 1)
    low = math.floor(place)
    if low + 1 >= count:
        return rounded(numbers[low])
    return rounded(numbers[low] + (numbers[low + 1] - numbers[low]) * (place - low))


def keys(row: dict[str, Any], by: tuple[str, ...], distinct: bool = False) -> list[tuple[str, ...]]:
    """The groups a row belongs to: none if a field is missing, one per combination of values."""
    made: list[tuple[str, ...]] = [()]
    for name in by:
        values = many(row.get(name))
        if distinct:
            values = list(dict.fromkeys(values))
        made = [(*key, part) for key in made for part in values]
    return made
