"""Findings as a table with all fields, for spreadsheets: one line per finding, the same columns in every run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from podhawk.content.model import Detection
from podhawk.detect.finding import Finding, Suppression
from podhawk.detect.report.finding_json import to_record

if TYPE_CHECKING:
    from podhawk.api import Cell

_SAMPLE: Final = Finding(
    finding_id="",
    detection=Detection(name="", search=""),
    kind="finding",
    first_time=0,
    last_time=0,
    title="",
    severity="low",
    risk_score=0,
    cluster="",
    suppressed_by=Suppression("", "", "", "", ""),
)


@lru_cache(maxsize=1)
def csv_columns() -> tuple[str, ...]:
    """The columns: the members of a finding's record; those of objects with a dot, such as `actor.user`. After them
    `hidden by`."""
    return (*(name for name, _ in _flat(to_record(_SAMPLE), "")), "hidden by")


def csv_row(finding: Finding, hidden: str) -> dict[str, Cell]:
    """A finding as a line. The parts of a list are on separate lines within the cell; parts that are objects are
    JSON."""
    return {**dict(_flat(to_record(finding), "")), "hidden by": hidden}


def _flat(members: Mapping[str, Any], path: str) -> Iterator[tuple[str, Cell]]:
    for key, value in members.items():
        name = f"{path}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list):
            yield name, [_text(one) for one in value]
        else:
            yield name, None if value is None else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
