"""Coverage counts what content names and what tests prove, and nothing else."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from podhawk.authoring.coverage import Coverage, cover, html, layer, summary
from podhawk.authoring.coverage.matrix import platform
from podhawk.authoring.pages import CaseResult
from podhawk.cli.main import invoke
from podhawk.content import Content
from podhawk.content.annotations import technique
from podhawk.content.model import Detection


def states(coverage: Coverage) -> dict[str, str]:
    return {one.technique.id: one.state for one in coverage.techniques}


def test_every_technique_of_the_platform_is_in_the_shipped_table() -> None:
    facts = platform()
    assert len(set(facts.techniques)) == len(facts.techniques)
    assert [id_ for id_ in facts.techniques if not technique(id_).known] == []


def test_named_gap_and_outside(content: Content) -> None:
    found = cover(content.detections)
    state = states(found)
    assert state["T1204"] == state["T1610"] == state["T1613"] == "claimed"
    assert state["T1611"] == "gap"
    assert [one.technique.id for one in found.outside] == ["T1526"]
    assert "T1526" not in state


def test_detections_that_cannot_run_are_told() -> None:
    content = Content((Detection(name="Metrics", search="| mstats count WHERE index=x", mitre_attack_id=("T1610",)),))
    found = cover(content.detections, content=content)
    assert [name for name, _ in found.cannot_run] == ["Metrics"]
    assert any("mstats" in line and line.endswith(": Metrics") for line in summary(found))
    assert states(found)["T1610"] == "claimed"


def test_a_parent_is_covered_through_its_sub_technique_but_not_the_other_way(content: Content) -> None:
    found = {one.technique.id: one for one in cover(content.detections).techniques}
    assert found["T1552"].state == "claimed"
    assert not found["T1552"].direct
    assert found["T1204.003"].state == "gap"


def test_only_passing_tests_prove(content: Content) -> None:
    results = [
        CaseResult("pod_tags", "a", "passed"),
        CaseResult("body", "a", "passed"),
        CaseResult("body", "b", "failed"),
        CaseResult("grouped", "a", "skipped"),
    ]
    found = cover(content.detections, results)
    state = states(found)
    assert (state["T1204"], state["T1610"], state["T1613"]) == ("proven", "claimed", "claimed")
    gaps = {one.technique.id for one in found.gaps}
    assert "T1610" in gaps
    assert "T1204" not in gaps
    assert "tests prove 1" in summary(found)[0]


def test_navigator_layer(content: Content) -> None:
    made = layer(cover(content.detections, [CaseResult("body", "a", "passed")]))
    assert made["versions"]["layer"] == "4.5"
    assert made["versions"]["attack"] == platform().attack
    assert made["domain"] == "enterprise-attack"
    entries = {(one["techniqueID"], one["tactic"]): one for one in made["techniques"]}
    assert entries["T1610", "execution"]["score"] == 100
    assert entries["T1204", "execution"]["score"] == 50
    assert entries["T1611", "privilege-escalation"]["score"] == 0
    assert "T1526" in made["description"]
    assert len(entries) == len(made["techniques"])


def test_page_names_and_escapes(content: Content) -> None:
    text = html(cover(content.detections))
    assert "ATT&amp;CK 16" in text
    assert "Not in Containers" in text
    assert '<link rel="stylesheet"' not in text


@pytest.mark.parametrize("kind", ["table", "json", "csv", "md", "html", "navigator"])
def test_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    target = tmp_path / "out"
    assert invoke(["coverage", "--content", str(folder), "-o", kind, "--output-file", str(target)]) == 0
    text = target.read_text("utf-8")
    assert "T1610" in text
    if kind in ("json", "navigator"):
        assert json.loads(text)
    if kind == "csv":
        rows = list(csv.DictReader(text.splitlines()))
        assert {"tactic", "technique", "state"} <= set(rows[0])
    assert "gaps in Execution (" in capsys.readouterr().err


def test_a_form_of_another_verb_is_refused_wherever_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODHAWK_OUTPUT", "navigator")
    assert invoke(["content", "list"]) == 2
