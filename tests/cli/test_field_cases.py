"""The given cases of what people in this field have: inputs with the right answer, and controls that must stay.

Other inputs of the same kinds are tested beside the parts that read them (tests/events); these need the given material.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from support.command_line import podhawk
from support.needs import find_shared


def cases() -> list[dict[str, Any]]:
    """The given cases."""
    folder = find_shared()
    path = folder / "field/expected.jsonl" if folder is not None else None
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


@pytest.fixture(scope="module")
def checker(shared: Path) -> ModuleType:
    """What compares a run with what a case expects."""
    spec = importlib.util.spec_from_file_location("field_check", shared / "field/check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_a_case_holds(case: dict[str, Any], checker: ModuleType, shared: Path, tmp_path: Path) -> None:
    arguments = [one.replace("{tmp}", str(tmp_path)) for one in case["argv"]]
    done = podhawk(*arguments, cwd=shared / "field" / case.get("cwd", "."), stdin="")
    found = checker.compare(case["expect"], done.returncode, done.stdout, done.stderr, str(tmp_path))
    assert found == [], case["about"]


def test_there_are_cases(shared: Path) -> None:
    assert len(cases()) > 90
