"""What kind of thing a value is. A field whose text is a number counts as one, a text in quotes does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracle.documents import load
from oracle.env import Env, Row
from oracle.values import Precise, measured
from podhawk.spl import expression as tree


def typed(test: Callable[[Any], Any]) -> Callable[..., Any]:
    def run(arguments: Any, row: Row, env: Env, value: Callable[..., Any]) -> Any:
        given = value(arguments[0], row, env)
        if isinstance(arguments[0], tree.Field) and isinstance(given, str):
            amount = measured(given)
            given = given if amount is None else amount
        return test(given)

    return run


def is_number(given: Any) -> bool:
    return isinstance(given, (int, float)) and not isinstance(given, bool)


def is_whole(given: Any) -> bool:
    return is_number(given) and (
        isinstance(given, int) or (float(given).is_integer() and not isinstance(given, Precise))
    )


def typeof(given: Any) -> str:
    if given is None:
        return "Invalid"
    if isinstance(given, bool):
        return "Boolean"
    return "Multivalue" if isinstance(given, tuple) else "String" if isinstance(given, str) else "Number"


LAZY: dict[str, Callable[..., Any]] = {
    "isnum": typed(is_number),
    "isint": typed(is_whole),
    "isdouble": typed(lambda given: is_number(given) and not is_whole(given)),
    "isstr": typed(lambda given: isinstance(given, str)),
    "typeof": typed(typeof),
}
OPEN: dict[str, Callable[..., Any]] = {
    "isnull": lambda given: given is None,
    "isnotnull": lambda given: given is not None,
    "isbool": lambda given: isinstance(given, bool),
    "ismv": lambda given: isinstance(given, tuple),
    "isarray": lambda given: isinstance(given, str) and isinstance(load(given), list),
    "isobject": lambda given: isinstance(given, str) and isinstance(load(given), dict),
}
