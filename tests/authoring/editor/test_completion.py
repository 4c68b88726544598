"""What is proposed at a caret. In `completions.jsonl` the caret is §; `first` is the best completion of that kind,
`has` are some of the proposed texts, `replaces` the text that a completion takes the place of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from podhawk.authoring.editor import complete
from podhawk.authoring.editor.completion import LONGEST, MOST, arguments_of
from podhawk.commands.registry import SUPPORTED
from podhawk.content.model import Content, LookupDefinition, Macro

CASES = [
    json.loads(line) for line in (Path(__file__).parent / "completions.jsonl").read_text(encoding="utf-8").splitlines()
]
CONTENT = Content(
    macros={
        ("web_pods", 0): Macro("web_pods", (), "objectRef.name=web*"),
        ("of_user", 1): Macro("of_user", ("name",), "user.username=$name$"),
    },
    lookups={"owners": LookupDefinition("owners", fields=("namespace", "owner"))},
)
VALUES = {"verb": ("create", "delete"), "objectRef.name": ("web", "web front", "web|1")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["spl"])
def test_what_can_be_written_here(case: dict[str, Any]) -> None:
    before, _, after = case["spl"].partition("§")
    found = complete(before + after, len(before), CONTENT, ["seen.elsewhere"], VALUES)
    texts = [one.text for one in found.items]
    if case.get("none"):
        assert texts == []
        return
    kinds = [one for one in found.items if one.kind == case["kind"]]
    assert kinds, texts
    if "first" in case:
        assert kinds[0].text == case["first"]
    if "replaces" in case:
        assert (before + after)[found.start : found.end] == case["replaces"]
    assert set(case.get("has", ())) <= set(texts)
    assert len(texts) <= MOST


@pytest.mark.parametrize("command", SUPPORTED, ids=lambda one: one.name)
def test_every_command_is_proposed_and_takes_what_its_syntax_says(command: Any) -> None:
    begins = command.generate is not None or command.name == "search"
    text = f"| {command.name}" if begins else f"* | {command.name}"
    assert command.name in [one.text for one in complete(text, len(text), CONTENT).items]
    for option in arguments_of(command.syntax).options:
        assert f"{option}=" in command.syntax


@pytest.mark.parametrize("text", ["[" * 500, "(" * 500, '"', "`", "|" * 50, "\\", "* | eval x=" + "(" * 3000])
def test_any_text_has_an_answer(text: str) -> None:
    for at in (-5, 0, len(text) // 2, len(text), len(text) + 9):
        found = complete(text, at, CONTENT)
        assert 0 <= found.start <= found.end <= len(text)


def test_a_very_long_search_is_left_alone() -> None:
    text = "verb=get OR " * LONGEST
    assert complete(text, len(text), CONTENT).items == ()
