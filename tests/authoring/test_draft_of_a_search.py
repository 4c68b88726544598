"""A draft of a detection with a search that somebody has tried."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from podhawk.authoring.scaffold import Draft, scaffold
from podhawk.content.load import load_content
from podhawk.content.model import Detection
from podhawk.engine.plan.runnable import Runnable, runnability
from podhawk.errors import SearchError, UsageError

TODAY = date(2026, 11, 30)


def made(folder: Path, search: str, generation: int = 3, name: str = "Pods Deleted") -> Detection:
    scaffold(Draft("detection", name, "me", TODAY, search=search, generation=generation), folder)
    content = load_content([folder])
    assert content.problems == ()
    (found,) = content.detections
    assert isinstance(runnability(found, content), Runnable)
    return found


@pytest.mark.parametrize("generation", [1, 2, 3])
@pytest.mark.parametrize(
    ("search", "actor"),
    [
        ("verb=delete objectRef.resource=pods", "user.username"),
        ("verb=delete\n| stats count by objectRef.name user.username\n| where count > 3", "user.username"),
        ('  verb=delete note: "a: b"  # no comment\n| table verb', "verb"),
    ],
)
def test_the_draft_has_the_search_and_can_run(tmp_path: Path, generation: int, search: str, actor: str) -> None:
    found = made(tmp_path, search, generation)
    assert found.search.startswith(search.strip())
    assert found.search.endswith("| `pods_deleted_filter`")
    assert [one.field for one in found.risk_objects] == [actor]
    assert not (tmp_path / "datasets").exists()


@pytest.mark.parametrize("name", ["x: {y}", "{stem}", "Pods, Deleted", "a/b - c"])
def test_a_name_is_text(tmp_path: Path, name: str) -> None:
    assert made(tmp_path, "verb=get", name=name).name.split() == name.split()


def test_what_no_file_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file can hold"):
        made(tmp_path, "verb=get\x00")
    with pytest.raises(SearchError):
        made(tmp_path, "verb=get | stast")
    assert list(tmp_path.iterdir()) == []
