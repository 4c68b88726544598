"""The second reading knows the whole language, the generator makes all of it, and neither asks the engine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from oracle.aggregate import KNOWN as AGGREGATIONS_KNOWN
from oracle.aggregate import PERCENTILES
from oracle.functions import KNOWN as FUNCTIONS_KNOWN
from oracle.generate_commands import COMMANDS as COMMANDS_MADE
from oracle.generate_commands import EVERY, FILLS, FIRST, pair
from oracle.generate_functions import MADE as FUNCTIONS_MADE
from oracle.interpret import COMMANDS as COMMANDS_KNOWN
from podhawk.commands.parse import parse_search
from podhawk.commands.registry import SUPPORTED
from podhawk.commands.timechart import RATES
from podhawk.errors import PodhawkError
from podhawk.functions.aggregations.registry import AGGREGATIONS
from podhawk.functions.registry import FUNCTIONS
from podhawk.spl.text import plain

READING = ("podhawk.spl", "podhawk.commands.parse", "podhawk.errors")
"""What the second reading shares with podhawk: how a search is read."""
FILES = (
    *("aggregate", "arithmetic", "calendars", "clause", "comparing", "documents", "env", "expression", "extraction"),
    *("fields", "grids", "grouping", "interpret", "joining", "models", "numbering", "regexes", "reshaping", "spans"),
    *("subsearches", "timing", "transactions", "values", "generate", "generate_commands", "generate_functions"),
)
SEEDS = 8_000


def test_every_command_is_known_and_made() -> None:
    declared = {command.name for command in SUPPORTED}
    assert declared == COMMANDS_KNOWN.keys()
    assert declared == COMMANDS_MADE


def test_every_function_is_known_and_made() -> None:
    assert FUNCTIONS.keys() == FUNCTIONS_KNOWN
    assert FUNCTIONS.keys() == FUNCTIONS_MADE


def test_every_aggregation_is_known() -> None:
    assert AGGREGATIONS.keys() == AGGREGATIONS_KNOWN
    assert {name for name, one in AGGREGATIONS.items() if one.takes_number} == set(PERCENTILES)


@pytest.fixture(scope="module")
def stages() -> list[object]:
    found: list[object] = []
    for seed in range(SEEDS):
        try:
            found += parse_search(plain(pair(seed)[1])).stages
        except PodhawkError:
            continue  # how many of them there may be is a bound in test_agreement
    return found


def test_every_aggregation_and_rate_is_made(stages: list[object]) -> None:
    """An aggregation with a number in its name stands under the name without it."""
    items = [item for stage in stages for item in getattr(stage.node, "items", ())]
    named = {re.sub(r"[\d.]+$", "", item.function) for item in items if hasattr(item, "function")}
    assert AGGREGATIONS.keys() <= named
    assert RATES.keys() <= named


def test_templates_name_only_what_is_filled_in() -> None:
    templates = [one for group in (EVERY, FIRST, FILLS) for several in group.values() for one in several]
    assert all(template.count("«") == template.count("»") for template in templates)


@pytest.mark.parametrize("name", FILES)
def test_the_second_reading_does_not_ask_the_engine(name: str) -> None:
    check(Path(__file__).parent / f"{name}.py")


def test_its_functions_do_not_ask_the_engine() -> None:
    files = sorted((Path(__file__).parent / "functions").glob("*.py"))
    assert len(files) > 8
    for file in files:
        check(file)


def check(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for module in names:
            if module.split(".")[0] == "podhawk":
                assert module.startswith(READING), f"{file.name} imports {module}"
