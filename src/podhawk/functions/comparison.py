"""Comparing values and taking them as conditions, by the rules of eval.

Null spreads. A comparison is numeric when both sides look like numbers, else textual and case-sensitive; on a
multivalue field it is true if any value satisfies it.
"""

from __future__ import annotations

import operator as op
from collections.abc import Callable
from typing import Any

from podhawk.functions import numbers
from podhawk.functions.declare import EvalValue
from podhawk.rows.values import as_number

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": op.eq,
    "!=": op.ne,
    "<": op.lt,
    ">": op.gt,
    "<=": op.le,
    ">=": op.ge,
}


def truth(value: EvalValue) -> bool | None:
    """A value as a condition; None for null."""
    if value is None or isinstance(value, bool):
        return value
    number = as_number(value)
    if number is not None:
        return number != 0
    return isinstance(value, str) and value.lower() in ("true", "t")


def membership(values: list[EvalValue]) -> EvalValue:
    """Whether the first value equals one of the others; null for a null first value."""
    first = values[0]
    if first is None:
        return None
    others = values[1:]
    if isinstance(first, str) and as_number(first) is None:
        if first in others:
            return True
        others = [other for other in others if not isinstance(other, str)]
    return any(compare("=", first, other) is True for other in others)


def compare(name: str, left: EvalValue, right: EvalValue) -> EvalValue:
    """`left name right` with eval's rules; None where either side is null."""
    if left is None or right is None:
        return None
    if isinstance(left, tuple) or isinstance(right, tuple):
        lefts = left if isinstance(left, tuple) else (left,)
        rights = right if isinstance(right, tuple) else (right,)
        return any(compare(name, one, other) is True for one in lefts for other in rights)
    test = COMPARISONS[name]
    if left.__class__ is str and right.__class__ is str:  # most are, and this is the short way
        first = as_number(left)
        second = None if first is None else as_number(right)
        return test(left, right) if second is None else test(first, second)
    if isinstance(left, bool) or isinstance(right, bool):
        return test(numbers.text(left), numbers.text(right))
    first, second = as_number(left), as_number(right)
    if first is not None and second is not None:
        return test(first, second)
    return test(numbers.text(left), numbers.text(right))
