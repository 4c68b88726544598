"""The engine and the second reading give the same rows, on generated pairs and on every golden case."""

from __future__ import annotations

import json
import os
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from oracle.generate import pair
from oracle.interpret import SUPPORTED, interpret
from oracle.logs import without_nothing
from podhawk import api
from podhawk.commands.parse import parse_search
from podhawk.content.model import Content
from podhawk.errors import PodhawkError
from podhawk.functions.times import resolve
from podhawk.spl.text import plain
from support.golden_case import GOLDEN, compared, read_cases, texts_of

pytestmark = pytest.mark.slow

PAIRS = {"full": 40_000}.get(os.environ.get("PODHAWK_EFFORT", ""), 6_000)
PARTS = 4
NOW = 1_000.0
NOTHING = Content()


def engine(spl: str, path: Path, exact: bool) -> list[dict[str, Any]]:
    result = api.search(spl, path, content=NOTHING, input_format="json", splunk_exact=exact, now=str(NOW))
    return without_nothing(result)


def without_source(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: cell for name, cell in row.items() if name != "source"} for row in rows]


def differs(events: list[str], spl: str, exact: bool, path: Path) -> tuple[Any, Any] | None:
    """What the two give, if it is not the same (or one of them refuses)."""
    path.write_text("".join(event + "\n" for event in events), encoding="utf-8")
    try:
        expected: Any = without_source(interpret(spl, events, exact, NOW))
    except PodhawkError:
        expected = "refused"
    try:
        got: Any = without_source(engine(spl, path, exact))
    except PodhawkError as error:
        got = "refused"
        if expected != "refused":
            return expected, f"refused: {error}"
    return None if got == expected else (expected, got)


def smaller(events: list[str], spl: str, exact: bool, path: Path) -> tuple[list[str], str]:
    """A smaller pair on which the two still differ."""
    shrunk = True
    while shrunk:
        shrunk = False
        for place in range(len(events)):
            fewer = events[:place] + events[place + 1 :]
            if differs(fewer, spl, exact, path):
                events, shrunk = fewer, True
                break
        parts = spl.split(" | ")
        for place in range(1, len(parts)):
            shorter = " | ".join(parts[:place] + parts[place + 1 :])
            try:
                if differs(events, shorter, exact, path):
                    spl, shrunk = shorter, True
                    break
            except Exception:
                continue
    return events, spl


@pytest.mark.parametrize("part", range(PARTS))
def test_generated_pairs_agree(part: int, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    ran = refused = 0
    for seed in range(part, PAIRS, PARTS):
        events, spl = pair(seed)
        exact = seed % 2 == 0
        found = differs(events, spl, exact, path)
        if found:
            events, spl = smaller(events, spl, exact, path)
            expected, got = differs(events, spl, exact, path) or found
            raise AssertionError(
                f"seed {seed} exact={exact}\nevents:\n" + "\n".join(events) + f"\nsearch: {spl}\n"
                f"second reading: {json.dumps(expected, ensure_ascii=False)}\n"
                f"engine:         {json.dumps(got, ensure_ascii=False)}"
            )
        ran += 1
        try:
            parse_search(plain(spl))
        except PodhawkError:
            refused += 1
    assert ran == PAIRS // PARTS
    assert refused < ran / 20, "the generator must make searches that run"


def names_of(spl: str) -> set[str]:
    try:
        stages = parse_search(plain(spl)).stages
    except PodhawkError:
        return {"unreadable"}
    return {stage.name for stage in stages} | {
        inner.name for stage in stages for leg in stage.command.legs(stage.node) for inner in leg.stages
    }


def test_golden_cases_hold_for_the_second_reading(shared: Path) -> None:
    cases = [case for path in (*GOLDEN, shared / "spl" / "cases.jsonl") for case in read_cases(path)]
    ran = 0
    failures = []
    for case in cases:
        plain_case = case["expect"] != "ERROR" and not case.get("macros") and not case.get("lookups")
        if not plain_case or "`" in case["spl"] or not names_of(case["spl"]) <= SUPPORTED or "[" in case["spl"]:
            continue
        now = resolve(case.get("now", "2026-01-02T03:04:05Z"), 0.0, UTC)
        try:
            rows = interpret(case["spl"], texts_of(case), case.get("exact", True), now)
        except NotImplementedError:
            continue
        ran += 1
        expected, ordered = case["expect"], case.get("ordered", False)
        if compared(rows, expected, ordered) != compared(expected, expected, ordered):
            failures.append(f"{case['id']} {case['spl']}: {rows}")
    assert ran > 60
    assert not failures, "\n".join(failures)
