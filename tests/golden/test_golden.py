"""Every golden case, ours and the shared ones, through the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podhawk.errors import PodhawkError
from support.golden_case import GOLDEN, check, read_cases

OURS = [pytest.param(case, id=f"{path.stem}-{case['id']}") for path in GOLDEN for case in read_cases(path)]


@pytest.mark.parametrize("case", OURS)
def test_our_case(case: dict[str, Any], tmp_path: Path) -> None:
    check(case, tmp_path)


@pytest.mark.parametrize(("file", "least"), [("cases.jsonl", 50), ("cases-2.jsonl", 900)])
def test_the_shared_cases(file: str, least: int, shared: Path, tmp_path: Path) -> None:
    failures = []
    cases = read_cases(shared / "spl" / file)
    assert len(cases) > least
    for case in cases:
        folder = tmp_path / case["id"]
        folder.mkdir()
        try:
            check(case, folder)
        except (AssertionError, PodhawkError) as error:
            failures.append(f"{case['id']} {case['title']}: {error}")
    assert not failures, "\n".join(failures)
