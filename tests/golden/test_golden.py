"""Every golden case, ours and the shared ones, through the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podhawk.errors import PodhawkError
from support.golden_case import comparable, filled, narrowed, read_cases, run_case

GOLDEN = Path(__file__).parent
OURS = [
    pytest.param(case, id=f"{path.stem}-{case['id']}")
    for path in sorted(GOLDEN.glob("*.jsonl"))
    for case in read_cases(path)
]


def check(case: dict[str, Any], folder: Path) -> None:
    if case["expect"] == "ERROR":
        with pytest.raises(PodhawkError):
            run_case(case, folder)
        return
    rows = run_case(case, folder)
    assert len(rows) == len(case["expect"]), rows
    ordered = case.get("ordered", False)
    assert comparable(narrowed(rows, case["expect"]), ordered) == comparable(filled(case["expect"]), ordered)


@pytest.mark.parametrize("case", OURS)
def test_our_case(case: dict[str, Any], tmp_path: Path) -> None:
    check(case, tmp_path)


def test_the_shared_cases(shared: Path, tmp_path: Path) -> None:
    failures = []
    cases = read_cases(shared / "spl" / "cases.jsonl")
    assert len(cases) > 50
    for case in cases:
        folder = tmp_path / case["id"]
        folder.mkdir()
        try:
            check(case, folder)
        except (AssertionError, PodhawkError) as error:
            failures.append(f"{case['id']} {case['title']}: {error}")
    assert not failures, "\n".join(failures)
