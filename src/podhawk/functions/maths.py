"""Mathematical and statistical functions. What has no real result is null."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from decimal import InvalidOperation

from podhawk.functions import numbers
from podhawk.functions.declare import Build, Env, Evaluator, EvalValue, Function, Volatility
from podhawk.functions.multivalue import listed
from podhawk.rows import Row
from podhawk.spl.expression import Expression, Literal
from podhawk.spl.text import SearchText

_PAGES = "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/"
SOURCE = _PAGES + "mathematical-functions"
STATISTICAL = _PAGES + "statistical-eval-functions"


def numeric(calculate: Callable[..., EvalValue]) -> Callable[..., EvalValue]:
    """A function of numbers: null for what is no number or lies outside its domain, inf for an overflow."""

    def run(*values: EvalValue) -> EvalValue:
        given = [numbers.number(value) for value in values]
        if None in given:
            return None
        try:
            result: EvalValue = calculate(*given)
            return result
        except OverflowError:
            return math.inf
        except (ValueError, ZeroDivisionError, InvalidOperation):
            return None

    return run


def _abs(value: int | float) -> EvalValue:
    if isinstance(value, numbers.Measured):
        return numbers.Measured.of(abs(float(value)), value.digits, value.places)
    return abs(value)


def _whole(calculate: Callable[[float], int]) -> Callable[..., EvalValue]:
    return numeric(lambda value: calculate(value) if math.isfinite(value) else value)


def _round(value: int | float, places: int | float = 0) -> EvalValue:
    """Halves go away from zero, after binary scaling: 22.275 becomes 22.28 but 16.275 becomes 16.27.

    That is what Splunk's users see: the number times a power of ten, plus a half, cut off.
    """
    if not math.isfinite(value) or not math.isfinite(places):
        return value if math.isfinite(places) else None
    count = int(places)
    if not -300 < count < 300:
        return value if count > 0 else 0
    if count < 0:
        step: int = 10**-count
        return int(math.copysign(math.floor(abs(value) / step + 0.5), value)) * step
    if isinstance(value, int):
        return value
    scaled = abs(value) * 10.0**count
    if scaled >= 2**52:
        return float(value) if count else int(value)
    rounded = math.floor(scaled + 0.5)
    return math.copysign(rounded / 10.0**count, value) if count else int(math.copysign(rounded, value))


def _sigfig(value: EvalValue) -> EvalValue:
    """Rounds before the decimal point too, which storing a result does not."""
    if not isinstance(value, numbers.Measured) or float(value) == 0 or not math.isfinite(value):
        return numbers.number(value)
    exponent = math.floor(math.log10(abs(value))) - value.least + 1
    return numbers.rounded(float(value), exponent)


def _exact(value: EvalValue) -> EvalValue:
    return float(value) if isinstance(value, numbers.Measured) else value


def _log(value: int | float, base: int | float = 10) -> EvalValue:
    return math.log10(value) if base == 10 else math.log2(value) if base == 2 else math.log(value, base)


def _pow(base: int | float, exponent: int | float) -> EvalValue:
    result = math.pow(base, exponent)
    if isinstance(base, int) and isinstance(exponent, int) and result == int(result) and abs(result) <= numbers.WHOLE:
        return int(result)
    return result


def _numbers(values: tuple[EvalValue, ...]) -> list[int | float]:
    found: list[int | float] = []
    for value in values:
        parts: tuple[EvalValue, ...] = value if isinstance(value, tuple) else (value,)
        found.extend(number for number in map(numbers.number, parts) if number is not None)
    return found


def _sum(*values: EvalValue) -> EvalValue:
    total: EvalValue = None
    for number in _numbers(values):
        so_far = numbers.number(total)
        try:
            total = number if so_far is None else numbers.add(so_far, number)
        except OverflowError:
            return math.inf
    return total


def _avg(*values: EvalValue) -> EvalValue:
    found = _numbers(values)
    if not found:
        return None
    try:
        return math.fsum(found) / len(found)
    except (OverflowError, ValueError):
        return math.nan


def _of_numbers(name: str, run: Callable[..., EvalValue]) -> Build:
    """A function whose arguments must be able to hold numbers: a text in quotes is an error."""

    def build(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
        for argument in arguments:
            if isinstance(argument, Literal) and isinstance(argument.value, str):
                raise source.error(
                    f"{name}() adds numbers, and {argument.value!r} is text",
                    argument.at,
                    len(argument.value) + 2,
                    "Write a number without quotes, or name a field.",
                )
        return lambda row: run(*[evaluator(row) for evaluator in compiled])

    return build


def _extreme(largest: bool) -> Callable[..., EvalValue]:
    """The smallest or largest of all values; numbers come before texts, nulls do not count."""

    def run(*values: EvalValue) -> EvalValue:
        parts = [
            text
            for value in values
            if value is not None
            for text in (listed(value) if isinstance(value, tuple) else (value,))
        ]
        keyed = [
            (0, number, "", part) if (number := numbers.number(part)) is not None else (1, 0, numbers.text(part), part)
            for part in parts
        ]
        if not keyed:
            return None
        best = (max if largest else min)(keyed, key=lambda entry: entry[:3])
        return best[3]

    return run


def _random(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    # Each random() of one run has its own numbers, so each is seeded with its place among them.
    env.draws += 1
    generator = random.Random(f"{env.now}:{env.draws}:{source.text}")

    def draw(row: Row) -> EvalValue:
        return generator.randrange(2**31)

    return draw


FAMILY: tuple[Function, ...] = (
    Function(
        "abs",
        1,
        1,
        "The absolute value of a number.",
        ("abs(-3)", "3"),
        run=numeric(_abs),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "ceiling",
        1,
        1,
        "The number rounded up to a whole number.",
        ("ceiling(1.9)", "2"),
        run=_whole(math.ceil),
        returns="number",
        aliases=("ceil",),
        source=SOURCE,
    ),
    Function(
        "floor",
        1,
        1,
        "The number rounded down to a whole number.",
        ("floor(1.9)", "1"),
        run=_whole(math.floor),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "exact",
        1,
        1,
        "The result of an expression with all digits, not only those of its least precise operand.",
        ("exact(0.5*0.25)", "0.125"),
        run=_exact,
        returns="number",
        source=SOURCE,
    ),
    Function(
        "exp",
        1,
        1,
        "e to the power of the number.",
        ("exp(0)", "1"),
        run=numeric(math.exp),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "ln",
        1,
        1,
        "The natural logarithm. Null for numbers that are not positive.",
        ("ln(1)", "0"),
        run=numeric(math.log),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "log",
        1,
        2,
        "The logarithm to a base (default: 10). Null for numbers that are not positive.",
        ("log(8, 2)", "3"),
        run=numeric(_log),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "pi",
        0,
        0,
        "The constant pi.",
        ("round(pi(), 4)", "3.1416"),
        run=lambda: math.pi,
        returns="number",
        source=SOURCE,
    ),
    Function(
        "pow",
        2,
        2,
        "The first number to the power of the second.",
        ("pow(2, 10)", "1024"),
        run=numeric(_pow),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "round",
        1,
        2,
        "The number rounded to the given number of decimals (default: 0). Halves are rounded away from zero.",
        ("round(2.555, 2)", "2.56"),
        run=numeric(_round),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "sigfig",
        1,
        1,
        "The result of an expression, rounded to the significant digits of its least precise operand.",
        ("sigfig(1.00*1111)", "1110"),
        run=_sigfig,
        returns="number",
        source=SOURCE,
    ),
    Function(
        "sqrt",
        1,
        1,
        "The square root. Null for a negative number.",
        ("sqrt(9)", "3"),
        run=numeric(math.sqrt),
        returns="number",
        source=SOURCE,
    ),
    Function(
        "sum",
        1,
        None,
        "The sum of all numbers among the arguments and their values. Other values of fields are ignored; a text in "
        "quotes is an error.",
        ('sum(1, split("2,3,x", ","))', "6"),
        build=_of_numbers("sum", _sum),
        returns="number",
        volatility=Volatility.IMMUTABLE,
        source=SOURCE,
    ),
    Function(
        "avg",
        1,
        None,
        "The mean of all numbers among the arguments and their values. Other values of fields are ignored; a text in "
        "quotes is an error.",
        ('avg(1, split("2,x", ","))', "1.5"),
        build=_of_numbers("avg", _avg),
        returns="number",
        volatility=Volatility.IMMUTABLE,
        source=STATISTICAL,
    ),
    Function(
        "max",
        1,
        None,
        "The largest of the arguments and their values. Text is larger than any number.",
        ('max(1, 10, "a")', "a"),
        run=_extreme(True),
        takes_null=True,
        source=STATISTICAL,
    ),
    Function(
        "min",
        1,
        None,
        "The smallest of the arguments and their values. Any number is smaller than text.",
        ('min(9, 10, "a")', "9"),
        run=_extreme(False),
        takes_null=True,
        source=STATISTICAL,
    ),
    Function(
        "random",
        0,
        0,
        "A whole number from 0 to 2^31-1. The sequence depends on the start time and the text of the "
        "search, so that a run with the same --now repeats it.",
        ('if(random() >= 0, "ok", "no")', "ok"),
        build=_random,
        returns="number",
        source=STATISTICAL,
        volatility=Volatility.VOLATILE,
    ),
)
