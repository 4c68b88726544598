"""Golden cases: an expression, the fields of one event, and the value (or "ERROR" before the run)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.test_examples import shown
from podhawk.errors import SearchError
from podhawk.functions.declare import Env
from podhawk.functions.evaluate import compile_value
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import parse_expression
from podhawk.spl.text import plain

FILES = sorted((Path(__file__).parent / "cases").glob("*.jsonl"))
CASES = [
    (f"{file.stem}:{number}", json.loads(line))
    for file in FILES
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    if line.strip()
]


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_case(case: dict[str, Any]) -> None:
    fields = {
        name: tuple(value) if isinstance(value, list) else value for name, value in case.get("fields", {}).items()
    }
    warned: list[str] = []
    env = Env(
        now=1_700_000_000.0, zone=ZoneInfo(case.get("zone", "UTC")), warn=lambda kind, detail: warned.append(kind)
    )
    source = plain(case["expr"])
    if case["expect"] == "ERROR":
        with pytest.raises(SearchError) as caught:
            compile_value(parse_expression(Cursor(source, 0, len(source.text))), env, source)
        assert caught.value.place is not None
        return
    cursor = Cursor(source, 0, len(source.text))
    tree = parse_expression(cursor)
    cursor.finish()
    assert shown(compile_value(tree, env, source)(Row(fields))) == case["expect"]
    assert warned == case.get("warns", [])
