"""The live published detections over logs of a real API server: the second reading gives the same rows."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from oracle.fields import pairs, read
from oracle.interpret import run
from oracle.values import text
from podhawk import api
from podhawk.commands.parse import parse_search
from podhawk.content import Content
from podhawk.events.time import parse_rfc3339
from podhawk.functions.declare import Env
from podhawk.spl.macros import expand

CORPORA = ("A-metadata", "C-requestresponse", "D-background-1")


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for place, line in enumerate(lines):
            raw = line.rstrip("\n")
            data = read(raw)
            row: dict[str, Any] = {
                "_raw": raw,
                "source": "kubernetes",
                "sourcetype": "_json",
                "index": "main",
                "_time": parse_rfc3339(data["requestReceivedTimestamp"]),
            }
            found: dict[str, list[str]] = {}
            for name, given in pairs(data, ""):
                found.setdefault(name, []).append(given)
            row |= {name: given[0] if len(given) == 1 else tuple(given) for name, given in found.items()}
            rows.append(((-row["_time"], -(parse_rfc3339(data["stageTimestamp"]) or 0), place), row))
    return [row for _, row in sorted(rows, key=lambda entry: entry[0])]


@pytest.mark.parametrize("corpus", CORPORA)
def test_rows_of_live_detections(published: Content, shared: Path, corpus: str) -> None:
    path = shared / "audit" / "corpus" / f"{corpus}.log.gz"
    live = [one for one in published.detections if "`kube_audit`" in one.search and "iplocation" not in one.search]
    assert len(live) == 12
    events = rows_of(path)
    for exact in (False, True):
        result = api.rows(published, path, detections=live, splunk_exact=exact, now="2026-11-25T12:00:00Z")
        for one in result.detections:
            tree = parse_search(expand(one.detection.search, published.macros))
            expected = run(tree.stages, [dict(row) for row in events], Env(now=0.0), exact)
            shown = [
                {name: list(cell) if isinstance(cell, tuple) else text(cell) for name, cell in row.items()}
                for row in expected
            ]
            got = [{name: cell for name, cell in row.items() if cell is not None} for row in one.result or ()]
            assert [json.dumps(row, sort_keys=True) for row in got] == [
                json.dumps(row, sort_keys=True) for row in shown
            ], (one.detection.name, exact)
