"""Multivalue functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from oracle import regexes
from oracle.calendars import UNITS, moved
from oracle.comparing import true
from oracle.env import Env, Row
from oracle.values import many, number, one_or_many, text
from podhawk.spl.expression import fields

MOST = 100_000
"""The most values of mvrange: a longer range is null."""


def mvindex(value: Any, start: Any, end: Any = None) -> Any:
    values, first, last = many(value), number(start), number(start if end is None else end)
    if first is None or last is None or first != int(first) or last != int(last):
        return None
    begin, stop = (int(place) + (len(values) if place < 0 else 0) for place in (first, last))
    if begin < 0 or stop >= len(values) or begin > stop:
        return None
    return one_or_many(values[begin : stop + 1])


def mvfind(value: Any, pattern: Any) -> Any:
    for place, word in enumerate(many(value)):
        if regexes.search(text(pattern), word) is not None:
            return place
    return None


def mvrange(start: Any, end: Any, step: Any = 1) -> Any:
    here, stop = number(start), number(end)
    if here is None or stop is None:
        return None
    length = re.fullmatch(r"(\d+)([a-z]+)", step) if isinstance(step, str) and number(step) is None else None
    if length and length[2] not in UNITS:
        return None
    made: list[str] = []
    if length:
        while len(made) <= MOST and (at := moved(here, len(made) * int(length[1]), UNITS[length[2]])) < stop:
            made.append(text(at))
        return one_or_many(made) if len(made) <= MOST else None
    stride = number(step)
    if not stride or (stop - here) / stride > MOST:
        return None
    while (here < stop) if stride > 0 else (here > stop):
        made.append(text(here))
        here = here + stride if isinstance(stride, int) else round(here + stride, 10)
    return one_or_many(made)


def split(value: Any, delimiter: Any) -> Any:
    if isinstance(value, tuple) or isinstance(delimiter, tuple):
        return None
    word, between = text(value), text(delimiter)
    return "" if not word else one_or_many(word.split(between) if between else list(word))


def commands(value: Any) -> Any:
    """The first word of each part between pipes that stand outside quotes and brackets."""
    parts, depth, quoted = [""], 0, False
    for char in text(value):
        quoted ^= char == '"'
        depth += 0 if quoted else (char == "[") - (char == "]")
        if char == "|" and not quoted and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    found = [re.match(r"\s*(\w+)", part) for part in parts]
    return one_or_many([word[1] for word in found if word])


def mvfilter(arguments: Any, row: Row, env: Env, value: Callable[..., Any]) -> Any:
    (name,) = fields(arguments[0])
    return one_or_many(
        [word for word in many(row.get(name)) if true(value(arguments[0], {**row, name: word}, env)) is True]
    )


def mvmap(arguments: Any, row: Row, env: Env, value: Callable[..., Any]) -> Any:
    (name,) = fields(arguments[0])
    made: list[str] = []
    for word in many(value(arguments[0], row, env)):
        made += many(value(arguments[1], {**row, name: word}, env))
    return one_or_many(made)


STRICT: dict[str, Callable[..., Any]] = {
    "commands": commands,
    "mvcount": lambda value: len(many(value)),
    "mvdedup": lambda value: one_or_many(list(dict.fromkeys(many(value)))),
    "mvfind": mvfind,
    "mvindex": mvindex,
    "mvjoin": lambda value, between: text(between).join(many(value)),
    "mvrange": mvrange,
    "mvreverse": lambda value: one_or_many(many(value)[::-1]),
    "mvsort": lambda value: one_or_many(sorted(many(value))),
    "mvzip": lambda a, b, between=",": one_or_many(
        [text(between).join(pair) for pair in zip(many(a), many(b), strict=False)]
    ),
    "split": split,
}
OPEN: dict[str, Callable[..., Any]] = {
    "mvappend": lambda *values: one_or_many([word for value in values for word in many(value)]),
}
LAZY: dict[str, Callable[..., Any]] = {"mvfilter": mvfilter, "mvmap": mvmap}
