"""The rows of a search as files, safe to open: no cell of the CSV is a formula, no text moves what stands beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from podhawk.errors import StateUnavailableError
from podhawk.serve.console.hunt.question import begun, question_of
from podhawk.serve.console.page import Download, File, Visit, nothing_here
from podhawk.serve.searches.process import SearchAnswer
from podhawk.visible import csv_cell, json_escaped


def as_csv(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """Rows as a table for spreadsheets; the values of a multivalue are on lines of their own."""
    out = io.StringIO()
    made = csv.writer(out, lineterminator="\r\n")
    made.writerow([csv_cell(name) for name in columns])
    for row in rows:
        made.writerow([csv_cell(_flat(row.get(name))) for name in columns])
    return out.getvalue()


def _flat(cell: Any) -> str:
    return "" if cell is None else "\n".join(map(str, cell)) if isinstance(cell, list) else str(cell)


def as_jsonl(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as JSON lines, as `podhawk search -o jsonl` prints them."""
    return "".join(json_escaped(msgspec.json.encode(row).decode()) + "\n" for row in rows)


def _answer(visit: Visit) -> SearchAnswer:
    asked = question_of(visit)
    if not asked.text:
        raise nothing_here("search")
    hunt, _ = begun(visit, asked)
    if hunt.answer is None or hunt.status != "done":
        raise StateUnavailableError("the search has not ended", remedy="Go back to the search, and wait for its rows.")
    return hunt.answer


def _columns(found: SearchAnswer) -> list[str]:
    return found.columns or list(dict.fromkeys(name for row in found.rows for name in row))


def _csv_file(visit: Visit) -> File:
    found = _answer(visit)
    return File("rows.csv", "text/csv; charset=utf-8", as_csv(_columns(found), found.rows).encode("utf-8", "replace"))


def _json_file(visit: Visit) -> File:
    return File("rows.jsonl", "application/x-ndjson", as_jsonl(_answer(visit).rows).encode("utf-8", "replace"))


CSV: Final = Download("/hunt/rows.csv", "viewer", _csv_file)
JSON: Final = Download("/hunt/rows.jsonl", "viewer", _json_file)
