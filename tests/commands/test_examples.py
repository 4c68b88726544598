"""Each command's own examples, run; and each search in them printed and parsed again."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.commands.declare import Command, Example
from podhawk.commands.parse import parse_search, render_pipeline
from podhawk.commands.registry import SUPPORTED
from podhawk.spl.text import plain
from support.golden_case import check

EXAMPLES = [
    pytest.param(command, example, id=f"{command.name}-{number}")
    for command in SUPPORTED
    for number, example in enumerate(command.examples)
]


@pytest.mark.parametrize(("command", "example"), EXAMPLES)
def test_example_gives_its_rows(command: Command, example: Example, tmp_path: Path) -> None:
    case = {
        "id": command.name,
        "events": list(example.events),
        "spl": example.search,
        "exact": False,
        "lookups": dict(example.lookups),
        "expect": [dict(row) for row in example.rows],
    }
    check(case, tmp_path)


@pytest.mark.parametrize(("command", "example"), EXAMPLES)
def test_example_round_trips(command: Command, example: Example) -> None:
    tree = parse_search(plain(example.search))
    assert parse_search(plain(render_pipeline(tree))) == tree


@pytest.mark.parametrize("command", SUPPORTED, ids=lambda command: command.name)
def test_command_is_explained(command: Command) -> None:
    assert command.doc
    assert command.syntax.startswith(command.name)
    assert command.examples, "a command shows at least one example"
    assert command.source, "a command names the page of its rule"
