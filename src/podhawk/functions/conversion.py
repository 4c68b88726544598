"""Conversion functions: from text to numbers and back, masks, formats, and JSON kinds."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal
from ipaddress import AddressValueError, IPv4Address

from podhawk.functions import jsonpath, numbers
from podhawk.functions.declare import Env, Evaluator, EvalValue, Function, Volatility
from podhawk.functions.finite import finite
from podhawk.functions.multivalue import collapse, listed
from podhawk.functions.printf import Quoted, printf, read_format
from podhawk.rows import Row
from podhawk.spl.expression import Expression, Literal
from podhawk.spl.text import SearchText

SOURCE = (
    "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/conversion-functions"
)
FORMATS = ("binary", "hex", "commas", "duration")


def _tonumber(value: EvalValue, base: EvalValue = 10) -> EvalValue:
    radix = numbers.number(base)
    if isinstance(value, tuple) or radix is None or radix not in range(2, 37):
        return None
    if radix == 10:
        return numbers.number(value)
    text = numbers.text(value)
    if not re.fullmatch(r"[+-]?[0-9A-Za-z]{1,256}", text):
        return None
    try:
        return int(text, int(radix))
    except ValueError:
        return None


def _checked(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    """tonumber: what is wrong with a literal is said before the run, what is wrong with a field is null."""
    value = arguments[0]
    base = arguments[1] if len(arguments) > 1 else Literal(10, "10")
    if isinstance(base, Literal):
        radix = numbers.number(base.value)
        if radix is None or radix not in range(2, 37):
            raise source.error(f"tonumber() takes a base from 2 to 36, not {base.value!r}", base.at)
        if isinstance(value, Literal) and _tonumber(value.value, radix) is None:
            raise source.error(f"{value.value!r} is not a number in base {radix}", value.at, len(str(value.value)) + 2)
    return _strict(_tonumber, compiled)


def _strict(run: object, compiled: list[Evaluator]) -> Evaluator:
    assert callable(run)
    call = run

    def strict(row: Row) -> EvalValue:
        values = [evaluator(row) for evaluator in compiled]
        result: EvalValue = None if None in values else call(*values)
        return result

    return strict


def _tostring(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    if len(arguments) > 1:
        wanted = arguments[1]
        if isinstance(wanted, Literal) and str(wanted.value).lower() not in FORMATS:
            raise source.error(
                f"unknown format {wanted.value!r} for tostring()",
                wanted.at,
                len(str(wanted.value)) + 2,
                f"Known formats: {', '.join(FORMATS)}.",
            )
    return _strict(_shown, compiled)


def _shown(value: EvalValue, fmt: EvalValue = "") -> EvalValue:
    if isinstance(value, tuple):
        if fmt == "":
            return value
        shown = [_shown(text, fmt) for text in value]
        return collapse([text for text in shown if isinstance(text, str)])
    if fmt == "":
        return numbers.text(value)
    number = finite(value)
    if number is None or isinstance(fmt, tuple):
        return None
    match numbers.text(fmt).lower():
        case "hex":
            return f"{'-' if number < 0 else ''}0x{abs(int(number)):X}"
        case "binary":
            return f"{int(number):b}"
        case "commas":
            if isinstance(number, int):
                return f"{number:,}"
            exact = Decimal(repr(float(number)))
            return f"{exact.quantize(Decimal('0.01'), ROUND_HALF_UP) if abs(number) < 1e20 else exact:,f}"
        case "duration":
            return duration(number)
        case _:
            return None


def duration(seconds: int | float) -> str:
    """Seconds as `[days+]hh:mm:ss`, with microseconds where there is a fraction."""
    micros = round(Decimal(repr(seconds)) * 10**6) if isinstance(seconds, float) else seconds * 10**6
    sign = "-" if micros < 0 else ""
    whole, rest = divmod(abs(micros), 10**6)
    days, whole = divmod(whole, 86400)
    text = f"{sign}{f'{days}+' if days else ''}{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{text}.{rest:06d}" if rest else text


def _ipmask(mask: EvalValue, address: EvalValue) -> EvalValue:
    if isinstance(mask, tuple) or isinstance(address, tuple):
        return None
    try:
        bits = int(IPv4Address(numbers.text(mask))) & int(IPv4Address(numbers.text(address)))
    except AddressValueError:
        return None
    return str(IPv4Address(bits))


def _printf(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    first = arguments[0]
    if isinstance(first, Literal):
        try:
            read_format(str(first.value))
        except ValueError as error:
            raise source.error(
                f"printf(): {error}",
                first.at,
                len(str(first.value)) + 2,
                "Known conversions: %s %z %d %i %u %c %o %x %X %p %e %f %g %a. Write %% for a percent sign.",
            ) from None
    fmt, *values = [
        _quoted(argument.value) if isinstance(argument, Literal) and isinstance(argument.value, str) else evaluator
        for argument, evaluator in zip(arguments, compiled, strict=True)
    ]

    def fill(row: Row) -> EvalValue:
        wanted = fmt(row)
        if wanted is None or isinstance(wanted, tuple):
            return None
        try:
            return printf(numbers.text(wanted), [value(row) for value in values])
        except ValueError as error:
            env.warn("printf", str(error))
            return None

    return fill


def _quoted(text: str) -> Evaluator:
    constant = Quoted(text)
    return lambda row: constant


def _tobool(value: EvalValue) -> EvalValue:
    if isinstance(value, tuple):
        return None
    number = numbers.number(value)
    if number is not None:
        return number != 0
    return {"true": True, "t": True, "false": False, "f": False}.get(numbers.text(value).lower())


def _toint(value: EvalValue, base: EvalValue = 10) -> EvalValue:
    number = finite(_tonumber(value, base))
    return None if number is None else math.floor(number)


def _todouble(value: EvalValue, base: EvalValue = 10) -> EvalValue:
    number = numbers.number(_tonumber(value, base))
    try:
        return None if number is None else number if isinstance(number, float) else float(number)
    except OverflowError:
        return math.inf


def _toarray(value: EvalValue) -> EvalValue:
    if isinstance(value, tuple):
        return jsonpath.JsonText(jsonpath.dump(list(value)))
    if not isinstance(value, str):
        return jsonpath.JsonText(jsonpath.dump([jsonpath.json_value(value)]))
    found = jsonpath.parse(value)
    return jsonpath.JsonText(jsonpath.dump(jsonpath.shortest(found))) if isinstance(found, list) else None


def _toobject(value: EvalValue) -> EvalValue:
    found = jsonpath.parse(value) if isinstance(value, str) else jsonpath.MISSING
    return jsonpath.JsonText(jsonpath.dump(jsonpath.shortest(found))) if isinstance(found, dict) else None


def _tomv(value: EvalValue) -> EvalValue:
    document = jsonpath.parse(value) if isinstance(value, str) else jsonpath.MISSING
    if isinstance(document, list):
        return collapse([item if isinstance(item, str) else jsonpath.dump(item) for item in document])
    return collapse(list(listed(value)))


FAMILY: tuple[Function, ...] = (
    Function(
        "tonumber",
        1,
        2,
        "Converts text to a number, in a base from 2 to 36 (default: 10). If the text is not a "
        "number, the result is null for a field and an error for a literal.",
        ('tonumber("0A4", 16)', "164"),
        build=_checked,
        returns="number",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("to_number", "cast", "toreal", "parse_int"),
    ),
    Function(
        "tostring",
        1,
        2,
        "Converts a value to text: a boolean to True or False, a number unchanged or formatted as "
        '"hex", "binary", "commas" (with two decimals unless the number is whole) or "duration" '
        "(seconds as hh:mm:ss).",
        ('tostring(615, "duration")', "00:10:15"),
        build=_tostring,
        returns="string",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("to_string", "str"),
    ),
    Function(
        "printf",
        1,
        None,
        "Formats values with a format string, as in C (%s, %d, %5.2f, %x, …). Null if a value is "
        "missing or has the wrong type.",
        ('printf("%-5s|%05.1f|%\'d", "get", 3.14159, 1234567)', "get  |003.1|1,234,567"),
        build=_printf,
        returns="string",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "ipmask",
        2,
        2,
        "The bitwise AND of an IPv4 address and a mask.",
        ('ipmask("255.255.255.0", "10.20.30.120")', "10.20.30.0"),
        run=_ipmask,
        returns="string",
        source=SOURCE,
    ),
    Function(
        "tobool",
        1,
        1,
        "Converts to a boolean: 0 is false, any other number is true; the texts true, t, false and f "
        "are recognised in any case. Null for other values.",
        ('if(tobool("T"), "yes", "no")', "yes"),
        run=_tobool,
        returns="boolean",
        source=SOURCE,
    ),
    Function(
        "toint",
        1,
        2,
        "Converts text to a whole number, rounded down. Null if the text is not a number.",
        ('toint("12.9")', "12"),
        run=_toint,
        returns="number",
        source=SOURCE,
    ),
    Function(
        "todouble",
        1,
        2,
        "Converts text to a floating-point number. Null if the text is not a number.",
        ('todouble("1.5")', "1.5"),
        run=_todouble,
        returns="number",
        source=SOURCE,
    ),
    Function(
        "toarray",
        1,
        1,
        "Converts to a JSON array: the text of an array is written without blanks, and with numbers in their "
        "shortest form; a multivalue becomes an array of its texts, a number an array of one. Null for other text.",
        ('toarray(split("a,b", ","))', '["a","b"]'),
        run=_toarray,
        returns="string",
        source=SOURCE,
    ),
    Function(
        "toobject",
        1,
        1,
        "A JSON object, written without blanks and with numbers in their shortest form. Null for any other value.",
        (r'toobject("{\"a\":1}")', '{"a":1}'),
        run=_toobject,
        returns="string",
        source=SOURCE,
    ),
    Function(
        "tomv",
        1,
        1,
        "The elements of a JSON array as a multivalue; any other value unchanged.",
        (r'tomv("[1,\"b\"]")', ["1", "b"]),
        run=_tomv,
        returns="multivalue",
        source=SOURCE,
    ),
)
