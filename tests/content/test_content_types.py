"""Each kind of content file is declared once, and everything else follows from that."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.content.load import load_content
from podhawk.content.registry import CONTENT_TYPES, FOLDERS, type_by_keys
from podhawk.content.walk import SUPPORTING

KEYS = [
    ("detection", {"name": "x", "search": "verb=create"}),
    ("detection", {"name": "x", "search": "verb=create", "definition": "y", "filename": "z"}),
    ("detection", {"name": "x", "rba": {}}),
    ("baseline", {"name": "x", "search": "verb=create", "type": "Baseline"}),
    ("investigation", {"name": "x", "search": "verb=create", "type": "INVESTIGATION"}),
    ("macro", {"name": "x", "definition": "y", "how_to_implement": "z"}),
    ("lookup", {"name": "x", "collection": "y"}),
    ("story", {"name": "x", "narrative": "y"}),
    ("data source", {"name": "x", "sourcetype": "y"}),
    ("deployment", {"name": "x", "scheduling": {}}),
    ("dashboard", {"label": "x", "theme": "light"}),
    ("playbook", {"name": "x", "playbook": "y", "how_to_implement": "z"}),
    ("Sigma rule", {"title": "x", "logsource": {}, "detection": {}}),
    ("Falco rule", {"rule": "x", "condition": "ka.verb=get"}),
    ("Falco rule", {"rule": "x", "enabled": False}),
    ("Falco rule", {"macro": "x", "condition": "ka.verb=get"}),
    ("Falco rule", {"list": "x", "items": []}),
    ("Falco rule", {"required_engine_version": 15}),
    (None, {"list": "x"}),
    (None, {"services": {}}),
    (None, {"name": "x", "search": ["no text"]}),
]
FILES = {
    "detections": ("search: verb=create", "detections"),
    "macros": ("definition: verb=create", "macros"),
    "lookups": ("collection: x", "lookups"),
    "stories": ("narrative: x", "stories"),
    "data_sources": ("sourcetype: x", "data_sources"),
    "deployments": ("scheduling: {}", "deployments"),
    "baselines": ("search: verb=create\ntype: Baseline", "baselines"),
    "investigations": ("search: verb=create\ntype: Investigation", "investigations"),
    "dashboards": ("theme: dark", "carried"),
    "playbooks": ("playbook: x", "carried"),
}


@pytest.mark.parametrize(("name", "data"), KEYS, ids=lambda value: str(value)[:40])
def test_keys_tell_the_kind(name: str | None, data: dict[str, object]) -> None:
    found = type_by_keys(data)
    assert (found.name if found is not None else None) == name


@pytest.mark.parametrize("loose", [False, True])
def test_an_object_of_each_folder_has_its_place_in_content(tmp_path: Path, loose: bool) -> None:
    assert FILES.keys() == FOLDERS.keys()
    for folder, (text, _) in FILES.items():
        target = tmp_path if loose else tmp_path / folder
        target.mkdir(exist_ok=True)
        (target / f"{folder}.yml").write_text(f"name: {folder}\n{text}\n")
    content = load_content([tmp_path])
    assert content.problems == ()
    for folder, (_, part) in FILES.items():
        held = getattr(content, part)
        values = held.values() if isinstance(held, dict) else held
        assert folder in {one.name for one in values}


def test_supporting_kinds_come_along_with_one_file(tmp_path: Path) -> None:
    for folder, (text, _) in FILES.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}.yml").write_text(f"name: {folder}\n{text}\n")
    content = load_content([tmp_path / "detections" / "detections.yml"])
    parts = {part for _, part in FILES.values()}
    assert {part for part in parts if getattr(content, part)} == {"detections", *SUPPORTING}


def test_names_are_unique_and_the_docs_name_every_folder() -> None:
    page = (Path(__file__).parents[2] / "docs" / "content.md").read_text(encoding="utf-8")
    assert len({one.name for one in CONTENT_TYPES}) == len(CONTENT_TYPES)
    assert [folder for folder in FOLDERS if f"`{folder}/`" not in page] == []
