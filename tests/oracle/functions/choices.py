"""Comparison and conditional functions."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from oracle import regexes
from oracle.clause import holds
from oracle.comparing import compare, true
from oracle.env import Env, Row
from oracle.values import many, text
from podhawk.spl.clause import parse_clause
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import plain


def branches(wanted: bool) -> Callable[..., Any]:
    def run(arguments: Any, row: Row, env: Env, value: Callable[..., Any]) -> Any:
        for condition, given in zip(arguments[::2], arguments[1::2], strict=True):
            if true(value(condition, row, env)) is wanted:
                return value(given, row, env)
        return None

    return run


def if_(arguments: Any, row: Row, env: Env, value: Callable[..., Any]) -> Any:
    return value(arguments[1 if true(value(arguments[0], row, env)) is True else 2], row, env)


def coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def member(first: Any, *others: Any) -> Any:
    return None if first is None else any(compare("=", first, other) is True for other in others)


def like(value: Any, pattern: Any) -> Any:
    if value is None or pattern is None or isinstance(pattern, tuple):
        return None
    return any(fits(text(pattern), word) for word in many(value))


def fits(pattern: str, word: str) -> bool:
    """For each place of the word, whether the pattern so far can end there: linear, as no regular expression is."""
    ends = [True, *[False] * len(word)]
    for char in pattern:
        if char == "%":
            first = ends.index(True) if True in ends else len(ends)
            ends = [place >= first for place in range(len(ends))]
        else:
            ends = [False, *(ends[place] and char in ("_", word[place]) for place in range(len(word)))]
    return ends[-1]


def match(value: Any, pattern: Any) -> Any:
    if value is None or pattern is None or isinstance(pattern, tuple):
        return None
    return any(regexes.search(text(pattern), word) is not None for word in many(value))


def cidrmatch(cidr: Any, address: Any) -> Any:
    if cidr is None or address is None:
        return None
    return any(inside(one, other) for one in many(cidr) for other in many(address))


def inside(cidr: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip()) in ipaddress.ip_network(cidr.strip(), strict=False)
    except (ValueError, TypeError):
        return False


def searchmatch(arguments: Any, row: Row, env: Env, value: Callable[..., Any]) -> Any:
    words = arguments[0].value
    return holds(parse_clause(Cursor(plain(words), 0, len(words)), lambda cursor: None), row, env.now)


LAZY: dict[str, Callable[..., Any]] = {
    "case": branches(True),
    "validate": branches(False),
    "if": if_,
    "searchmatch": searchmatch,
}
OPEN: dict[str, Callable[..., Any]] = {
    "coalesce": coalesce,
    "nullif": lambda first, second: None if compare("=", first, second) is True else first,
    "in": member,
    "like": like,
    "match": match,
    "cidrmatch": cidrmatch,
    "true": lambda: True,
    "false": lambda: False,
    "null": lambda: None,
}
