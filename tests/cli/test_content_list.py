"""`podhawk content list` counts the detections that need a data model which podhawk does not have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.command_line import podhawk

pytestmark = pytest.mark.slow

SEARCHES = {
    "processes": "| tstats count from datamodel=Endpoint.Processes by Processes.dest | `drop_dm_object_name(x)`",
    "files": "| tstats count from datamodel=Endpoint.Filesystem by Filesystem.dest | `a_macro_of_the_add_on`",
    "web": "| datamodel Web Web search",
    "audit": "| tstats count from datamodel=Kubernetes.Audit where Audit.action=deleted by Audit.user",
}


def test_missing_data_models_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "detections"
    folder.mkdir()
    for name, search in SEARCHES.items():
        text = f"name: {name}\nid: {name}\nversion: 1\ntype: TTP\nstatus: production\nsearch: {json.dumps(search)}\n"
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    done = podhawk("content", "list", "--content", tmp_path, "-o", "jsonl")
    states = {row["name"]: row["state"] for row in map(json.loads, done.stdout.splitlines())}
    assert states == {
        "processes": "refused: needs the data model Endpoint",
        "files": "refused: needs the data model Endpoint",
        "web": "refused: needs the data model Web",
        "audit": "runs",
    }
    counted = "3 detections cannot run because they need a data model that podhawk does not have: Endpoint 2, Web 1"
    assert counted in done.stderr
