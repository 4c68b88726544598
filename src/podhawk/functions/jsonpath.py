"""JSON values inside eval, and the paths that lead into them.

JSON is text to eval. Functions read it into plain dictionaries and lists, in which a number stays the
text it was spelled with (`Spelled`), and write it back without blanks. `JsonText` marks text that a JSON
function made, so that it nests as a value where other text would be quoted.

A path is steps joined by dots; `{}` after a name means every element of an array and `{n}` the nth,
counted from 0: `items{0}.metadata.name`, `{}.name`. A key that holds a dot cannot be named by a path.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/spath
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any, NoReturn

from podhawk.functions import numbers
from podhawk.rows.values import as_number, as_text


class Spelled(str):
    """A JSON number, as it is written."""

    __slots__ = ()


class JsonText(str):
    """Text that is a JSON array or object made by a JSON function."""

    __slots__ = ()


class Missing:
    """What `parse` gives for text that is not JSON; JSON's own null is None."""

    __slots__ = ()


MISSING = Missing()
PathStep = str | int | None
"""A key, an index, or None for every element."""


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=Spelled, parse_int=Spelled, parse_constant=_constant)


def parse(text: str) -> Any:
    """The value a JSON text holds, or MISSING. Of duplicate keys the last wins."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return MISSING


def dump(value: Any) -> str:
    """A value as JSON text without blanks. Raises RecursionError for absurd nesting."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Spelled():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return (
                "{"
                + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{dump(item)}" for key, item in value.items())
                + "}"
            )
        case list():
            return "[" + ",".join(dump(item) for item in value) + "]"
        case _:
            return json.dumps(value)


def shortest(value: Any) -> Any:
    """A JSON value with each number in its shortest form: 1.00 is 1."""
    match value:
        case Spelled():
            number = as_number(str(value))
            return value if number is None else Spelled(as_text(number))
        case dict():
            return {key: shortest(item) for key, item in value.items()}
        case list():
            return [shortest(item) for item in value]
    return value


_STEP = re.compile(r"([^{}]*)((?:\{\d*\})*)\Z")


@lru_cache(maxsize=4096)
def steps(path: str) -> tuple[PathStep, ...] | None:
    """The steps of a path, or None if it is no path."""
    found: list[PathStep] = []
    for part in path.split("."):
        parsed = _STEP.match(part)
        if not parsed or not part:
            return None
        if parsed[1]:
            found.append(parsed[1])
        for index in re.findall(r"\{(\d*)\}", parsed[2]):
            found.append(int(index) if index else None)
    return tuple(found)


def find(value: Any, path: tuple[PathStep, ...]) -> list[Any]:
    """Every value a path leads to, in document order."""
    here = [value]
    for step in path:
        there: list[Any] = []
        for item in here:
            if isinstance(step, str):
                if isinstance(item, dict) and step in item:
                    there.append(item[step])
            elif isinstance(item, list):
                if step is None:
                    there.extend(item)
                elif step < len(item):
                    there.append(item[step])
        here = there
    return here


def holders(value: Any, path: tuple[PathStep, ...], create: bool = False) -> list[tuple[Any, str | int]]:
    """The container and key of every place a path names; with `create`, missing objects are made.

    Places at the end of a path exist, or with `create` may be a new key of an existing object.
    """
    here: list[Any] = [value]
    for step in path[:-1]:
        there: list[Any] = []
        for container, key in _places(here, step, create):
            if create and isinstance(container, dict) and key not in container:
                container[key] = {}
            there.append(container[key])
        here = there
    return _places(here, path[-1], create) if path else []


def _places(containers: list[Any], step: PathStep, create: bool) -> list[tuple[Any, str | int]]:
    found: list[tuple[Any, str | int]] = []
    for container in containers:
        if isinstance(step, str):
            if isinstance(container, dict) and (create or step in container):
                found.append((container, step))
        elif isinstance(container, list):
            indices = range(len(container)) if step is None else [step] if step < len(container) else []
            found.extend((container, index) for index in indices)
    return found


def json_value(value: object) -> Any:
    """An eval value as JSON: text quoted unless a JSON function made it, numbers and booleans as they are."""
    match value:
        case JsonText():
            document = parse(value)
            return str(value) if document is MISSING else document
        case bool() | None:
            return value
        case tuple():
            return list(value)
        case float() if not math.isfinite(value):
            return as_text(value)
        case int() | float():
            return Spelled(numbers.text(value))
        case _:
            return str(value)
