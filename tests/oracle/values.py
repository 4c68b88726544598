"""Numbers, texts and case, once more."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)


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


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
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
