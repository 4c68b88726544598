"""printf(): a format such as `"%-10s|%'d"` and the values for it.

The format is read once into pieces. Values that do not suit their conversion, and values that are
missing, make the whole result null.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/
conversion-functions
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from msgspec import Struct

from podhawk.functions import numbers
from podhawk.functions.declare import EvalValue
from podhawk.functions.finite import finite, whole

_CONVERSION = re.compile(r"%(?:%|([-+ #0']*)(\*|\d+)?(?:\.(\*|\d*))?([szdiucoxXpeEfFgGaA]))")
_BITS = 2**64
WIDTH_LIMIT = 4096


class Conversion(Struct, frozen=True):
    """One `%…`: its flags, and the width and precision as numbers, `*` or absent."""

    flags: str
    width: str
    precision: str | None
    letter: str


@lru_cache(maxsize=1024)
def read_format(fmt: str) -> tuple[str | Conversion, ...]:
    """A format as literal texts and conversions. Raises ValueError with the part that is wrong."""
    pieces: list[str | Conversion] = []
    at = 0
    while at < len(fmt):
        start = fmt.find("%", at)
        if start < 0:
            pieces.append(fmt[at:])
            break
        if start > at:
            pieces.append(fmt[at:start])
        found = _CONVERSION.match(fmt, start)
        if not found:
            raise ValueError(f"{fmt[start : start + 8]!r} is not a valid conversion")
        if found[0] == "%%":
            pieces.append("%")
        else:
            for size in (found[2], found[3]):
                if size and size != "*" and int(size[:9]) > WIDTH_LIMIT:
                    raise ValueError(f"{found[0]!r} is wider than {WIDTH_LIMIT}")
            pieces.append(Conversion(found[1], found[2] or "", found[3], found[4]))
        at = found.end()
    return tuple(pieces)


def printf(fmt: str, values: list[EvalValue]) -> str | None:
    """The format filled in, or None. Raises ValueError for a format that is wrong."""
    waiting = iter(values)
    out: list[str] = []
    for piece in read_format(fmt):
        if isinstance(piece, str):
            out.append(piece)
            continue
        flags, width, precision = piece.flags, piece.width, piece.precision
        if width == "*":
            taken = _size(next(waiting, None))
            if taken is None:
                return None
            width = str(abs(taken))
            flags += "-" if taken < 0 else ""
        if precision == "*":
            taken = _size(next(waiting, None))
            if taken is None:
                return None
            precision = str(taken) if taken >= 0 else None
        value = next(waiting, None)
        if value is None or isinstance(value, tuple):
            return None
        body = _body(value, flags, None if precision is None else int(precision or 0), piece.letter)
        if body is None:
            return None
        out.append(_padded(body, flags, int(width or 0), precision, piece.letter))
    return "".join(out)


def _size(value: EvalValue) -> int | None:
    number = whole(value)
    return number if number is not None and abs(number) <= WIDTH_LIMIT else None


def _body(value: EvalValue, flags: str, precision: int | None, letter: str) -> str | None:
    if letter == "c":
        return _character(value)
    if letter in "sz":
        text = numbers.text(value)
        return text if precision is None else text[:precision]
    letter = "X" if letter == "p" else letter
    if letter in "diuoxX":
        number = whole(value)
        return None if number is None else _integer(number, flags, precision, letter)
    real = numbers.number(value)
    if real is None or (isinstance(real, int) and finite(real) is None):
        return None
    return _real(float(real), flags, precision, letter)


class Quoted(str):
    """A text that stands in quotes in the call, so that it is no number even if it spells one."""

    __slots__ = ()


def _character(value: EvalValue) -> str | None:
    """`%c`: the character that has a number as its code point, or the first character of a text."""
    number = None if isinstance(value, Quoted) else numbers.number(value)
    if number is None:
        return numbers.text(value)[:1]
    code = whole(number)
    return chr(code) if code is not None and 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else None


def _integer(number: int, flags: str, precision: int | None, letter: str) -> str:
    if letter in "di":
        digits = str(abs(number)).rjust(precision or 0, "0")
        digits = _grouped(digits) if "'" in flags else digits
        return _sign(number < 0, flags) + digits
    number %= _BITS
    digits = f"{number:{'d' if letter == 'u' else letter}}".rjust(precision or 0, "0")
    if letter == "u" and "'" in flags:
        digits = _grouped(digits)
    prefix = {"o": "0", "x": "0x", "X": "0X"}.get(letter, "") if "#" in flags and number else ""
    return prefix + digits


def _real(number: float, flags: str, precision: int | None, letter: str) -> str:
    magnitude = abs(number)
    if letter in "aA":
        text = _hexadecimal(magnitude, precision) if math.isfinite(magnitude) else str(magnitude)
        text = text.upper() if letter == "A" else text
    else:
        alternate = "#" if "#" in flags else ""
        text = f"{magnitude:{alternate}.{6 if precision is None else precision}{letter}}"
    if "'" in flags and letter in "fFgG" and text[0].isdigit() and "e" not in text.lower():
        whole, point, rest = text.partition(".")
        text = _grouped(whole) + point + rest
    return _sign(math.copysign(1, number) < 0 and not math.isnan(number), flags) + text


def _hexadecimal(magnitude: float, precision: int | None) -> str:
    """A float as C's `%a` writes it: with so many hexadecimal digits after the point, or as many as it needs."""
    whole_part, rest = magnitude.hex()[2:].split(".")
    digits, exponent = rest.split("p")
    digits = digits.rstrip("0") if precision is None else digits
    if precision is not None:
        kept = int(whole_part + digits, 16)
        drop = len(digits) - precision
        if drop > 0:
            half = 16**drop // 2
            kept, over = divmod(kept, 16**drop)
            kept += over > half or (over == half and kept % 2)
        shown = f"{kept:x}".ljust(precision + 1, "0") if drop <= 0 else f"{kept:x}"
        whole_part, digits = shown[: len(shown) - precision], shown[len(shown) - precision :]
    return f"0x{whole_part}{'.' if digits else ''}{digits}p{exponent}"


def _grouped(digits: str) -> str:
    return re.sub(r"(?<=\d)(?=(?:\d{3})+\Z)", ",", digits)


def _sign(negative: bool, flags: str) -> str:
    return "-" if negative else "+" if "+" in flags else " " if " " in flags else ""


def _padded(body: str, flags: str, width: int, precision: str | None, letter: str) -> str:
    if len(body) >= width:
        return body
    if "-" in flags:
        return body.ljust(width)
    if "0" in flags and letter not in "szc" and not (precision is not None and letter in "diuoxXp"):
        found = re.match(r"[+\- ]?(?:0[xX])?", body)
        head = found[0] if found else ""
        return head + body[len(head) :].rjust(width - len(head), "0")
    return body.rjust(width)
