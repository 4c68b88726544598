"""The time range of a log, by the beginnings and ends of its files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import podhawk
from podhawk import api
from podhawk.events.options import InputReport
from podhawk.events.span import EDGE, noting_span
from podhawk.events.time import span_text
from support.findings import NOW, event, write

FIRST, LAST = 1795600800.000001, 1795604399.509999


def hour_of_events(tmp_path: Path) -> Path:
    """More than both edges hold; the padding stands before the times, as bodies do."""
    events = [
        {
            "requestObject": {"padding": "x" * 2000},
            **event(str(second), at=f"10:{second // 60:02}:{second % 60:02}.000001"),
        }
        for second in range(0, 3600, 10)
    ]
    events.append(event("last", at="10:59:59.499999", after=0.01))
    return write(tmp_path / "audit.log", *events)


def report_of(path: Path, spl: str, **engine: Any) -> InputReport:
    session = api.session_of({"now": NOW, "jobs": 2 if engine else 1})
    session = replace(session, engine=replace(session.engine, **engine))
    return api.search(spl, str(path), session=session).report


@pytest.mark.parametrize("spl", ["verb=nothing", "* | stats count", "* | stats count by user.username"])
def test_the_range_does_not_hang_on_what_is_searched(tmp_path: Path, spl: str) -> None:
    report = report_of(hour_of_events(tmp_path), spl)
    assert (report.first_time, report.last_time) == (FIRST, LAST)


def test_splits_give_the_same_range(tmp_path: Path) -> None:
    report = report_of(hour_of_events(tmp_path), "verb=create | stats count", parallel_from=1, smallest_split=50_000)
    assert (report.first_time, report.last_time) == (FIRST, LAST)


def test_compressed_and_several_files(tmp_path: Path) -> None:
    packed = tmp_path / "a.log.gz"
    packed.write_bytes(gzip.compress(hour_of_events(tmp_path).read_bytes()))
    other = write(tmp_path / "b.log", event("x", at="09:00:00.000001"))
    result = podhawk.search("verb=create | stats count", packed, other)
    assert (result.report.first_time, result.report.last_time) == (FIRST - 3600, LAST)
    assert "2026-11-25 09:00–10:59 UTC" in result.report.summary_lines()[0]


def test_events_inside_of_texts(tmp_path: Path) -> None:
    path = tmp_path / "wrapped.log"
    path.write_text(json.dumps({"message": json.dumps(event("a"))}) + "\n")
    assert report_of(path, "*").first_time == FIRST


def test_a_last_block_of_few_bytes() -> None:
    text = b'{"stageTimestamp":"2026-11-25T10:00:00Z"}' + b" " * EDGE + b'{"stageTimestamp":"2026-11-25T11:00:00Z"}'
    for size in (7, 100, EDGE, len(text)):
        report = InputReport()
        blocks = [text[at : at + size] for at in range(0, len(text), size)]
        assert b"".join(noting_span(iter(blocks), report, first=False, last=lambda: True)) == text
        assert report.last_time == 1795604400.0
        assert report.first_time == report.last_time


def test_no_time_is_no_range() -> None:
    report = InputReport()
    assert list(noting_span(iter([b"{}"]), report, first=True, last=lambda: True)) == [b"{}"]
    assert report.first_time is None
    assert report.summary_lines()[0] == "Read 0 lines (0 bytes) from 0 files: 0 audit events."


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (1795600800.0, 1795600830.0, "2026-11-25 10:00 UTC"),
        (1795600800.0, 1795604400.0, "2026-11-25 10:00–11:00 UTC"),
        (1795600800.0, 1795691000.0, "2026-11-25 10:00 – 2026-11-26 11:03 UTC"),
        (1e18, 2e18, ""),
    ],
)
def test_a_range_in_words(first: float, last: float, text: str) -> None:
    assert span_text(first, last) == text
