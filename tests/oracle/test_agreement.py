"""The engine and the second reading give the same rows, on generated pairs and on every golden case."""

from __future__ import annotations

import json
import os
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from functions.test_cases import CASES
from oracle.agreement import differs, smaller, told
from oracle.env import Env
from oracle.expression import value
from oracle.generate_commands import pair
from oracle.interpret import interpret
from oracle.values import settled, text
from oracle.world import World, table
from podhawk.commands.parse import parse_search
from podhawk.errors import PodhawkError
from podhawk.functions.times import resolve
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import parse_expression
from podhawk.spl.text import plain
from support.golden_case import GOLDEN, compared, read_cases, texts_of

pytestmark = pytest.mark.slow

PAIRS = {"full": 100_000}.get(os.environ.get("PODHAWK_EFFORT", ""), 6_000)
PARTS = 4
TOO_LARGE = frozenset({"sort-8"})
"""Cases of ten thousand rows, for which the second reading, which looks at each pair of rows, is too slow."""


@pytest.mark.parametrize("part", range(PARTS))
def test_generated_pairs_agree(part: int, tmp_path: Path) -> None:
    world = World(tmp_path)
    ran = refused = 0
    for seed in range(part, PAIRS, PARTS):
        events, spl = pair(seed)
        exact = seed // PARTS % 2 == 0
        found = differs(events, spl, exact, world)
        if found:
            events, spl = smaller(events, spl, exact, world)
            raise AssertionError(told(seed, events, spl, exact, differs(events, spl, exact, world) or found))
        ran += 1
        try:
            parse_search(plain(spl))
        except PodhawkError:
            refused += 1
    assert ran == PAIRS // PARTS
    assert refused < ran / 20, "the generator must make searches that run"


def plain_lookups(case: dict[str, Any]) -> bool:
    return all(isinstance(lookup, str) for lookup in case.get("lookups", {}).values())


def failures_of(cases: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """How many cases were read, and those that the second reading gives other rows for. Macros, the rules of lookup
    definitions and switches are not its business."""
    ran = 0
    failures = []
    for case in cases:
        if case["expect"] == "ERROR" or case["id"] in TOO_LARGE or "`" in case["spl"] or case.get("switches"):
            continue
        if not plain_lookups(case):
            continue
        tables = {name: table(lookup) for name, lookup in case.get("lookups", {}).items()}
        tables |= {f"{name}.csv": rows for name, rows in tables.items()}
        now = resolve(str(case.get("now", "2026-01-02T03:04:05Z")), 0.0, UTC)
        world = Env(tables=tables, files=tables)
        rows = interpret(case["spl"], texts_of(case), case.get("exact", True), now, world)
        ran += 1
        expected, ordered = case["expect"], case.get("ordered", False)
        if len(rows) != len(expected) or compared(rows, expected, ordered) != compared(expected, expected, ordered):
            failures.append(f"{case['id']} {case['spl']}: {rows}")
    return ran, failures


def test_golden_cases_hold_for_the_second_reading() -> None:
    ran, failures = failures_of([case for path in GOLDEN for case in read_cases(path)])
    assert ran > 400
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize(("file", "least"), [("cases.jsonl", 40), ("cases-2.jsonl", 750)])
def test_the_shared_cases_hold_for_the_second_reading(file: str, least: int, shared: Path) -> None:
    ran, failures = failures_of(read_cases(shared / "spl" / file))
    assert ran > least
    assert not failures, "\n".join(failures)


def test_cases_of_functions_hold_for_the_second_reading() -> None:
    failures = []
    for name, case in CASES:
        if case["expect"] == "ERROR" or case.get("zone", "UTC") != "UTC":
            continue
        row = {
            field: tuple(given) if isinstance(given, list) else given for field, given in case.get("fields", {}).items()
        }
        source = plain(case["expr"])
        tree = parse_expression(Cursor(source, 0, len(source.text)))
        found = settled(value(tree, row, Env(now=1_700_000_000.0)))
        shown = None if found is None else list(found) if isinstance(found, tuple) else text(found)
        if shown != case["expect"]:
            failures.append(f"{name} {case['expr']}: {json.dumps(shown)}")
    assert not failures, "\n".join(failures)
