"""The documentation says everything there is to know, and says it as the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.cli.main import EXIT_CODES, VERBS
from podhawk.cli.pages import PAGES
from podhawk.commands.registry import COMMANDS
from podhawk.functions.aggregations import AGGREGATIONS
from podhawk.functions.registry import FUNCTIONS
from podhawk.settings.options import OPTIONS
from podhawk.settings.switches import DIFFERENCES, SWITCHES

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_current(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == PAGES[name]() + "\n", "run scripts/docs"


def test_every_command_function_and_aggregation_has_its_entry() -> None:
    page = (DOCS / "spl.md").read_text(encoding="utf-8")
    names = {f"### {command.name}\n" if not command.refused else f"| {command.name} |" for command in COMMANDS.values()}
    names |= {f"### {function.name}()" for function in FUNCTIONS.values()}
    names |= {f"### {one.name} (aggregation)" for one in AGGREGATIONS.values()}
    names |= {f"| {switch.name} |" for switch in (*SWITCHES, *DIFFERENCES)}
    assert [name for name in names if name not in page] == []


def test_every_verb_option_and_exit_code_has_its_entry() -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    names = {f"podhawk {verb}" for verb in VERBS} | {f"`--{option.name}`" for option in OPTIONS}
    names |= {option.variable for option in OPTIONS} | {f"| {code} |" for code in EXIT_CODES}
    assert [name for name in names if name not in page] == []
