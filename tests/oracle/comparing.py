"""Comparisons and conditions of eval, once more."""

from __future__ import annotations

from typing import Any

from oracle.values import number, text


def true(result: Any) -> bool | None:
    if result is None or isinstance(result, bool):
        return result
    amount = number(result)
    return amount != 0 if amount is not None else isinstance(result, str) and result.lower() in ("true", "t")


def compare(operator: str, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    if isinstance(left, tuple) or isinstance(right, tuple):
        lefts = left if isinstance(left, tuple) else (left,)
        rights = right if isinstance(right, tuple) else (right,)
        return any(compare(operator, a, b) is True for a in lefts for b in rights)
    a: Any = number(left)
    b: Any = number(right)
    if a is None or b is None:
        a, b = text(left), text(right)
    return {"=": a == b, "!=": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[operator]
