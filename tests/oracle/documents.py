"""JSON texts and the paths that lead into them, once more."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from oracle.values import JsonText, number, text


class Spelled(str):
    """A number as it was spelled."""


Path = list[str | int | None]
"""A key, an index, or None for every element."""


def no_constant(name: str) -> Any:
    raise ValueError(name)


def load(given: str) -> Any:
    """The document, or ... where the text is none."""
    try:
        return json.loads(given, parse_int=Spelled, parse_float=Spelled, parse_constant=no_constant)
    except (ValueError, RecursionError):
        return ...


def json_of(value: Any) -> str:
    if isinstance(value, Spelled):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_of(str(key))}:{json_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_of, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def shown(value: Any) -> str:
    """A member of a document as the text of a field."""
    return value if isinstance(value, str) else json_of(value)


def path_of(path: str) -> Path | None:
    steps: Path = []
    for part in path.split("."):
        found = re.fullmatch(r"([^{}]*)((?:\{\d*\})*)", part)
        if not part or not found:
            return None
        steps += [found[1]] if found[1] else []
        steps += [int(index) if index else None for index in re.findall(r"\{(\d*)\}", found[2])]
    return steps


def find(value: Any, steps: Path) -> list[Any]:
    found = [value]
    for step in steps:
        found = [inner for one in found for inner in below(one, step)]
    return found


def below(value: Any, step: str | int | None) -> list[Any]:
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else []
    if not isinstance(value, list):
        return []
    return value if step is None else value[step : step + 1]


def written(value: Any) -> JsonText:
    return JsonText(json_of(value))


def as_json(value: Any) -> Any:
    """An eval value as a member of a document."""
    if isinstance(value, JsonText):
        return load(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, tuple):
        return list(value)
    # JSON has no infinity.
    finite = isinstance(value, (int, float)) and math.isfinite(value)
    return Spelled(text(value)) if finite else text(value)


def unquoted(found: Any) -> Any:
    """A member of a document as an eval value."""
    if found is None:
        return None
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, Spelled):
        amount = number(str(found))
        return str(found) if amount is None else amount
    return found if isinstance(found, str) else written(found)
