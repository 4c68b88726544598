"""Multivalue functions. A result of one value is a single, a result of none is null."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from podhawk.errors import SearchError
from podhawk.functions import jsonpath, numbers, times
from podhawk.functions.comparison import truth
from podhawk.functions.declare import Env, Evaluator, EvalValue, Function, Volatility
from podhawk.functions.finite import finite
from podhawk.functions.regex import LimitHit, search
from podhawk.rows import Row
from podhawk.spl.expression import Expression, fields
from podhawk.spl.text import SearchText, skip_quoted

SOURCE = (
    "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/"
    "multivalue-eval-functions"
)
RANGE_LIMIT = 100_000
"""The most values mvrange() makes; a longer range is null and warned of."""


def collapse(values: list[str]) -> EvalValue:
    """Texts as one eval value: null for none, a single for one, else a multivalue."""
    if len(values) > 1:
        return tuple(values)
    return values[0] if values else None


def listed(value: EvalValue) -> tuple[str, ...]:
    """The texts of a value: none for null, one for a single."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (numbers.text(value),)


def _index(value: EvalValue) -> int | None:
    number = finite(value)
    return int(number) if number is not None and number == int(number) else None


def _append(*values: EvalValue) -> EvalValue:
    return collapse([text for value in values for text in listed(value)])


def _mvindex(value: EvalValue, start: EvalValue, end: EvalValue = None) -> EvalValue:
    values, first = listed(value), _index(start)
    last = first if end is None else _index(end)
    if first is None or last is None:
        return None
    first += len(values) if first < 0 else 0
    last += len(values) if last < 0 else 0
    if first < 0 or last >= len(values) or first > last:
        return None
    return collapse(list(values[first : last + 1]))


def _mvfind(env: Env, value: EvalValue, pattern: EvalValue) -> EvalValue:
    if isinstance(pattern, tuple):
        return None
    wanted = numbers.text(pattern)
    try:
        for index, text in enumerate(listed(value)):
            if search(wanted, text) is not None:
                return index
    except LimitHit:
        env.warn("regex-limit", wanted)
    except SearchError as error:
        env.warn("regex", error.message)
    return None


def _mvrange(env: Env, start: EvalValue, end: EvalValue, step: EvalValue = 1) -> EvalValue:
    first, last = finite(start), finite(end)
    if first is None or last is None:
        return None
    if isinstance(step, str) and numbers.number(step) is None:
        return _time_range(env, first, last, step)
    stride = finite(step)
    if not stride:
        return None
    count = math.ceil((last - first) / stride)
    if count > RANGE_LIMIT:
        env.warn("mvrange-limit", f"{first} to {last} by {stride}")
        return None
    return collapse([numbers.text(_stepped(first, index, stride)) for index in range(max(count, 0))])


def _stepped(first: int | float, index: int, stride: int | float) -> EvalValue:
    return numbers.add(first, index * stride) if isinstance(stride, int) else round(first + index * stride, 10)


def _time_range(env: Env, first: float, last: float, step: str) -> EvalValue:
    """Steps of a span such as `7d`; days and more follow the calendar of the zone."""
    found = re.fullmatch(r"([0-9]{1,9})([A-Za-z]+)", step.strip())
    unit = times.UNITS.get(found[2].lower()) if found else None
    if not found or not unit or not int(found[1]):
        env.warn("mvrange-step", step)
        return None
    count = int(found[1])
    made: list[str] = []
    try:
        if times.shift(first, count * RANGE_LIMIT, unit, env.zone) < last:
            env.warn("mvrange-limit", f"{first} to {last} by {step}")
            return None
    except (OverflowError, ValueError, OSError):
        pass  # The calendar ends before the limit; the loop below finds out whether the range ends earlier.
    try:
        for index in range(RANGE_LIMIT):
            here = times.shift(first, index * count, unit, env.zone)
            if here >= last:
                break
            made.append(numbers.text(here))
    except (OverflowError, ValueError, OSError):
        env.warn("mvrange-limit", f"{first} to {last} by {step}")
        return None
    return collapse(made)


def _mvzip(first: EvalValue, second: EvalValue, delimiter: EvalValue = ",") -> EvalValue:
    between = numbers.text(delimiter)
    return collapse([left + between + right for left, right in zip(listed(first), listed(second), strict=False)])


def _split(value: EvalValue, delimiter: EvalValue) -> EvalValue:
    if isinstance(value, tuple) or isinstance(delimiter, tuple):
        return None
    text, between = numbers.text(value), numbers.text(delimiter)
    return collapse(text.split(between) if between else list(text)) if text else ""


def _mvfilter(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    name, predicate = _only_field("mvfilter", arguments[0], source), compiled[0]

    def mvfilter(row: Row) -> EvalValue:
        inner = row.copy()
        kept: list[str] = []
        for text in _values(row, name):
            inner[name] = text
            if truth(predicate(inner)) is True:
                kept.append(text)
        return collapse(kept)

    return mvfilter


def _mvmap(arguments: tuple[Expression, ...], compiled: list[Evaluator], env: Env, source: SearchText) -> Evaluator:
    name = _only_field("mvmap", arguments[0], source)
    values, change = compiled

    def mvmap(row: Row) -> EvalValue:
        inner = row.copy()
        made: list[str] = []
        for text in listed(values(row)):
            inner[name] = text
            made.extend(listed(change(inner)))
        return collapse(made)

    return mvmap


def _values(row: Row, name: str) -> Iterable[str]:
    return listed(row.get(name))


def _only_field(function: str, expression: Expression, source: SearchText) -> str:
    names = fields(expression)
    if len(names) != 1:
        told = "none" if not names else ", ".join(sorted(names))
        raise source.error(
            f"{function}() works on exactly one field, but this call names {told}",
            expression.at,
            remedy="Compare one field with constants only.",
        )
    return next(iter(names))


def _commands(value: EvalValue) -> EvalValue:
    """The first word of each part between pipes; pipes in quotes and brackets do not count."""
    text = numbers.text(value)
    parts: list[str] = []
    start = at = depth = 0
    while at < len(text):
        char = text[at]
        if char == '"':
            end = skip_quoted(text, at)
            at = end if end > 0 else len(text)
            continue
        depth += (char == "[") - (char == "]")
        if char == "|" and depth <= 0:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    words = [re.match(r"\s*(\w+)", part) for part in parts]
    return collapse([word[1] for word in words if word])


def _to_json(value: EvalValue, infer: EvalValue = False) -> EvalValue:
    items = [jsonpath.parse(text) if truth(infer) is True else text for text in listed(value)]
    return jsonpath.JsonText(
        jsonpath.dump(
            [text if item is jsonpath.MISSING else item for item, text in zip(items, listed(value), strict=True)]
        )
    )


FAMILY: tuple[Function, ...] = (
    Function(
        "commands",
        1,
        1,
        "The commands of the search in the text, as a multivalue.",
        ('commands("search foo | stats count | sort count")', ["search", "stats", "sort"]),
        run=_commands,
        returns="multivalue",
        source=SOURCE,
    ),
    Function(
        "mvappend",
        1,
        None,
        "All values of all arguments, in order. Nulls are left out.",
        ('mvappend("a", null(), split("b,c", ","))', ["a", "b", "c"]),
        run=_append,
        returns="multivalue",
        takes_null=True,
        source=SOURCE,
    ),
    Function(
        "mvcount",
        1,
        1,
        "The number of values: 1 for a single value, null for no value.",
        ('mvcount(split("a,b,c", ","))', "3"),
        run=lambda value: len(listed(value)),
        returns="number",
        source=SOURCE,
        known_as=("array_length", "array_size", "size"),
    ),
    Function(
        "mvdedup",
        1,
        1,
        "The distinct values, in order of first occurrence.",
        ('mvdedup(split("b,a,b", ","))', ["b", "a"]),
        run=lambda value: collapse(list(dict.fromkeys(listed(value)))),
        returns="multivalue",
        source=SOURCE,
        known_as=("array_distinct",),
    ),
    Function(
        "mvfilter",
        1,
        1,
        "The values of one field for which a condition on that field is true.",
        ('mvfilter(match(verbs, "^(get|list)$"))', ["get", "list"]),
        build=_mvfilter,
        returns="multivalue",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("array_filter",),
    ),
    Function(
        "mvfind",
        2,
        2,
        "The position (starting at 0) of the first value that matches a regular expression, or null "
        "if no value matches.",
        ('mvfind(split("get,list,watch", ","), "^li")', "1"),
        run=_mvfind,
        returns="number",
        needs_env=True,
        pattern=1,
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "mvindex",
        2,
        3,
        "The value at a position (starting at 0), or the values from one position to another, "
        "inclusive. Negative positions count from the end. Null if a position does not exist.",
        ('mvindex(split("a,b,c,d", ","), -2, -1)', ["c", "d"]),
        run=_mvindex,
        one_value=lambda given: len(given) == 2,
        source=SOURCE,
        known_as=("element_at",),
    ),
    Function(
        "mvjoin",
        2,
        2,
        "All values joined into one text, separated by a delimiter.",
        ('mvjoin(split("a,b", ","), "; ")', "a; b"),
        run=lambda value, delimiter: numbers.text(delimiter).join(listed(value)),
        returns="string",
        source=SOURCE,
        known_as=("array_join", "string_join", "strcat_array"),
    ),
    Function(
        "mvmap",
        2,
        2,
        "The result of an expression for each value of the field named by the first argument. Inside "
        "the expression the field has that single value. Nulls are left out.",
        ("mvmap(ports, ports + 1)", ["81", "444"]),
        build=_mvmap,
        returns="multivalue",
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "mvrange",
        2,
        3,
        "Numbers from the first argument up to, but excluding, the second, in steps of the third "
        '(default: 1). A step such as "7d" is a length of time.',
        ("mvrange(1, 7, 2)", ["1", "3", "5"]),
        run=_mvrange,
        returns="multivalue",
        needs_env=True,
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
    ),
    Function(
        "mvsort",
        1,
        1,
        "The values in lexicographic order, compared as text, capitals first.",
        ('mvsort(split("b,10,9,A", ","))', ["10", "9", "A", "b"]),
        run=lambda value: collapse(sorted(listed(value))),
        returns="multivalue",
        source=SOURCE,
    ),
    Function(
        "mvreverse",
        1,
        1,
        "The values in the opposite order.",
        ('mvreverse(split("1,2,3", ","))', ["3", "2", "1"]),
        run=lambda value: collapse(list(listed(value))[::-1]),
        returns="multivalue",
        source=SOURCE,
    ),
    Function(
        "mvzip",
        2,
        3,
        "The values of two multivalues joined in pairs, separated by a comma or by the third "
        "argument. Surplus values of the longer multivalue are dropped.",
        ('mvzip(split("h1,h2", ","), split("80,443", ","), ":")', ["h1:80", "h2:443"]),
        run=_mvzip,
        returns="multivalue",
        source=SOURCE,
    ),
    Function(
        "mv_to_json_array",
        1,
        2,
        "The values as a JSON array of texts. With true() as the second argument, values that are "
        "valid JSON keep their type.",
        ('mv_to_json_array(split("a,1", ","), true())', '["a",1]'),
        run=_to_json,
        returns="string",
        source=SOURCE,
    ),
    Function(
        "split",
        2,
        2,
        "The parts of a text between delimiters. With an empty delimiter, its characters.",
        ('split("a,b", ",")', ["a", "b"]),
        run=_split,
        returns="multivalue",
        source=SOURCE,
        known_as=("str_split", "split_string"),
    ),
)
