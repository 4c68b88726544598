"""JSON text to fields, once more."""

from __future__ import annotations

import json
from typing import Any


class Spelled(str):
    """A number as it was spelled."""


def read(text: str) -> Any:
    return json.loads(text, parse_int=Spelled, parse_float=Spelled, parse_constant=Spelled)


def pairs(value: Any, name: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in pairs(inner, f"{name}.{key}" if name else key)]
    if isinstance(value, list):
        return [pair for inner in value for pair in pairs(inner, name + "{}")]
    if value is None:
        return [(name, "null")]
    if isinstance(value, bool):
        return [(name, "true" if value else "false")]
    return [(name, str(value))]


def row_of(text: str) -> dict[str, Any]:
    """The fields of one JSON event, with `_raw` and, from a numeric member, `_time`."""
    data = read(text)
    row: dict[str, Any] = {"_raw": text, "index": "main", "host": "localhost", "sourcetype": "_json"}
    stamp = data.get("_time")
    if isinstance(stamp, Spelled):
        number = float(stamp)
        row["_time"] = int(number) if number == int(number) else number
    found: dict[str, list[str]] = {}
    for name, value in pairs(data, ""):
        if name not in ("_time", "_raw"):
            found.setdefault(name, []).append(value)
    for name, values in found.items():
        row[name] = values[0] if len(values) == 1 else tuple(values)
    return row
