"""Drilldown searches of findings, with their values put in."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.load import load_content
from podhawk.content.model import DrilldownSearch
from podhawk.detect.report.drilldowns import drilldowns, fill
from support.findings import detection, event, run, write


@pytest.mark.parametrize(
    ("search", "filled"),
    [
        ("x | search user.username = $user.username$", 'x | search user.username = "al\\"ice"'),
        ("x | search g IN ($user.groups{}$)", 'x | search g IN ("a", "b")'),
        ("x | search g=$user.groups{}$", 'x | search (g="a" OR g="b")'),
        ('x | search g!="$user.groups{}$"', 'x | search (g!="a" g!="b")'),
        ("x | search h=$host$", 'x | search h=""'),
    ],
)
def test_values_are_put_in_quoted(tmp_path: Path, search: str, filled: str) -> None:
    log = write(tmp_path / "a.log", event(user={"username": 'al"ice', "groups": ["a", "b"]}))
    (finding,) = run(
        log, detection("verb=create | stats count values(user.groups{}) as user.groups{} by user.username")
    )
    assert fill(search, finding) == filled


def test_the_original_search_and_the_bounds_are_those_of_the_finding(tmp_path: Path) -> None:
    made = detection(
        "verb=create",
        drilldowns=(
            DrilldownSearch(
                "rows of $user.username$", "%original_detection_search% | head 1", "$info_min_time$", "$info_max_time$"
            ),
        ),
    )
    (one,) = drilldowns(next(iter(run(write(tmp_path / "a.log", event()), made))))
    assert (one.name, one.search) == ("rows of alice", "verb=create | head 1")
    assert one.earliest is not None
    assert one.latest is not None
    assert 0 < one.latest - one.earliest < 1


def test_every_published_drilldown_of_the_story_returns_rows_for_its_finding(shared: Path, tmp_path: Path) -> None:
    content = load_content([shared / "content" / "splunk"])
    chosen = [one for one in content.detections if "`kube_audit`" in one.search and one.status == "production"]
    looked_at = 0
    for corpus in ("A-metadata", "C-requestresponse"):
        log, state = shared / "audit" / "corpus" / f"{corpus}.log.gz", str(tmp_path / corpus)
        found = api.run(content, log, detections=chosen, state=state, now="2026-11-25T12:00:00Z", jobs=1)
        seen: set[str] = set()
        for finding in found:
            if finding.detection.name in seen or not finding.risk_objects or not finding.visible:
                continue
            seen.add(finding.detection.name)
            for one in drilldowns(finding):
                bounds = {
                    name: f"{value:.6f}"
                    for name, value in (("earliest", one.earliest), ("latest", one.latest))
                    if value is not None
                }
                rows = api.search(
                    one.search,
                    *([] if one.search.startswith("|") else [log]),
                    content=content,
                    state=state,
                    now="2026-11-25T12:00:00Z",
                    jobs=1,
                    **bounds,
                )
                assert len(rows) > 0, (finding.detection.name, one)
                looked_at += 1
    assert looked_at >= 20
