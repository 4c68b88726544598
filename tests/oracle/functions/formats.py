"""Conversion functions, and printf."""

from __future__ import annotations

import ctypes
import ipaddress
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from oracle.env import Env, Row
from oracle.values import measured, number, one_or_many, text
from podhawk.spl import expression as tree


def tonumber(value: Any, base: Any = 10) -> Any:
    radix = number(base)
    if isinstance(value, tuple) or radix not in range(2, 37):
        return None
    if radix == 10:
        return measured(value)
    try:
        return int(text(value), int(radix)) if re.fullmatch("[+-]?[0-9A-Za-z]+", text(value)) else None
    except ValueError:
        return None


def tostring(value: Any, form: Any = "") -> Any:
    if isinstance(value, tuple):
        return value if form == "" else one_or_many([made for one in value if (made := tostring(one, form))])
    if form == "":
        return text(value)
    amount = measured(value)
    if amount is None:
        return None
    if form == "hex":
        return ("-" if amount < 0 else "") + "0x" + format(abs(int(amount)), "X")
    if form == "binary":
        return format(int(amount), "b")
    if form == "commas":
        return format(amount, ",") if isinstance(amount, int) else format(cents(amount), ",f")
    return duration(amount)


def cents(amount: float) -> Decimal:
    exact = Decimal(repr(float(amount)))
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP) if abs(exact) < 10**20 else exact


def duration(amount: Any) -> str:
    micros = int((Decimal(repr(float(amount) if isinstance(amount, float) else amount)) * 10**6).to_integral_value())
    seconds, rest = divmod(abs(micros), 10**6)
    days, seconds = divmod(seconds, 86400)
    sign = "-" if micros < 0 else ""
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return sign + (f"{days}+" if days else "") + clock + (f".{rest:06d}" if rest else "")


def ipmask(mask: Any, address: Any) -> Any:
    try:
        bits = [int(ipaddress.IPv4Address(text(one))) for one in (mask, address)]
    except ValueError:
        return None
    return str(ipaddress.IPv4Address(bits[0] & bits[1]))


def tobool(value: Any) -> Any:
    amount = number(value)
    if isinstance(value, tuple):
        return None
    return (
        amount != 0
        if amount is not None
        else {"t": True, "f": False}.get({"true": "t", "false": "f"}.get(text(value).lower(), text(value).lower()))
    )


def toint(value: Any, base: Any = 10) -> Any:
    amount = tonumber(value, base)
    return None if amount is None else math.floor(amount)


def todouble(value: Any, base: Any = 10) -> Any:
    amount = tonumber(value, base)
    return amount if amount is None or isinstance(amount, float) else float(amount)


def printf(arguments: Any, row: Row, env: Env, value: Callable[..., Any]) -> Any:
    form = value(arguments[0], row, env)
    waiting = [(argument, value(argument, row, env)) for argument in arguments[1:]]
    if form is None or isinstance(form, tuple):
        return None
    if re.search(r"%(?![-+ #0']*(\*|\d+)?(\.(\*|\d*))?[szdiucoxXpeEfFgGaA%])", form.replace("%%", "")):
        return None
    out, at = "", 0
    for found in re.finditer(r"%(?:%|([-+ #0']*)(\*|\d+)?(?:\.(\*|\d*))?([a-zA-Z]))", form):
        out += form[at : found.start()]
        at = found.end()
        if found[0] == "%%":
            out += "%"
            continue
        flags, width, precision, letter = found[1], found[2], found[3], found[4]
        if width == "*":
            width = text(waiting.pop(0)[1])
            flags, width = flags + ("-" if width.startswith("-") else ""), width.lstrip("-")
        if precision == "*":
            precision = text(waiting.pop(0)[1])
        if not waiting or waiting[0][1] is None or isinstance(waiting[0][1], tuple):
            return None
        argument, given = waiting.pop(0)
        quoted = isinstance(argument, tree.Literal) and isinstance(argument.value, str)
        body = converted(given, quoted, flags, None if precision is None else int(precision or 0), letter)
        if body is None:
            return None
        out += filled(body, flags, int(width or 0), letter, precision is not None)
    return out + form[at:]


def converted(given: Any, quoted: bool, flags: str, precision: int | None, letter: str) -> str | None:
    amount = measured(given)
    if letter == "c":
        return text(given)[:1] if quoted or amount is None else chr(int(amount)) if amount >= 1 else None
    if letter in "sz":
        return text(given) if precision is None else text(given)[:precision]
    if amount is None:
        return None
    sign = "+" if "+" in flags else " " if " " in flags else ""
    if letter in "diuoxXp":
        whole = int(amount)
        if letter not in "di":
            whole, sign = whole % 2**64, ""
        digits = format(abs(whole), {"o": "o", "x": "x", "X": "X", "p": "X"}.get(letter, "d"))
        digits = digits.zfill(precision or 0)
        if "'" in flags and letter in "diu":
            digits = re.sub(r"(?<=\d)(?=(\d{3})+$)", ",", digits)
        prefix = {"o": "0", "x": "0x", "X": "0X", "p": "0X"}.get(letter, "") if "#" in flags and whole else ""
        return ("-" if whole < 0 else sign) + prefix + digits
    exact = float(amount)
    if letter in "aA":
        # The C library's own.
        made = ctypes.create_string_buffer(200)
        form = "%" + ("" if precision is None else f".{precision}") + letter
        ctypes.CDLL(None).snprintf(made, 200, form.encode(), ctypes.c_double(abs(exact)))
        return ("-" if math.copysign(1, exact) < 0 else sign) + made.value.decode()
    kind = ("#" if "#" in flags else "") + f".{6 if precision is None else precision}{letter}"
    made = format(abs(exact), kind)
    if "'" in flags and "e" not in made.lower():
        whole_part, point, rest = made.partition(".")
        made = re.sub(r"(?<=\d)(?=(\d{3})+$)", ",", whole_part) + point + rest
    return ("-" if math.copysign(1, exact) < 0 else sign) + made


def filled(body: str, flags: str, width: int, letter: str, precise: bool) -> str:
    if "-" in flags:
        return body.ljust(width)
    if "0" not in flags or letter in "szc" or (precise and letter in "diuoxXp"):
        return body.rjust(width)
    found = re.match(r"[+\- ]?(?:0[xX])?", body)
    head = found[0] if found else ""
    return head + body[len(head) :].rjust(width - len(head), "0")


STRICT: dict[str, Callable[..., Any]] = {
    "tonumber": tonumber,
    "tostring": tostring,
    "ipmask": ipmask,
    "tobool": tobool,
    "toint": toint,
    "todouble": todouble,
}
LAZY: dict[str, Callable[..., Any]] = {"printf": printf}
