"""Mathematical, trigonometric and statistical functions. What has no real result is null."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from oracle.arithmetic import arithmetic
from oracle.env import Env, Row
from oracle.values import Precise, at_place, magnitude, measured, number, precise, text


def real(calculate: Callable[..., Any]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        known = [measured(value) for value in values]
        if None in known:
            return None
        try:
            return calculate(*known)
        except OverflowError:
            return math.inf
        except (ValueError, ZeroDivisionError):
            return None

    return run


def absolute(amount: Any) -> Any:
    if isinstance(amount, Precise):
        return precise(abs(float(amount)), amount.digits, amount.places)
    return abs(amount)


def round_(amount: Any, places: Any = 0) -> Any:
    """The number times a power of ten, plus a half, cut off."""
    count = int(places)
    if count < 0:
        step = 10**-count
        return int(math.copysign(math.floor(abs(amount) / step + 0.5), amount)) * step
    if isinstance(amount, int):
        return amount
    scaled = abs(amount) * 10.0**count
    if scaled >= 2**52:
        return float(amount) if count else int(amount)
    cut = math.floor(scaled + 0.5)
    return math.copysign(cut / 10.0**count, amount) if count else int(math.copysign(cut, amount))


def power(base: Any, exponent: Any) -> Any:
    result = math.pow(base, exponent)
    whole = isinstance(base, int) and isinstance(exponent, int)
    return int(result) if whole and result == int(result) and abs(result) <= 2**53 else result


def logarithm(amount: Any, base: Any = 10) -> Any:
    return math.log10(amount) if base == 10 else math.log2(amount) if base == 2 else math.log(amount, base)


def sigfig(value: Any) -> Any:
    if not isinstance(value, Precise) or value == 0 or not math.isfinite(value):
        return measured(value)
    return at_place(float(value), magnitude(value) - value.least + 1)


def parts(values: tuple[Any, ...]) -> list[Any]:
    return [one for value in values if value is not None for one in (value if isinstance(value, tuple) else (value,))]


def extreme(pick: Callable[..., Any]) -> Callable[..., Any]:
    def run(*values: Any) -> Any:
        ranked = [(0, number(one), "") if number(one) is not None else (1, 0, text(one)) for one in parts(values)]
        return parts(values)[ranked.index(pick(ranked))] if ranked else None

    return run


def total(*values: Any) -> Any:
    made: Any = None
    for one in parts(values):
        amount = measured(one)
        if amount is not None:
            made = amount if made is None else arithmetic("+", made, amount)
    return made


def mean(*values: Any) -> Any:
    known = [float(amount) for one in parts(values) if (amount := number(one)) is not None]
    return math.fsum(known) / len(known) if known else None


def random_(arguments: Any, row: Row, env: Env, value: Callable[..., Any]) -> Any:
    """Which numbers come is podhawk's own affair; they are never compared."""
    return 7


STRICT: dict[str, Callable[..., Any]] = {
    "abs": real(absolute),
    "ceil": real(lambda amount: math.ceil(amount) if math.isfinite(amount) else amount),
    "ceiling": real(lambda amount: math.ceil(amount) if math.isfinite(amount) else amount),
    "floor": real(lambda amount: math.floor(amount) if math.isfinite(amount) else amount),
    "exact": lambda value: float(value) if isinstance(value, Precise) else value,
    "exp": real(math.exp),
    "ln": real(math.log),
    "log": real(logarithm),
    "pi": lambda: math.pi,
    "pow": real(power),
    "round": real(round_),
    "sigfig": sigfig,
    "sqrt": real(math.sqrt),
    "hypot": real(lambda a, b: math.hypot(a, b)),
    "atan2": real(lambda y, x: math.atan2(y, x)),
    **{
        name: real(getattr(math, name))
        for name in ["acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "sin", "sinh", "tan", "tanh"]
    },
}
OPEN: dict[str, Callable[..., Any]] = {"max": extreme(max), "min": extreme(min), "sum": total, "avg": mean}
LAZY: dict[str, Callable[..., Any]] = {"random": random_}
