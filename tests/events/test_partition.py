"""A folder can name the cluster of the events in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.events.collected import CollectedLine, EventDecoder
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.partition import cluster_of, folder_of
from podhawk.events.read import read_events
from support.samples import line


@pytest.mark.parametrize("name", ["prod", "a/../b", "..", "é %2F\n", "cluster=x", "default"])
def test_a_name_comes_back_from_its_folder(name: str) -> None:
    folder = folder_of(name)
    assert "/" not in folder
    assert cluster_of(f"/state/lake/{folder}/hour=1/x.gz") == name


def test_a_long_name_fits_into_a_folder() -> None:
    names = {folder_of("é" * 300 + end) for end in "ab"}
    assert len(names) == 2
    assert all(len(one) < 256 for one in names)
    assert all(cluster_of(f"{one}/x") for one in names)


def test_the_innermost_folder_counts() -> None:
    assert cluster_of("cluster=a/cluster=b/x.log") == "b"
    assert cluster_of("/logs/cluster=a.log") is None
    assert cluster_of("/logs/my-cluster=a/x.log") is None


def test_a_folder_counts_more_than_the_option_and_less_than_an_envelope(tmp_path: Path) -> None:
    folder = tmp_path / "cluster=eu"
    folder.mkdir()
    (folder / "a.log").write_text(line() + '\n{"fields":{"cluster":"us"},"event":' + line("a2") + "}\n")
    (tmp_path / "b.log").write_text(line("a3"))
    found = read_events([str(tmp_path)], ReadOptions(cluster="other"), InputReport())
    assert sorted((one.view.data["auditID"], one.cluster) for one in found) == [
        ("a1", "eu"),
        ("a2", "us"),
        ("a3", "other"),
    ]


def test_like_lines_of_two_clusters_are_of_two_clusters() -> None:
    """Events of lines that differ in nothing but their identity are made from the first one."""
    decoder = EventDecoder(ReadOptions())
    lines = [CollectedLine(f"cluster={name}/x", 1, line(f"id-{name}").encode()) for name in ("a", "b", "a")]
    assert [decoder.event(one).cluster for one in lines] == ["a", "b", "a"]
