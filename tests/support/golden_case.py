"""Golden cases: events, a search, the rows it gives. The format is that of the shared cases file.

A case is one JSON object: `id`, `title`, `events` (JSON objects, or texts where the spelling matters),
`spl`, `expect` (rows, or "ERROR"), `ordered`, and where needed `lookups`, `macros`, `exact` (false runs
without --splunk-exact), `switches`, `now`. Only the columns that an expected row names are compared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from podhawk import api
from podhawk.content.load import load_content
from podhawk.content.model import Content
from podhawk.errors import PodhawkError
from support import TESTS

GOLDEN = sorted((TESTS / "golden").glob("*.jsonl"))


def read_cases(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def texts_of(case: dict[str, Any]) -> list[str]:
    """The events, each as the line that it is in a log."""
    return [event if isinstance(event, str) else json.dumps(event, ensure_ascii=False) for event in case["events"]]


def content_for(case: dict[str, Any], folder: Path) -> Content:
    """The case's lookups and macros in contentctl's folder layout, loaded."""
    root = folder / "content"
    for name in ("lookups", "macros", "detections"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, macro in case.get("macros", {}).items():
        plain = name.split("(")[0]
        text = {"name": plain, "definition": macro["definition"], "arguments": macro.get("args", [])}
        (root / "macros" / f"{name.replace('(', '_').replace(')', '')}.yml").write_text(yaml.safe_dump(text))
    for name, lookup in case.get("lookups", {}).items():
        definition = {"csv": lookup} if isinstance(lookup, str) else dict(lookup)
        (root / "lookups" / f"{name}.csv").write_text(definition.pop("csv"), encoding="utf-8")
        (root / "lookups" / f"{name}.yml").write_text(
            yaml.safe_dump({"name": name, "filename": f"{name}.csv", **definition})
        )
    if not case.get("macros") and not case.get("lookups"):
        return Content()
    return load_content([root])


def run_case(case: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    path = folder / "events.jsonl"
    path.write_text("".join(text + "\n" for text in texts_of(case)), encoding="utf-8")
    result = api.search(
        case["spl"],
        path,
        content=content_for(case, folder),
        input_format="json",
        splunk_exact=case.get("exact", True),
        switch=case.get("switches", []),
        now=str(case.get("now", "2026-01-02T03:04:05Z")),
    )
    return list(result)


def compared(rows: list[dict[str, Any]], expected: list[dict[str, Any]], ordered: bool = True) -> list[Any]:
    """The rows with only the columns that the expectation names, sorted unless their order counts."""
    columns = list(dict.fromkeys(name for row in expected for name in row))
    narrowed = [{name: row.get(name) for name in columns} for row in rows]
    return narrowed if ordered else sorted(narrowed, key=lambda row: json.dumps(row, sort_keys=True))


def check(case: dict[str, Any], folder: Path) -> None:
    """Runs a case and asserts what it expects."""
    expected = case["expect"]
    if expected == "ERROR":
        with pytest.raises(PodhawkError):
            run_case(case, folder)
        return
    rows = run_case(case, folder)
    assert len(rows) == len(expected), rows
    ordered = case.get("ordered", False)
    assert compared(rows, expected, ordered) == compared(expected, expected, ordered)
