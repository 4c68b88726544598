"""Numbers, texts and case, once more.

A number that is spelled with a decimal point is `Precise`: it knows how many digits it has. A product has as many
significant digits as its least precise factor, a sum as many decimals as its most precise part. Rounding happens when
the number becomes text.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)


class Precise(float):
    """`digits` are significant digits. `places` are decimals, or None after a product. `least` are the digits of the
    least precise number that went in."""

    digits: int
    places: int | None
    least: int


def precise(amount: float, digits: int, places: int | None, least: int | None = None) -> Precise:
    made = Precise(amount)
    made.digits, made.places, made.least = digits, places, digits if least is None else least
    return made


class Moment(float):
    """A time that was read from a text: as text it has six decimals."""


class JsonText(str):
    """A text that a JSON function has made, so that another one puts it in unquoted."""


def number(value: Any) -> int | float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, tuple):
        return number(value[0]) if len(value) == 1 else None
    if not NUMBER.match(value):
        return None
    made: int | float = int(value) if re.fullmatch(r"[+-]?\d+", value) else float(value)
    return made if abs(made) < 1.7976931348623157e308 else None


def measured(value: Any) -> int | float | None:
    """The number a value is in arithmetic, with its precision."""
    amount = number(value)
    if not isinstance(value, str) or not isinstance(amount, float) or "." not in value:
        return amount
    mantissa = re.split("[eE]", value)[0].lstrip("+-")
    whole, decimals = mantissa.split(".")
    return precise(amount, len((whole + decimals).lstrip("0")) or 1, len(decimals))


def at_place(amount: float, exponent: int) -> float:
    """Rounded half up, as it is spelled, at a power of ten."""
    with localcontext() as context:
        context.prec = 1500
        return float(Decimal(repr(amount)).quantize(Decimal(1).scaleb(exponent), ROUND_HALF_UP))


def magnitude(amount: float) -> int:
    return math.floor(math.log10(abs(amount)))


def settled(value: Any) -> Any:
    """A value as it is stored: rounded to its precision, a moment with six decimals."""
    if isinstance(value, Moment):
        return f"{float(value):.6f}"
    if not isinstance(value, Precise):
        return value
    plain = float(value)
    if plain == 0 or not math.isfinite(plain):
        return plain
    if value.places is not None:
        return at_place(plain, -value.places)
    return at_place(plain, min(magnitude(plain) - value.digits + 1, 0))


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple):
        return "\n".join(value)
    value = settled(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value == int(value) and abs(value) < 1e21 else repr(value)
    return str(value)


def many(value: Any) -> list[str]:
    if value is None:
        return []
    return list(value) if isinstance(value, tuple) else [text(value)]


def one_or_many(values: list[str]) -> Any:
    return None if not values else values[0] if len(values) == 1 else tuple(values)


def folded(word: str) -> str:
    """ASCII letters to lower case; other letters one to one, and never to an ASCII one."""
    out = []
    for char in word:
        if ord(char) < 128:
            out.append(char.lower())
            continue
        for candidate in (char.casefold(), char.lower()):
            if len(candidate) == 1 and ord(candidate) >= 128:
                out.append(candidate)
                break
        else:
            out.append(char)
    return "".join(out)


def rounded(exact: Fraction) -> int | float:
    """Whole numbers stay whole as far as 64 bits reach; anything else is a double."""
    return int(exact) if exact.denominator == 1 and abs(exact) < 2**63 else float(exact)


def group_order(key: tuple[str, ...]) -> list[tuple[int, float, str]]:
    return [(1, 0, part) if number(part) is None else (0, number(part) or 0, part) for part in key]
