"""Whatever fields hold, no function raises once a search runs: the worst answer is null and a warning."""

from __future__ import annotations

import itertools
from datetime import UTC

import pytest

from functions.test_examples import compiled
from podhawk.functions import numbers
from podhawk.functions.declare import Env, EvalValue, Function
from podhawk.functions.registry import FAMILIES
from podhawk.rows import Row
from support.lookup_table import teams

DECLARED = [
    function for family in FAMILIES.values() for function in family if function.low and function.name != "searchmatch"
]
NASTY: tuple[EvalValue, ...] = (
    None,
    "",
    " ",
    "abc",
    "0",
    "-1",
    "2.50",
    "1e400",
    "9" * 400,
    "٣",
    "\ud800",
    "%",
    "%s%d%*d",
    "(",
    "[",
    "\\",
    "\\1",
    "{",
    "[" * 5000,
    '{"a":[1,{"b":null}]}',
    "a{0}.b",
    "{}",
    "..",
    "-1d@d",
    "@w7",
    "999999999999999999999y",
    "16",
    "10.0.0.0/8",
    "::/0",
    "%Y-%m-%dT%H:%M:%S.%N%z",
    "%Y-%m-%d",
    "2024-02-30",
    "nan",
    "true",
    "7d",
    " " * 5000,
    0,
    -3,
    2**70,
    10**400,
    1.5,
    -0.0,
    1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    numbers.Measured.of(2.5, 2, 1),
    ("a", "1"),
    ("", "\n"),
    ("9" * 400, "{}"),
)


@pytest.mark.slow
@pytest.mark.parametrize("function", DECLARED, ids=lambda function: function.name)
def test_no_value_makes_it_raise(function: Function) -> None:
    count = max(function.low, min(function.high or function.low + 1, 3))
    if function.name in ("json_append", "json_extend", "json_set", "json_set_exact"):
        count = 3
    if function.name in ("case", "validate", "json_object"):
        count = 2
    names = [f"f{index}" for index in range(count)]
    expression = f"{function.name}({', '.join(names)})"
    if function.name == "lookup":  # its table is named in quotes
        expression, names = 'lookup("teams", f0, f1)', names[:2]
    evaluator = compiled(expression, Env(now=1_700_000_000.0, zone=UTC, lookup=teams))
    varied = NASTY if count < 3 else NASTY[::2]
    for values in itertools.product(varied, repeat=len(names)):
        row = Row({name: value for name, value in zip(names, values, strict=True) if value is not None})
        result = evaluator(row)
        assert result is None or isinstance(result, (bool, str, int, float, tuple)), values
        if isinstance(result, tuple):
            assert len(result) > 1, values
            assert {type(text) for text in result} == {str}, values
