"""Every declared example gives what it says.

Examples are read with the clock at 1,700,000,000 in UTC, on an event whose `verbs` are get, list and
watch and whose `ports` are 80 and 443, with a lookup table in which ann is in the team red.
"""

from __future__ import annotations

from datetime import UTC

import pytest

from podhawk.errors import SearchError
from podhawk.functions import numbers
from podhawk.functions.declare import Env, Evaluator, EvalValue, Function
from podhawk.functions.evaluate import compile_expression
from podhawk.functions.registry import FAMILIES, FUNCTIONS, REFUSED
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import parse_expression
from podhawk.spl.text import plain
from support.lookup_table import teams

DECLARED = [function for family in FAMILIES.values() for function in family]


def compiled(expression: str, env: Env) -> Evaluator:
    source = plain(expression)
    cursor = Cursor(source, 0, len(expression))
    tree = parse_expression(cursor)
    cursor.finish()
    return compile_expression(tree, env, source)


def evaluate(expression: str, row: Row, env: Env) -> EvalValue:
    return compiled(expression, env)(row)


def shown(value: EvalValue) -> object:
    if value is None:
        return None
    return list(value) if isinstance(value, tuple) else numbers.text(value)


@pytest.mark.parametrize("function", DECLARED, ids=lambda function: function.name)
def test_the_example_gives_what_it_says(function: Function) -> None:
    expression, expected = function.example
    row = Row({"verbs": ("get", "list", "watch"), "ports": ("80", "443"), "_raw": "one event"})
    env = Env(now=1_700_000_000.0, zone=UTC, lookup=teams)
    assert shown(evaluate(expression, row, env)) == expected


@pytest.mark.parametrize("function", DECLARED, ids=lambda function: function.name)
def test_every_declaration_is_complete(function: Function) -> None:
    assert (function.run is None) != (function.build is None)
    assert function.doc.endswith(".")
    assert function.source.startswith("https://")
    assert function.name + "(" in function.example[0]
    assert function.returns in {"boolean", "number", "string", "multivalue", "any"}


def test_no_name_is_declared_twice() -> None:
    names = [name for function in DECLARED for name in (function.name, *function.aliases)]
    assert len(names) == len(set(names)) == len(FUNCTIONS)
    assert not set(names) & set(REFUSED)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_function_says_why(name: str) -> None:
    with pytest.raises(SearchError) as caught:
        evaluate(f'{name}("x")', Row(), Env())
    assert REFUSED[name] in str(caught.value)
