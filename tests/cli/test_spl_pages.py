"""`podhawk help spl`: every page can be read, and says what the declaration says."""

from __future__ import annotations

import pytest

from podhawk.cli.reference import aggregations, describe, functions, overview
from podhawk.cli.spl_pages import WIDTH, first_sentence
from podhawk.commands.registry import COMMANDS
from podhawk.errors import UsageError


@pytest.mark.parametrize("name", [command.name for command in COMMANDS.supported()])
def test_the_page_of_a_command(name: str) -> None:
    command = COMMANDS[name]
    page = describe(name)
    for heading in ("\nSyntax\n", "\nWhat it does\n", "\nExamples\n", "\nSplunk's page\n"):
        assert heading in page
    assert all(f"  {example.search}\n" in page for example in command.examples)
    free = [line for line in page.splitlines() if "http" not in line and "{" not in line and " | " not in line]
    assert max(map(len, free[1:])) <= WIDTH


@pytest.mark.parametrize("name", [one.name for one in (*functions(), *aggregations())])
def test_the_page_of_a_function_or_an_aggregation(name: str) -> None:
    assert "\nExample\n" in describe(name)


def test_the_contents_name_everything_once() -> None:
    text = overview()
    for command in COMMANDS.supported():
        assert text.count(f"\n  {command.name} ") == 1
    for function in functions():
        assert function.name in text


def test_a_switch_is_on_the_page_of_its_command() -> None:
    assert "--switch fillnull-empty" in describe("fillnull")
    assert "--splunk-exact turns it off" in describe("fillnull")


@pytest.mark.parametrize(
    ("name", "answer"), [("summarize", "stats"), ("nvl", "coalesce"), ("dcount", "distinct_count"), ("sats", "stats")]
)
def test_a_name_of_another_language_is_answered(name: str, answer: str) -> None:
    with pytest.raises(UsageError) as caught:
        describe(name)
    assert answer in caught.value.remedy


def test_a_percentile_is_explained_by_its_number() -> None:
    assert describe("perc95") == describe("perc")


def test_an_aside_is_left_out_of_the_summary() -> None:
    assert first_sentence("Keeps rows (default: 10). In order.") == "Keeps rows"
