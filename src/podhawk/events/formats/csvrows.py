"""A record of a CSV file (see `csvfile`): a cell of it holds the event, or columns are its members.

A console writes what its API gives, so a row is an object of another format once its cells have their names and types:
a result of Splunk (`_raw`), a log event of CloudWatch (`timestamp`, `message`), a row of Log Analytics.
"""

from __future__ import annotations

import re
from typing import Any, Final

from podhawk.events.decode import JsonNumber
from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.csvfile import ExportRow

_TIME: Final = re.compile(r"@?(?:timestamp|time|ingestionTime|_time|date)\Z", re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d{10,19}(?:\.\d+)?\Z")
_HELD: Final = ("protoPayload", "protopayload_auditlog", "proto_payload", "resource", "operation", "labels")
"""Parts of Cloud Logging entries, whose members exports make columns of (`protoPayload.methodName`)."""


def _recognise(value: Any) -> bool:
    return type(value) is ExportRow


def _unwrap(record: Record) -> Layer:
    row = {name: JsonNumber(cell) if _is_time(name, cell) else cell for name, cell in record.value.items()}
    yield Record(_nested(row), record.envelope.within("csv"))


def _is_time(name: str, cell: str) -> bool:
    return _TIME.match(name) is not None and _DIGITS.match(cell) is not None


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the parts of a Cloud Logging entry as objects."""
    if not any(name.lower().startswith(("protopayload", "proto_payload")) for name in row):
        return row
    found: dict[str, Any] = {}
    for name, cell in row.items():
        head, dot, rest = name.partition(".")
        if not dot or head not in _HELD:
            found[name] = cell
            continue
        holder = found.setdefault(head, {})
        *path, last = [rest] if head == "labels" else rest.split(".", 1 if rest.startswith("labels.") else -1)
        for step in path:
            holder = holder.setdefault(step, {}) if isinstance(holder, dict) else {}
        if isinstance(holder, dict):
            holder[last] = cell
    return found


CSV: Final = Format(
    name="csv",
    doc="Exports as CSV, with any separator and quotes: the cell that holds the event (`_raw`, `message`, `@message` "
    "or any other), or columns that are its members. The first line has the names of the columns.",
    recognise=_recognise,
    unwrap=_unwrap,
    takes=ExportRow,
    example="auditID,stage,verb,user.username,sourceIPs{}\n7f0a,ResponseComplete,get,alice,10.0.0.7\n",
)
