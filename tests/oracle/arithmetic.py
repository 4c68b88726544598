"""Operators over numbers, once more."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import Any

from oracle.values import Precise, precise


def arithmetic(operator: str, a: Any, b: Any) -> Any:
    if operator in "+-":
        return added(a, b if operator == "+" else negated(b))
    if operator == "*":
        return product(a * b, a, b)
    if b == 0:
        return None
    if operator == "/":
        return a // b if isinstance(a, int) and isinstance(b, int) and a % b == 0 else product(a / b, a, b)
    if isinstance(a, int) and isinstance(b, int):
        return int(math.fmod(a, b)) if abs(a) < 2**53 else a - b * int(a / b)
    return math.fmod(a, b)


def negated(amount: Any) -> Any:
    if isinstance(amount, Precise):
        return precise(-amount, amount.digits, amount.places, amount.least)
    return -amount


def product(result: Any, a: Any, b: Any) -> Any:
    if isinstance(result, int):
        return result if abs(result) <= 2**53 else float(result)
    digits = [one.digits for one in (a, b) if isinstance(one, Precise)]
    return precise(result, min(digits), None) if digits else result


def decimals(amount: Any) -> int | None:
    if isinstance(amount, Precise):
        return amount.places
    exponent = Decimal(repr(amount)).as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else None


def added(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        return a + b if abs(a + b) <= 2**53 else float(a + b)
    places = decimals(a), decimals(b)
    if None in places or not math.isfinite(a + b):
        return float(a) + float(b)
    known = [one.least for one in (a, b) if isinstance(one, Precise)]
    most = max(one for one in places if one is not None)
    if all(isinstance(one, int | Precise) and abs(one) <= 2**53 for one in (a, b)):
        with localcontext() as context:
            context.prec = 800
            exact = float(Decimal(repr(plain(a))) + Decimal(repr(plain(b))))
    else:
        exact = round(float(a) + float(b), most)
    if not known:
        return exact
    digits = len(str(abs(exact)).replace(".", "").lstrip("0")) or 1
    return precise(exact, digits, most, min(known))


def plain(amount: Any) -> Any:
    return float(amount) if isinstance(amount, float) else amount
