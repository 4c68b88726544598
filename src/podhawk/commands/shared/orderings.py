"""The order of rows by their fields, as sort, dedup's sortby and tail use it.

Splunk decides pair by pair: two numbers by size, two addresses as addresses, anything else as text. Such
pairs can form a circle (9 < 10 < 1a < 9), in which the result would hang on the order of comparing. So
here each kind has its place: numbers, then addresses, then text. Within a kind the pairs are Splunk's.
Rows without the field come last, ascending or descending; rows that are equal keep their order.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/sort
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import total_ordering
from typing import Any

from msgspec import Struct

from podhawk.commands.shared.names import shown
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, texts
from podhawk.rows.values import Value, as_number
from podhawk.spl.cursor import Cursor

_TYPED = lazy_pattern(r"(auto|str|ip|num)\s*\(", re.IGNORECASE)
_LAST = ("d", "desc", "a", "asc")


class SortField(Struct, frozen=True):
    """One field to sort by; `kind` says how its values compare."""

    name: str
    descending: bool = False
    kind: str = "auto"  # auto, str, num, ip


def parse_sort_fields(cursor: Cursor, signed: bool = False, stop: tuple[str, ...] = ()) -> tuple[SortField, ...]:
    """A list of fields with their signs; `signed` asks for a sign before each (as dedup does)."""
    found: list[SortField] = []
    while not cursor.done and not cursor.next_option():
        at = cursor.at
        sign = cursor.peek() if cursor.peek() in "+-" else ""
        if sign:
            cursor.take(sign)
        elif signed:
            raise cursor.error("sortby needs + or - before each field", at)
        typed = cursor.looking_at(_TYPED)
        kind = "auto"
        if typed:
            kind = typed[1].lower()
            cursor.at = typed.end()
            cursor.space()
        name = cursor.name("a field to sort by")
        if typed and not cursor.take(")"):
            raise cursor.error("this ( is never closed", at)
        if not sign and not typed and found and name.lower() in _LAST and cursor.done:
            if name.lower().startswith("d"):
                return tuple(SortField(one.name, not one.descending, one.kind) for one in found)
            break
        if "*" in name:
            raise cursor.error(f"wildcards are not allowed here: {name}", at)
        found.append(SortField(name, sign == "-", kind))
        cursor.commas()
    return tuple(found)


def render_sort_fields(fields: Sequence[SortField], signed: bool = False) -> str:
    parts = []
    for one in fields:
        name = shown(one.name)
        if one.kind != "auto":
            name = f"{one.kind}({name})"
        elif name.lower() in _LAST and not one.descending:
            name = f"+{name}"
        parts.append(("-" if one.descending else "+" if signed else "") + name)
    return ", ".join(parts)


@total_ordering
class Falling:
    """A text whose order is turned round."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Falling) and self.text == other.text

    def __lt__(self, other: Falling) -> bool:
        return self.text > other.text

    def __hash__(self) -> int:
        return hash(self.text)


def _address(text: str) -> tuple[int, int] | None:
    if not (text[:1].isalnum() or text[:1] == ":") or not ("." in text or ":" in text):
        return None
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return found.version, int(found)


def _value_key(value: Value | None, field: SortField) -> tuple[Any, ...]:
    """A key that compares as the values do; one shape per rank, so that unlike kinds never meet."""
    if value is None:
        return (9,)
    turned = -1 if field.descending else 1
    number = as_number(value) if field.kind in ("auto", "num") else None
    if number is not None and number == number:  # NaN is text
        return (1 * turned, number * turned)
    text = "\n".join(texts(value))
    address = _address(text) if field.kind in ("auto", "ip") else None
    if address is not None:
        return (2 * turned, address[0] * turned, address[1] * turned)
    return (3 * turned, Falling(text) if field.descending else text)


def sort_key(fields: Sequence[SortField]) -> Callable[[Row], tuple[Any, ...]]:
    """The key of a row under a list of fields."""

    def key(row: Row) -> tuple[Any, ...]:
        return tuple(_value_key(row.get(one.name), one) for one in fields)

    return key
