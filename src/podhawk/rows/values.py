"""What a field can hold.

A field of a row is *absent* (the key is not in the row), *single* (`str`, `int` or `float`) or
*multivalue* (a `tuple` of `str`, never empty, never of length one after a command has stored it).
Text from events keeps its spelling: `1.0` stays `1.0`. Numbers exist only where eval or an
aggregation made them, and become text the moment anything shows or compares them as text.

`Filled` is the text that `fillnull` put in. It behaves as the text it is everywhere, and lets later
parts tell "nothing was there" from "a value that happens to be 0".

`None` is the null of eval. It is never stored in a row: assigning null removes the field.
"""

from __future__ import annotations

import math
import re
from typing import Final

Single = str | int | float
Value = str | int | float | tuple[str, ...]


class Filled(str):
    """A value that `fillnull` put where the event had none."""

    __slots__ = ()


class Sparkline(tuple[str, ...]):
    """Numbers that `sparkline()` made: a multivalue, which tables show as a small chart."""

    __slots__ = ()


class SparkCell(list[str]):
    """The numbers of a sparkline in a result."""


LARGEST: Final = 1.7976931348623157e308
"""The largest double."""

_SPELLED_OUT: Final = 1e21
"""Whole numbers below it are written with all their digits, larger ones with an exponent."""

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)

_BEGINS: Final = frozenset("0123456789+-.")
"""What a number begins with: most texts are told by their first character."""


def as_text(value: Single) -> str:
    """One value as the text Splunk shows: integers without a point, floats without a tail of zeros."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if abs(value) < _SPELLED_OUT and value == int(value):
        return str(int(value))
    return repr(value)


def texts(value: Value) -> tuple[str, ...]:
    """All values of a field, as text."""
    return value if isinstance(value, tuple) else (as_text(value),)


def as_number(value: object) -> int | float | None:
    """The number that a value is or spells; None for anything else.

    A field whose text looks like a number counts as one (`"10"`, `"1e3"`); with blanks round it, or
    beyond what a double can hold, it is text: no event may overflow a sum.
    """
    if value.__class__ is str and value[:1] not in _BEGINS:
        return None
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, tuple):
        return as_number(value[0]) if len(value) == 1 else None
    if not isinstance(value, str) or not _NUMBER.match(value):
        return None
    number: int | float
    try:
        number = int(value)
    except ValueError:
        number = float(value)
    return number if -LARGEST < number < LARGEST else None
