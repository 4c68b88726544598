"""Expressions over aggregations: `eval(sum(bytes)/count) AS mean`, as chart and timechart accept them.

The aggregations in such an expression become items of their own, under names that nobody sees, and the expression is
evaluated on their results.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/chart
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from podhawk.functions.aggregations import find
from podhawk.spl.expression import Binary, Call, Expression, Field, Membership, Unary, walk

_COUNTS = frozenset({"count", "c"})
Add = Callable[[str, "str | Expression | None", int], str]
"""Takes in an aggregation (function, argument, offset) and gives the name that its result will have."""


def taken_apart(expression: Expression, add: Add) -> Expression:
    """The expression with a field in place of each aggregation."""
    match expression:
        case Field(name=name) if name.lower() in _COUNTS:
            return Field(add(name.lower(), None, expression.at), expression.at)
        case Call(arguments=arguments) if _aggregates(expression):
            argument = arguments[0] if arguments else None
            given: str | Expression | None = argument
            if isinstance(argument, Field):
                given = argument.name
            elif isinstance(argument, Call) and argument.name == "eval" and len(argument.arguments) == 1:
                given = argument.arguments[0]
            return Field(add(expression.name, given, expression.at), expression.at)
        case Call(arguments=arguments):
            return replace(expression, arguments=tuple(taken_apart(one, add) for one in arguments))
        case Unary(operand=operand):
            return replace(expression, operand=taken_apart(operand, add))
        case Binary(left=left, right=right):
            return replace(expression, left=taken_apart(left, add), right=taken_apart(right, add))
        case Membership(value=value, choices=choices):
            return replace(
                expression,
                value=taken_apart(value, add),
                choices=tuple(taken_apart(choice, add) for choice in choices),
            )
        case _:
            return expression


def _aggregates(call: Call) -> bool:
    """Whether a call is an aggregation; `max(avg(a), avg(b))` compares two of them."""
    if find(call.name) is None or len(call.arguments) > 1:
        return False
    inside = [part for argument in call.arguments for part in walk(argument)]
    return not any(isinstance(part, Call) and part.name != "eval" and find(part.name) for part in inside)
