"""Events of several clusters in one run."""

from __future__ import annotations

from pathlib import Path

from support.findings import detection, event, run, write


def test_equal_lines_of_two_clusters_became_one_event(tmp_path: Path) -> None:
    for cluster in "ab":
        (tmp_path / f"cluster={cluster}").mkdir()
        write(tmp_path / f"cluster={cluster}" / "audit.log", event("same"))
    found = run(tmp_path, detection("verb=create | table user.username"))
    assert sorted(one.cluster for one in found if one.kind != "incident") == ["a", "b"]
