"""Whole logs in the second reading: the rows of each line, and what a detection's search gives on them."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oracle.env import Env
from oracle.fields import pairs, read
from oracle.interpret import run
from oracle.values import text
from podhawk.commands.parse import parse_search
from podhawk.events.time import parse_rfc3339
from podhawk.spl.macros import expand

Rows = list[dict[str, Any]]


def rows_of(path: Path) -> Rows:
    """A compressed log as a raw search gives it: newest first."""
    rows = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for place, line in enumerate(lines):
            raw = line.rstrip("\n")
            data = read(raw)
            row: dict[str, Any] = {
                "_raw": raw,
                "source": "kubernetes",
                "sourcetype": "_json",
                "index": "main",
                "_time": parse_rfc3339(data["requestReceivedTimestamp"]),
            }
            found: dict[str, list[str]] = {}
            for name, given in pairs(data, ""):
                found.setdefault(name, []).append(given)
            row |= {name: given[0] if len(given) == 1 else tuple(given) for name, given in found.items()}
            rows.append(((-row["_time"], -(parse_rfc3339(data["stageTimestamp"]) or 0), place), row))
    return [row for _, row in sorted(rows, key=lambda entry: entry[0])]


def results_of(search: str, macros: Mapping[Any, Any], events: list[dict[str, Any]], exact: bool) -> Rows:
    """The rows of a search, with values as the engine prints them."""
    tree = parse_search(expand(search, macros))
    return [
        {name: list(cell) if isinstance(cell, tuple) else text(cell) for name, cell in row.items()}
        for row in run(tree.stages, None, Env(exact=exact, given=events, run=run))
    ]


def without_nothing(rows: Any) -> Rows:
    """Rows of the engine without the columns that a row lacks."""
    return [{name: cell for name, cell in row.items() if cell is not None} for row in rows or ()]
