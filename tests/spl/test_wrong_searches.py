"""Wrong searches: the caret of the error stands on the fault, and the remedy says what to write instead.

In `wrong_searches.jsonl` each search marks its fault by « and ». `remedy` is a part of what the error says; where it is
empty, only the place counts.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podhawk.commands.context import Context
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.errors import SearchError

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "wrong_searches.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["spl"][:60])
def test_the_caret_stands_on_the_fault(case: dict[str, str]) -> None:
    marked = case["spl"]
    search = marked.replace("«", "").replace("»", "")
    content = Content()
    with pytest.raises(SearchError) as caught:
        make_plan(read_search(search, content.macros), Context(lookups=LookupStore(content, None, False)))
    error = caught.value
    assert error.place is not None
    assert error.place.column == marked.index("«") + 1, str(error)
    assert case["remedy"].lower() in f"{error.message} {error.remedy}".lower(), str(error)


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 300
    assert sum(1 for case in CASES if case["remedy"]) >= 270
    assert len({case["spl"] for case in CASES}) == len(CASES)
