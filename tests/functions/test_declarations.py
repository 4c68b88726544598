"""What functions and aggregations declare of themselves is true of what they give."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from podhawk.functions.aggregations.declare import Aggregation
from podhawk.functions.aggregations.registry import ALL
from podhawk.functions.declare import Env, Function, Volatility
from podhawk.functions.evaluate import compile_expression, patterns, volatility
from podhawk.functions.registry import FAMILIES, FUNCTIONS
from podhawk.rows import OrderKey, Row
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Expression, parse_expression
from podhawk.spl.text import plain
from support.lookup_table import teams

EACH = [function for family in FAMILIES.values() for function in family]
TEXTS = ("3", "1", "10", "2.5", "0")


def parsed(text: str) -> Expression:
    return parse_expression(Cursor(plain(text), 0, len(text)))


@pytest.mark.parametrize("function", EACH, ids=lambda function: function.name)
def test_a_function_that_sees_the_environment_says_whether_it_changes(function: Function) -> None:
    if function.needs_env or function.build is not None:
        assert function.volatility is not None


@pytest.mark.parametrize("function", EACH, ids=lambda function: function.name)
def test_a_function_changes_no_more_than_it_says(function: Function) -> None:
    tree = parsed(function.example[0])
    if isinstance(function.volatility, Volatility):
        assert volatility(tree) >= function.volatility

    def value(now: float) -> Any:
        return compile_expression(tree, Env(now=now, lookup=teams), plain(function.example[0]))(Row({"_raw": "a=1"}))

    if volatility(tree) is Volatility.IMMUTABLE:
        assert repr(value(0.0)) == repr(value(1.7e9))
    if volatility(tree) <= Volatility.STABLE:
        assert repr(value(1.7e9)) == repr(value(1.7e9))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("len(user)+1", Volatility.IMMUTABLE),
        ("now()", Volatility.STABLE),
        ('if(a=1, strftime(now (), "%H"), b)', Volatility.STABLE),
        ('relative_time(_time, "-1d")', Volatility.IMMUTABLE),
        ('strptime(a, "%Y-%m-%dT%H:%M:%SZ")', Volatility.IMMUTABLE),
        ('strptime(a, "%s")', Volatility.IMMUTABLE),
        ('strptime(a, "%F %T")', Volatility.IMMUTABLE),
        ('strptime(a, "%d %b %H:%M")', Volatility.STABLE),
        ('strptime(a, "%Y %d")', Volatility.STABLE),
        ("strptime(a, b)", Volatility.STABLE),
        ('searchmatch("verb=get OR word")', Volatility.IMMUTABLE),
        ('searchmatch("earliest=-1h verb=get")', Volatility.STABLE),
        ("searchmatch(a)", Volatility.VOLATILE),
        ("a IN (1, random())", Volatility.VOLATILE),
        ("-time()", Volatility.VOLATILE),
        ("no_such_function(a)", Volatility.VOLATILE),
    ],
)
def test_an_expression_changes_as_what_it_calls(text: str, expected: Volatility) -> None:
    assert volatility(parsed(text)) is expected


def test_the_patterns_of_an_expression_are_those_its_functions_are_given() -> None:
    tree = parsed('if(match(a, "^x+"), replace(b, "y*", "z"), mvfilter(match(c, d)))')
    assert list(patterns(tree)) == ["^x+", "y*"]


def result(aggregation: Aggregation, values: list[tuple[str, int]]) -> Any:
    state: Any = aggregation.make(50.0)
    for text, place in values:
        order = OrderKey(float(place), 0.0, (place,))
        if aggregation.by_time:
            state.add_at(text, float(place), order)
        else:
            state.add(text, order)
    return state.finish()


@pytest.mark.parametrize("aggregation", ALL, ids=lambda aggregation: aggregation.name)
def test_an_aggregation_gives_what_it_says(aggregation: Aggregation) -> None:
    placed = list(zip(TEXTS, range(len(TEXTS)), strict=True))
    whole = result(aggregation, placed)
    if not aggregation.ordered:
        for texts in itertools.permutations(TEXTS):
            assert result(aggregation, list(zip(texts, range(len(texts)), strict=True))) == whole
    if aggregation.once:
        assert result(aggregation, [*placed, *placed[:2]]) == whole
    if aggregation.copies:
        assert set(whole if isinstance(whole, tuple) else (whole,)) <= set(TEXTS)
    if aggregation.growing:
        chance = random.Random(aggregation.name)
        values = [(str(chance.randrange(20)), number) for number in range(40)]
        sizes = [float(as_number(result(aggregation, values[:number])) or 0) for number in range(1, 41)]
        assert sizes == sorted(sizes)
    assert aggregation.total == (result(aggregation, []) is not None)
    assert isinstance(aggregation.make(0.0), aggregation.state)


def test_those_that_thresholds_are_put_on_grow() -> None:
    assert {one.name for one in ALL if one.growing} == {"count", "distinct_count", "sum", "max"}


def test_every_function_is_found_under_its_names() -> None:
    assert all(FUNCTIONS[name] is function for function in EACH for name in (function.name, *function.aliases))
