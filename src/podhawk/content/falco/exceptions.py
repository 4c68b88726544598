"""Exceptions of Falco rules, as conditions.

An exception has fields, operators (`comps`) and lists of values; an event that one of them matches raises no alert.

Source: https://falco.org/docs/concepts/rules/exceptions/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from podhawk.content.falco.condition import (
    LIST_OPERATORS,
    TEXT_OPERATORS,
    AllOf,
    AnyOf,
    Comparison,
    Negation,
    Node,
    items_of,
    read_field,
)
from podhawk.errors import ContentError, nearest


def with_exceptions(condition: Node, exceptions: Any, lists: Mapping[str, Sequence[str]]) -> Node:
    """A condition, less what the exceptions match. Raises ContentError for an exception that is not understood."""
    if exceptions is None:
        return condition
    if not isinstance(exceptions, list):
        raise ContentError("'exceptions' must be a list")
    found = tuple(node for one in exceptions for node in _exception(one, lists))
    if not found:
        return condition
    return AllOf((condition, Negation(found[0] if len(found) == 1 else AnyOf(found))))


def _exception(one: Any, lists: Mapping[str, Sequence[str]]) -> Iterator[Node]:
    if not isinstance(one, dict) or "name" not in one:
        raise ContentError("an exception has no name")
    name, values = one["name"], one.get("values")
    if not values:
        return
    if "fields" not in one:
        raise ContentError(f"the exception {name!r} has values and no fields")
    fields, single = one["fields"], not isinstance(one["fields"], list)
    fields = [fields] if single else fields
    comps = one.get("comps", ["in" if single else "="] * len(fields))
    comps = [comps] if not isinstance(comps, list) else comps
    if len(comps) != len(fields):
        raise ContentError(f"the exception {name!r} has {len(fields)} fields and {len(comps)} comps")
    for comp in comps:
        if comp not in (*TEXT_OPERATORS, *LIST_OPERATORS):
            raise ContentError(
                f"the exception {name!r} has the unknown operator {comp!r}",
                remedy=nearest(str(comp), (*TEXT_OPERATORS, *LIST_OPERATORS)),
            )
    if single:
        if comps[0] in LIST_OPERATORS:
            yield _test(fields[0], comps[0], values, lists)
        else:
            yield from (_test(fields[0], comps[0], value, lists) for value in _listed(values))
        return
    for row in values if isinstance(values, list) else [values]:
        cells = _listed(row)
        if len(cells) != len(fields):
            raise ContentError(f"the exception {name!r} has {len(fields)} fields, and a row of {len(cells)} values")
        parts = tuple(_test(field, comp, cell, lists) for field, comp, cell in zip(fields, comps, cells, strict=True))
        yield parts[0] if len(parts) == 1 else AllOf(parts)


def _test(field: Any, comp: str, value: Any, lists: Mapping[str, Sequence[str]]) -> Comparison:
    if comp not in LIST_OPERATORS:
        if isinstance(value, list):
            raise ContentError(f"an exception compares {field} by {comp} with a list")
        return Comparison(read_field(str(field)), "=" if comp == "==" else comp, (str(value),))
    items = [item for one in _listed(value) for item in _words(str(one), lists)]
    return Comparison(read_field(str(field)), comp, tuple(dict.fromkeys(items)))


def _words(text: str, lists: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """The values that one entry stands for. An entry can be a list in parentheses, as it stands in conditions."""
    if text.startswith("(") and text.endswith(")"):
        return [item for one in text[1:-1].split(",") for item in items_of(one.strip().strip("\"'"), lists)]
    return items_of(text, lists)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
