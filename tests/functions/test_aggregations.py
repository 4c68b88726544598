"""Aggregations: their examples, and that no split of the input changes a result."""

from __future__ import annotations

import math
import random

import pytest

from podhawk.commands.context import Context
from podhawk.commands.parse import parse_search
from podhawk.functions.aggregations import AGGREGATIONS, Aggregation
from podhawk.rows import OrderKey, Row
from podhawk.rows.values import as_text, texts
from podhawk.spl.text import plain

ALL = sorted({id(one): one for one in AGGREGATIONS.values()}.values(), key=lambda one: one.name)


def rows_of(values: list[str], field: str = "x") -> list[Row]:
    """Rows as a raw search gives them: newest first, so the first value has the largest time."""
    return [
        Row({field: value, "_time": len(values) - number}, OrderKey(0.0, 0.0, (number,)))
        for number, value in enumerate(values)
    ]


def stats(call: str, parts: list[list[Row]]) -> list[dict[str, object]]:
    stage = parse_search(plain(f"* | stats {call} AS r")).stages[1]
    assert stage.command.merge is not None
    run = stage.command.merge(stage.node, Context())
    states = []
    for rows in parts:
        state = run.start()
        run.add(state, rows)
        states.append(state)
    whole = states[0]
    for state in states[1:]:
        whole = run.merge(whole, state)
    return [dict(row) for row in run.finish(whole).rows]


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_example(one: Aggregation) -> None:
    values, call, expected = one.example
    result = stats(call, [rows_of(values.split())])[0]["r"]
    shown = list(result) if isinstance(result, tuple) else as_text(result)  # type: ignore[arg-type]
    assert shown == expected


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_any_split_in_any_order_gives_the_same(one: Aggregation) -> None:
    chance = random.Random(one.name)
    name = f"{one.name}95" if one.takes_number else one.name
    for _ in range(40):
        pool = ["0.1", "0.2", "0.3", "7", "-3", "1e3", "a", "B", "10", "9", "0.30000000000000004"]
        rows = rows_of([chance.choice(pool) for _ in range(chance.randint(1, 30))])
        parts: list[list[Row]] = [[], [], []]
        for row in rows:
            chance.choice(parts).append(row)
        chance.shuffle(parts)
        assert stats(f"{name}(x)", parts) == stats(f"{name}(x)", [rows])


def test_sums_are_exact_and_rounded_once() -> None:
    values = ["1e16", "1", "-1e16", "0.1", "0.2", "-0.3"]
    assert stats("sum(x)", [rows_of(values)])[0]["r"] == pytest.approx(1 + 0.1 + 0.2 - 0.3, abs=1e-15)


def test_a_real_value_wins_over_a_filled_one_in_values_and_groups() -> None:
    from podhawk.rows import Filled

    rows = [Row({"x": Filled("0")}), Row({"x": "0"})]
    for order in (rows, rows[::-1]):
        result = stats("values(x)", [[row] for row in order])[0]["r"]
        assert texts(result) == ("0",)  # type: ignore[arg-type]
        assert not isinstance(result, Filled)


@pytest.mark.parametrize("spelled", ["sumsq", "var", "varp", "stdev", "stdevp"])
def test_squares_beyond_the_largest_float_are_infinite_and_raised_overflow_errors(spelled: str) -> None:
    assert stats(f"{spelled}(x)", [rows_of(["1.34e200", "2.68e200"])])[0]["r"] == math.inf
