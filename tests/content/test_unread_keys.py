"""Keys of content files that do nothing: once they were passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.content import Content, load_content
from podhawk.content.load import shipped_pack

FILES = {
    "detections": "name: D\nid: 11111111-1111-1111-1111-111111111111\nversion: 1\ntype: Hunting\nsearch: verb=create\n",
    "macros": "name: m\ndefinition: verb=create\n",
    "stories": "name: S\nnarrative: n\n",
    "deployments": "name: P\nscheduling:\n  cron_schedule: 0 * * * *\n",
    "lookups": "name: l\nfilename: l.csv\n",
    "data_sources": "name: K\nsourcetype: _json\n",
    "baselines": "name: B\ntype: Baseline\nsearch: verb=create | outputlookup l\n",
    "investigations": "name: I\ntype: Investigation\nsearch: verb=create\n",
}


def load(root: Path, **more: str) -> Content:
    for folder, text in FILES.items():
        (root / folder).mkdir(parents=True)
        (root / folder / "one.yml").write_text(text + more.get(folder, ""))
    (root / "lookups" / "l.csv").write_text("a\n1\n")
    return load_content(root)


@pytest.mark.parametrize("folder", FILES)
def test_a_misspelt_key_was_passed_over_in_silence(tmp_path: Path, folder: str) -> None:
    assert load(tmp_path / "right").problems == ()
    (problem,) = load(tmp_path / "wrong", **{folder: "descriptoin: d\n"}).problems
    assert problem.severity == "warning"
    assert "the key 'descriptoin' of this" in problem.message
    assert Path(problem.place.file) == tmp_path / "wrong" / folder / "one.yml"
    assert problem.remedy == "Did you mean 'description'?"


def test_a_key_of_another_level_or_generation_does_nothing(tmp_path: Path) -> None:
    tags = "rba:\n  message: m\n  risk_objects: [{field: user, type: user, scor: 1, score: 2}]\ntags: {cve: []}\n"
    problems = load(tmp_path, detections=tags + "cve: [CVE-2024-0001]\n").problems
    assert [one.message.split("'")[1] for one in problems] == ["cve", "rba.risk_objects.scor"]
    assert problems[1].remedy == "Did you mean 'score'?"


def test_a_key_that_many_files_have_is_named_once(tmp_path: Path) -> None:
    load(tmp_path, macros="runbook: r\n")
    for number in range(2):
        text = f"name: m{number}\ndefinition: verb=create\nrunbook: r\n"
        (tmp_path / "macros" / f"other{number}.yml").write_text(text)
    (problem,) = load_content(tmp_path).problems
    assert problem.message == "the key 'runbook' of this macro does nothing, nor in 2 others of them"


def test_the_shipped_pack_has_no_such_key() -> None:
    assert load_content(shipped_pack()).problems == ()


@pytest.mark.corpus
def test_published_content_has_no_such_key(shared: Path) -> None:
    messages = [one.message for one in load_content(shared / "content" / "splunk").problems]
    assert not [one for one in messages if "does nothing" in one]


@pytest.mark.parametrize("spelling", ["analytic_story", "analytics_story"])
def test_the_schedule_of_a_story_was_ignored(tmp_path: Path, spelling: str) -> None:
    story = "tags: {analytic_story: [example story], product: [x]}\n"
    content = load(tmp_path, detections=story, deployments=f"tags: {{{spelling}: Example Story}}\n")
    assert content.problems == ()
    (one,) = content.detections
    assert content.deployment_for(one) == content.deployments["P"]


def test_the_schedule_of_another_story_is_not_that_of_a_type(tmp_path: Path) -> None:
    content = load(tmp_path, deployments="type: Hunting\ntags: {analytic_story: Example Story}\n")
    assert content.deployment_for(content.detections[0]) is None
