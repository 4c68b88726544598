"""The tour leads through code that exists, and fits into one sitting."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
STEPS = sorted(set(re.findall(r"`([\w/]+\.py): ([\w.]+)`", PAGE)))


def test_it_has_a_place_for_each_step_and_at_most_150_lines() -> None:
    assert len(PAGE.splitlines()) <= 150
    assert len(STEPS) > 30


@pytest.mark.parametrize(("path", "name"), STEPS)
def test_a_breakpoint_can_be_put_there(path: str, name: str) -> None:
    body = ast.parse((ROOT / "src" / "podhawk" / path).read_text(encoding="utf-8")).body
    for part in name.split("."):
        found = [one for one in body if isinstance(one, ast.ClassDef | ast.FunctionDef) and one.name == part]
        assert found, f"{path} defines no {part}"
        body = found[0].body
