"""Expressions to closures.

Each node of the tree becomes a function of a row; constants are folded while compiling. Null is None
and spreads: arithmetic, concatenation and comparison with null give null; AND and OR follow
three-valued logic; NOT null is null. A comparison is numeric when both sides look like numbers, else
textual and case-sensitive; on a multivalue field it is true if any value satisfies it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Final

from podhawk.errors import SearchError, nearest
from podhawk.functions import numbers
from podhawk.functions.comparison import COMPARISONS, compare, membership, truth
from podhawk.functions.declare import Env, Evaluator, EvalValue, Function, Volatility
from podhawk.functions.regex import compile_pattern
from podhawk.functions.registry import FOREIGN, FUNCTIONS, REFUSED
from podhawk.rows import Filled, Row
from podhawk.spl.expression import (
    Binary,
    Call,
    Embedded,
    Expression,
    Field,
    Literal,
    Membership,
    Unary,
    chain,
    start,
    walk,
)
from podhawk.spl.text import SearchText

_ARITHMETIC: dict[str, Callable[[int | float, int | float], EvalValue]] = {
    "-": numbers.subtract,
    "*": numbers.multiply,
    "/": numbers.divide,
    "%": numbers.modulo,
}
_LOGIC = frozenset({"AND", "OR", "XOR"})


def kind(expression: Expression) -> str:
    """What an expression gives, as far as its form tells: boolean, number, string, multivalue or any."""
    match expression:
        case Literal(value=str()):
            return "string"
        case Literal():
            return "number"
        case Unary(operator="NOT") | Membership():
            return "boolean"
        case Unary():
            return "number"
        case Binary(operator=name) if name in _LOGIC or name in COMPARISONS or name == "LIKE":
            return "boolean"
        case Binary(operator="."):
            return "string"
        case Binary(operator="+"):
            return "any"
        case Binary():
            return "number"
        case Call(name=name) if name in FUNCTIONS:
            return FUNCTIONS[name].returns
        case _:
            return "any"


def volatility(*expressions: Expression) -> Volatility:
    """The volatility of expressions. An unknown function is volatile."""
    return max(
        (
            FUNCTIONS[part.name].changes(part.arguments)
            if isinstance(part, Call) and part.name in FUNCTIONS
            else Volatility.VOLATILE
            for expression in expressions
            for part in walk(expression)
            if isinstance(part, Call | Embedded)
        ),
        default=Volatility.IMMUTABLE,
    )


def patterns(*expressions: Expression) -> Iterator[str]:
    """The regular expressions that expressions contain as literals."""
    for expression in expressions:
        for part in walk(expression):
            at = FUNCTIONS[part.name].pattern if isinstance(part, Call) and part.name in FUNCTIONS else None
            if at is not None and isinstance(part, Call) and len(part.arguments) > at:
                pattern = part.arguments[at]
                if isinstance(pattern, Literal) and isinstance(pattern.value, str):
                    yield pattern.value


def compile_value(expression: Expression, env: Env, source: SearchText) -> Evaluator:
    """An expression whose value is stored: a boolean is refused, precision is settled.

    Raises SearchError for unknown functions, wrong numbers of arguments, and booleans.
    """
    if kind(expression) == "boolean":
        raise source.error(
            "a boolean cannot be stored in a field",
            start(expression),
            remedy='Use if(…, "true", "false") or tostring(…).',
        )
    evaluator = compile_expression(expression, env, source)

    def value(row: Row) -> EvalValue:
        result = evaluator(row)
        if type(result) in (str, int, tuple) or result is None:
            return result
        if isinstance(result, str):
            return result if isinstance(result, Filled) else str(result)
        if isinstance(result, bool):
            return "True" if result else "False"
        return numbers.settle(result)

    return value


def compile_condition(expression: Expression, env: Env, source: SearchText) -> Callable[[Row], bool]:
    """An expression as a filter: true only where it is TRUE, not where it is null.

    A value that is no boolean counts as Splunk counts it: a number other than 0 is true, and so is
    the text `true` or `t`.
    """
    evaluator = compile_expression(expression, env, source)
    return lambda row: truth(evaluator(row)) is True


def compile_expression(expression: Expression, env: Env, source: SearchText) -> Evaluator:
    """A closure that evaluates the expression on a row."""
    match expression:
        case Literal(value=str() as text):
            return lambda row: text
        case Literal(value=value, text=spelling):
            constant = numbers.spelled(spelling) if spelling else value
            return lambda row: constant
        case Field(name=name):
            return lambda row: row.get(name)
        case Unary(operator="NOT", operand=operand):
            inner = compile_expression(operand, env, source)

            def negated(row: Row) -> EvalValue:
                result = truth(inner(row))
                return None if result is None else not result

            return negated
        case Unary(operator=sign, operand=operand):
            return _signed(sign, compile_expression(operand, env, source))
        case Binary():
            return _binary(expression, env, source)
        case Membership(value=left, choices=choices):
            parts = [compile_expression(part, env, source) for part in (left, *choices)]
            if not env.switches & _READINGS:
                return lambda row: membership([part(row) for part in parts])
            tests = [
                _compared("=", left, choice, parts[0], part, env)
                for choice, part in zip(choices, parts[1:], strict=True)
            ]
            return lambda row: None if parts[0](row) is None else any(test(row) is True for test in tests)
        case Call():
            return _call(expression, env, source)
        case Embedded():
            return _unresolved


def _unresolved(row: Row) -> EvalValue:
    """The value of a subsearch, which is never asked for: before the search runs, its result takes its place."""
    raise AssertionError("a subsearch must run before the expression that it stands in")


_READINGS = frozenset({"compare-as-text", "where-multivalue-first"})


def _compared(
    name: str, left: Expression, right: Expression, first: Evaluator, second: Evaluator, env: Env
) -> Evaluator:
    """A comparison, under the readings that are turned on."""
    if not env.switches & _READINGS:
        return lambda row: compare(name, first(row), second(row))
    as_text = "compare-as-text" in env.switches and any(
        isinstance(side, Literal) and isinstance(side.value, str) for side in (left, right)
    )
    first_only = "where-multivalue-first" in env.switches

    def one(value: EvalValue) -> EvalValue:
        return value[0] if first_only and isinstance(value, tuple) else value

    def compared(row: Row) -> EvalValue:
        mine, other = one(first(row)), one(second(row))
        if (
            as_text
            and mine is not None
            and other is not None
            and not isinstance(mine, tuple)
            and not isinstance(other, tuple)
        ):
            return COMPARISONS[name](numbers.text(mine), numbers.text(other))
        return compare(name, mine, other)

    return compared


def _signed(sign: str, inner: Evaluator) -> Evaluator:
    def signed(row: Row) -> EvalValue:
        number = numbers.number(inner(row))
        if number is None or sign == "+":
            return number
        if isinstance(number, numbers.Measured):
            return numbers.Measured.of(-number, number.digits, number.places)
        return -number

    return signed


LONG: Final = 40
"""A chain of more operators is evaluated in a loop: functions that call one another would exhaust the stack."""


class _Held(threading.local):
    """What the operators before the next one of a long chain have given, in this thread."""

    value: EvalValue = None


def _binary(node: Binary, env: Env, source: SearchText) -> Evaluator:
    first, nodes = chain(node)
    left = compile_expression(first, env, source)
    if len(nodes) <= LONG:
        for one in nodes:
            left = _operation(one, left, env, source)
        return left
    start, held = left, _Held()

    def before(row: Row) -> EvalValue:
        return held.value

    steps = [_operation(one, before, env, source) for one in nodes]

    def evaluated(row: Row) -> EvalValue:
        value = start(row)
        for step in steps:
            held.value = value
            value = step(row)
        return value

    return evaluated


def _operation(node: Binary, left: Evaluator, env: Env, source: SearchText) -> Evaluator:
    right = compile_expression(node.right, env, source)
    name = node.operator
    if name in COMPARISONS:
        return _compared(name, node.left, node.right, left, right, env)
    if name in _LOGIC:
        return _logic(name, left, right)
    if name == "LIKE":
        like = FUNCTIONS["like"].run
        assert like is not None
        run = like

        def likes(row: Row) -> EvalValue:
            first, second = left(row), right(row)
            return None if first is None or second is None else run(env, first, second)

        return likes
    if name == ".":

        def joined(row: Row) -> EvalValue:
            first, second = left(row), right(row)
            return None if first is None or second is None else numbers.text(first) + numbers.text(second)

        return joined
    if name == "+":
        return _plus(node, left, right, "plus-needs-numbers" in env.switches)
    calculate = _ARITHMETIC[name]

    def arithmetic(row: Row) -> EvalValue:
        first, second = numbers.number(left(row)), numbers.number(right(row))
        if first is None or second is None:
            return None
        try:
            return calculate(first, second)
        except OverflowError:
            return float("inf")

    return arithmetic


def _plus(node: Binary, left: Evaluator, right: Evaluator, strict: bool) -> Evaluator:
    """`+` adds two numbers and concatenates everything else; a field whose text is a number is a number."""
    from_field = (isinstance(node.left, Field), isinstance(node.right, Field))

    def plus(row: Row) -> EvalValue:
        first, second = left(row), right(row)
        if first is None or second is None:
            return None
        one, two = numbers.number(first), numbers.number(second)
        typed_one = one is not None and (from_field[0] or not isinstance(first, str))
        typed_two = two is not None and (from_field[1] or not isinstance(second, str))
        if not typed_one and not typed_two:
            return numbers.text(first) + numbers.text(second)
        if one is None or two is None:
            return None if strict else numbers.text(first) + numbers.text(second)
        return numbers.add(one, two)

    return plus


def _logic(name: str, left: Evaluator, right: Evaluator) -> Evaluator:
    def conjunction(row: Row) -> EvalValue:
        first = truth(left(row))
        if first is False:
            return False
        second = truth(right(row))
        return False if second is False else None if first is None or second is None else True

    def disjunction(row: Row) -> EvalValue:
        first = truth(left(row))
        if first is True:
            return True
        second = truth(right(row))
        return True if second is True else None if first is None or second is None else False

    def exclusive(row: Row) -> EvalValue:
        first, second = truth(left(row)), truth(right(row))
        return None if first is None or second is None else first != second

    return {"AND": conjunction, "OR": disjunction, "XOR": exclusive}[name]


def declared(call: Call, source: SearchText) -> Function:
    """The declaration a call names. Raises SearchError for unknown names and wrong arity."""
    function = FUNCTIONS.get(call.name)
    if function is None:
        reason = REFUSED.get(call.name)
        if reason:
            raise source.error(f"function {call.name}() is not supported: {reason}", call.at, call.length)
        remedy = FOREIGN.get(call.name) or nearest(call.name, FUNCTIONS)
        raise source.error(f"unknown function {call.name}()", call.at, call.length, remedy)
    count = len(call.arguments)
    if count < function.low or (function.high is not None and count > function.high):
        wanted = (
            f"{function.low}"
            if function.low == function.high
            else f"at least {function.low}"
            if function.high is None
            else f"{function.low} to {function.high}"
        )
        raise source.error(f"{call.name}() takes {wanted} arguments, not {count}", call.at, call.length)
    return function


def _call(call: Call, env: Env, source: SearchText) -> Evaluator:
    function = declared(call, source)
    if function.pattern is not None and len(call.arguments) > function.pattern:
        pattern = call.arguments[function.pattern]
        if isinstance(pattern, Literal) and isinstance(pattern.value, str):
            compile_literal(pattern.value, pattern.at, source)
    arguments = [compile_expression(argument, env, source) for argument in call.arguments]
    if function.build is not None:
        return function.build(call.arguments, arguments, env, source)
    run = function.run
    assert run is not None
    first: tuple[Env, ...] = (env,) if function.needs_env else ()
    if function.takes_null:
        return lambda row: run(*first, *[argument(row) for argument in arguments])
    if len(arguments) == 1 and not first:
        only = arguments[0]

        def unary(row: Row) -> EvalValue:
            value = only(row)
            return None if value is None else run(value)

        return unary

    def strict(row: Row) -> EvalValue:
        values = [argument(row) for argument in arguments]
        return None if None in values else run(*first, *values)

    return strict


def compile_literal(pattern: str, at: int, source: SearchText) -> None:
    """Check a literal regular expression before anything runs."""
    try:
        compile_pattern(pattern)
    except SearchError as error:
        raise source.error(error.message, at, len(pattern) + 2) from None
