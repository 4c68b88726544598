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

_CONVERSION = re.compile(r"%(?:%|([-+ #0']*)(\*|\d+)?(?:\.(\*|\d*))?([sdiucoxXeEfFgGaA]))")
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
    if letter in "sc":
        text = numbers.text(value)
        return text[:1] if letter == "c" else text if precision is None else text[:precision]
    if letter in "diuoxX":
        number = whole(value)
        return None if number is None else _integer(number, flags, precision, letter)
    real = numbers.number(value)
    if real is None or (isinstance(real, int) and finite(real) is None):
        return None
    return _real(float(real), flags, precision, letter)


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
        text = magnitude.hex() if math.isfinite(magnitude) else str(magnitude)
        text = re.sub(r"\.0p", "p", re.sub(r"(\.\d*[1-9a-f]|\.0)0*p", r"\1p", text))
        text = text.upper() if letter == "A" else text
    else:
        alternate = "#" if "#" in flags else ""
        text = f"{magnitude:{alternate}.{6 if precision is None else precision}{letter}}"
    if "'" in flags and letter in "fFgG" and text[0].isdigit() and "e" not in text.lower():
        whole, point, rest = text.partition(".")
        text = _grouped(whole) + point + rest
    return _sign(math.copysign(1, number) < 0 and not math.isnan(number), flags) + text


def _grouped(digits: str) -> str:
    return re.sub(r"(?<=\d)(?=(?:\d{3})+\Z)", ",", digits)


def _sign(negative: bool, flags: str) -> str:
    return "-" if negative else "+" if "+" in flags else " " if " " in flags else ""


def _padded(body: str, flags: str, width: int, precision: str | None, letter: str) -> str:
    if len(body) >= width:
        return body
    if "-" in flags:
        return body.ljust(width)
    if "0" in flags and letter not in "sc" and not (precision is not None and letter in "diuoxX"):
        found = re.match(r"[+\- ]?(?:0[xX])?", body)
        head = found[0] if found else ""
        return head + body[len(head) :].rjust(width - len(head), "0")
    return body.rjust(width)
