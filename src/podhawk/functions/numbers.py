"""Numbers in eval, and the precision rule.

A result has no more digits than the least precise operand: `8.250*0.2` is 2, `8.250*0.20` is 1.7. Only
numbers spelled with a decimal point have a precision; whole numbers and computed values are exact.
Multiplying and dividing keep the smaller number of significant digits; adding and subtracting keep as
many decimals as the operands have, so that 0.1+0.2 is 0.3. Rounding happens when the value becomes
text or a field, never in between.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/eval
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from podhawk.functions.declare import EvalValue
from podhawk.rows.values import as_number, as_text

# Wide enough for every digit of every float: the default of 28 digits refuses large numbers.
_WIDE = Context(prec=1600, rounding=ROUND_HALF_UP)


WHOLE: Final = 2**53
"""The largest number up to which a double holds every whole number."""


class Measured(float):
    """A float that knows its significant digits (`digits`) and its decimals (`places`)."""

    digits: int
    places: int
    least: int

    __slots__ = ("digits", "least", "places")

    @classmethod
    def of(cls, value: float, digits: int, places: int, least: int = 0) -> Measured:
        """A number with its precision. `least` are the significant digits of the least precise operand, which only
        sigfig() asks for (default: `digits`)."""
        made = cls(value)
        made.digits = digits
        made.places = places
        made.least = least or digits
        return made


class Moment(float):
    """A time that strptime() has read: as text it has six decimals, `1700000000.000000`."""

    __slots__ = ()


def spelled(text: str) -> int | float:
    """The number a text spells, with its precision where it has a decimal point."""
    number = as_number(text)
    if number is None:
        raise ValueError(text)
    mantissa = text.lower().split("e")[0].lstrip("+-")
    if "." not in mantissa:
        return number
    whole, decimals = mantissa.split(".", 1)
    digits = len((whole + decimals).lstrip("0"))
    return Measured.of(float(number), max(digits, 1), len(decimals))


def number(value: EvalValue) -> int | float | None:
    """The number that a value counts as in arithmetic, or None."""
    if isinstance(value, str):
        plain = as_number(value)
        return spelled(value) if isinstance(plain, float) and "." in value else plain
    return as_number(value)


def settle(value: EvalValue) -> EvalValue:
    """A value as it leaves an expression: a measured number is rounded to its digits."""
    if not isinstance(value, Measured):
        return f"{value:.6f}" if isinstance(value, Moment) else value
    if float(value) == 0 or not math.isfinite(value):
        return float(value)
    if value.places >= 0:
        return rounded(float(value), -value.places)
    # Only decimals are cut, never digits before the point: 2.1*1024 is 2150, not 2200.
    exponent = min(math.floor(math.log10(abs(value))) - value.digits + 1, 0)
    return rounded(float(value), exponent)


def rounded(value: float, exponent: int) -> float:
    """A finite number rounded half up, as it is spelled, at a power of ten."""
    return float(Decimal(repr(value)).quantize(Decimal((0, (1,), exponent)), context=_WIDE))


def text(value: EvalValue) -> str:
    """A single non-null value as text."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, tuple):
        return value[0] if len(value) == 1 else "\n".join(value)
    settled = settle(value)
    return as_text(settled) if isinstance(settled, (str, int, float)) else ""


def _digits(left: float, right: float) -> int | None:
    found = [operand.digits for operand in (left, right) if isinstance(operand, Measured) and operand.digits > 0]
    return min(found) if found else None


def multiply(left: int | float, right: int | float) -> EvalValue:
    return _limited(left * right, left, right)


def divide(left: int | float, right: int | float) -> EvalValue:
    """Quotient; null for division by zero. Whole quotients of whole numbers stay whole."""
    if right == 0:
        return None
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return _limited(left / right, left, right)


def modulo(left: int | float, right: int | float) -> EvalValue:
    """Remainder with the sign of the dividend; null for zero."""
    if right == 0:
        return None
    if isinstance(left, int) and isinstance(right, int):
        return int(math.fmod(left, right)) if abs(left) < 2**53 else left - right * int(left / right)
    return math.fmod(left, right) if math.isfinite(left) else math.nan


def _limited(value: float, left: float, right: float) -> EvalValue:
    if isinstance(value, int):
        return _double(value)
    digits = _digits(left, right)
    if digits is None:
        return value
    return Measured.of(value, digits, -1)


def _double(value: int) -> int | float:
    """A whole number as a double holds it: beyond 2^53 it may be rounded."""
    return value if -WHOLE <= value <= WHOLE else float(value)


def add(left: int | float, right: int | float) -> EvalValue:
    return _aligned(left + right, left, right)


def subtract(left: int | float, right: int | float) -> EvalValue:
    return _aligned(left - right, left, right)


def _places(operand: int | float) -> int | None:
    if isinstance(operand, int):
        return 0
    if isinstance(operand, Measured):
        return operand.places if operand.places >= 0 else None
    if not math.isfinite(operand):
        return None
    exponent = Decimal(repr(operand)).as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else None


def _aligned(value: int | float, left: int | float, right: int | float) -> EvalValue:
    """Decimal sums come out decimal: as many places as the longer operand has, where that is known."""
    if isinstance(value, int):
        return _double(value)
    if not math.isfinite(value):
        return value
    first, second = _places(left), _places(right)
    if first is None or second is None:
        return value
    rounded = round(value, max(first, second))
    if isinstance(left, Measured) or isinstance(right, Measured):
        digits = len(str(abs(rounded)).replace(".", "").lstrip("0"))
        least = min(operand.least for operand in (left, right) if isinstance(operand, Measured))
        return Measured.of(rounded, max(digits, 1), max(first, second), least)
    return rounded
