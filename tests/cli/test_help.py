"""Help of verbs, manual pages and completion, as shells and people call them."""

from __future__ import annotations

import click
import pytest

from podhawk.cli import completion
from podhawk.cli.main import EXIT_CODES, VERBS, podhawk
from podhawk.cli.man_pages import man_page
from podhawk.settings.options import options_of
from support import command_line

PAGES = [None, *VERBS]


@pytest.mark.parametrize("verb", PAGES)
def test_every_line_of_a_manual_page_is_text_or_a_known_request(verb: str | None) -> None:
    known = (".TH ", ".SH ", ".SS ", ".TP", ".PP", ".B ", ".BR ", ".I ", ".nf", ".fi")
    lines = man_page(verb).splitlines()
    assert lines[0].startswith(".TH ")
    assert [line for line in lines if line[:1] in (".", "'") and not line.startswith(known)] == []
    assert {f".B {code}" for code in EXIT_CODES} <= set(lines)


@pytest.mark.parametrize("verb", VERBS)
def test_a_manual_page_has_every_option(verb: str) -> None:
    page = man_page(verb).replace("\\-", "-")
    assert [one.name for one in options_of(verb) if f"--{one.name}" not in page] == []
    assert [one.variable for one in options_of(verb) if one.variable not in page] == []


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_the_script_names_the_variable_that_podhawk_reads(shell: str) -> None:
    assert f"{completion.VARIABLE}={shell}_complete" in completion.script(podhawk, shell)


@pytest.mark.slow
def test_help_of_a_verb_is_what_its_option_prints() -> None:
    assert command_line.podhawk("help", "run").stdout == command_line.podhawk("run", "--help").stdout
    assert command_line.podhawk("help", "stast").returncode == 2
    assert command_line.podhawk("help", "run", "stats").returncode == 2


def completed(words: str, number: int) -> list[str]:
    """What bash would be offered for the word of this number."""
    environment = {completion.VARIABLE: "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(number)}
    return command_line.podhawk(env=environment).stdout.splitlines()


@pytest.mark.slow
def test_verbs_options_choices_and_files_are_completed() -> None:
    assert completed("podhawk ti", 1) == ["plain,timeline"]
    assert completed("podhawk run --fail", 2) == ["plain,--fail-on"]
    assert completed("podhawk timeline --group-by na", 3) == ["plain,namespace"]
    assert completed("podhawk run aud", 2) == ["file,aud"]
    assert completed("podhawk who mallory aud", 3) == ["file,aud"]
    assert completed("podhawk help sp", 2) == ["plain,spl"]


def test_no_verb_is_called_like_an_spl_topic() -> None:
    assert "spl" not in podhawk.list_commands(click.Context(podhawk))
