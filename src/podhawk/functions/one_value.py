"""Whether an expression can be multivalue, as its functions declare it."""

from __future__ import annotations

from collections.abc import Callable

from podhawk.functions.evaluate import kind
from podhawk.functions.registry import FUNCTIONS
from podhawk.spl.expression import Binary, Call, Expression, Field, Literal


def has_one_value(expression: Expression, of_field: Callable[[str], bool]) -> bool:
    """Whether an expression cannot be multivalue, given which fields cannot."""
    if isinstance(expression, Field):
        return of_field(expression.name)
    if isinstance(expression, Literal) or kind(expression) == "boolean":
        return True
    if isinstance(expression, Binary):
        return has_one_value(expression.left, of_field) and has_one_value(expression.right, of_field)
    if not isinstance(expression, Call) or expression.name not in FUNCTIONS:
        return False
    return FUNCTIONS[expression.name].one_value([has_one_value(one, of_field) for one in expression.arguments])
