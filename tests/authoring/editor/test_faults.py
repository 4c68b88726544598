"""Errors and hints stand under the words that they are about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podhawk.authoring.editor import search_faults
from podhawk.authoring.editor.faults import LONGEST
from podhawk.commands.context import Context
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content, Macro

CONTENT = Content(macros={("odd", 0): Macro("odd", (), "verb=get | stast count")})


def faults(text: str) -> list[tuple[str, str]]:
    found = search_faults(text, CONTENT.macros, Context(lookups=LookupStore(CONTENT, None, False)))
    return [(one.level, text[one.start : one.end]) for one in found]


@pytest.mark.parametrize(
    ("marked", "level"),
    [
        ("verb=get | «stast» count", "error"),
        ("verb=get\n| «stast» count\n| head 5", "error"),
        ("verb=get | eval x=«fooo»(1)", "error"),
        ("verb=get | «where»", "error"),
        ("* | lookup «nosuch» x", "error"),
        ("verb=get | table «verbb»", "hint"),
        ("verb=get\n| stats count by «user.usernam»", "hint"),
        ("verb=get | stats count | where «cuont» > 1", "hint"),
        ("verb=get «`odd`»", "error"),
        ('verb=«"»get', "error"),
        ("verb=get | stats count by user.username", ""),
        ("", ""),
        ("   ", ""),
        ("x " * LONGEST, ""),
    ],
)
def test_the_words_that_a_fault_is_about(marked: str, level: str) -> None:
    text = marked.replace("«", "").replace("»", "")
    words = marked.partition("«")[2].partition("»")[0]
    assert faults(text) == ([(level, words)] if level else [])


def test_every_fault_of_the_wrong_searches_has_a_place_and_words() -> None:
    lines = (Path(__file__).parents[2] / "spl" / "wrong_searches.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines:
        marked = json.loads(line)["spl"]
        text = marked.replace("«", "").replace("»", "")
        found = search_faults(text, {}, Context(lookups=LookupStore(Content(), None, False)))
        assert [one.level for one in found] == ["error"], text
        assert 0 <= found[0].start < found[0].end <= len(text), text
        assert found[0].start <= marked.index("«"), text


def test_an_expression_nested_deeply_is_a_fault_and_no_crash() -> None:
    assert faults("* | eval x=" + "(" * 3000 + "1" + ")" * 3000)[0][0] == "error"
