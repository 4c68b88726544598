"""Real files in the wrappings of clouds and shippers: as many events as were counted in them by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podhawk.errors import InputError
from podhawk.events import AuditEvent, InputReport, ReadOptions, check_recognised, fields_of, read_events
from support.needs import find_shared


def found() -> Iterator[dict[str, Any]]:
    folder = find_shared()
    if folder is not None:
        for line in (folder / "audit/formats/found.jsonl").read_text().splitlines():
            yield json.loads(line)


FOUND = list(found())
ENTRIES = sorted(one["file"] for one in FOUND if "/log_entries/" in one["file"])


def read_one(path: Path) -> tuple[list[AuditEvent], InputReport]:
    report = InputReport()
    return list(read_events([str(path)], ReadOptions(), report)), report


@pytest.mark.parametrize("row", FOUND, ids=lambda row: row["file"])
def test_counts(row: dict[str, Any], shared: Path) -> None:
    events, report = read_one(shared / "audit/formats" / row["file"])
    counts = dict(row["counts"])
    reviews = counts.pop("admission", 0)
    assert len(events) == sum(counts.values())
    assert sum(one.format == "gke" for one in events) == counts.get("gke", 0) + counts.get("gke-go", 0)
    assert sum(entry.count for reason, entry in report.rejected.items() if "Admission" in reason) == reviews
    if not events:
        with pytest.raises(InputError):
            check_recognised(report)
    for one in events:
        assert one.cluster
        assert fields_of(one.view)["verb" if "verb" in one.view.data else "stage"]


@pytest.mark.parametrize("name", ENTRIES)
def test_each_gke_entry_becomes_its_audit_event(name: str, shared: Path) -> None:
    (entry,), _ = read_one(shared / "audit/formats" / name)
    (native,), _ = read_one(shared / "audit/formats" / name.replace("log_entries", "k8s_audit_events"))
    assert entry.view.data == native.view.data
    assert (entry.time, entry.stage_time) == (native.time, native.stage_time)
    assert not [field for field in fields_of(entry.view) if any(field.startswith(lost) for lost in entry.missing)]


def test_the_aks_sample_keeps_cluster_and_record(shared: Path) -> None:
    events, _ = read_one(shared / "audit/formats/sysdiglabs-aks-audit-log/event.json")
    assert {one.cluster for one in events} == {"KUBETEST"}
    assert {one.carrier.sourcetype for one in events if one.carrier} == {"mscs:storage:blob:json"}
    assert [one.origin.item for one in events] == list(range(22))


@pytest.mark.parametrize(("name", "count"), [("A-metadata", 12_196), ("D-background-1", 55_171)])
def test_a_real_log_is_read_whole(name: str, count: int, shared: Path) -> None:
    events, report = read_one(shared / f"audit/corpus/{name}.log.gz")
    assert len(events) == report.events == report.lines == count
    assert not report.rejected
    assert report.by_format == {"native": count}
    assert events[-1].origin.line == count


def test_webhook_bodies(shared: Path) -> None:
    report = InputReport()
    for one in read_events([str(shared / "audit/corpus/webhook")], ReadOptions(), report):
        annotations = one.view.data.get("annotations", {})
        assert one.truncated == (annotations.get("audit.k8s.io/truncated") == "true")
        assert one.view.raw.startswith('{"level":')
    assert report.files == 8
    assert report.by_format.keys() == {"eventlist"}
