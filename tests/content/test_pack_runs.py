"""The shipped pack's own tests, run by the engine: every dataset gives exactly the rows it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracle.expected import EXPECTED
from oracle.pack import read
from podhawk import api
from podhawk.content import Content, load_content, shipped_pack
from podhawk.content.model import ContentTest, Detection
from podhawk.engine.plan.runnable import Runnable

PACK = load_content([shipped_pack()])
CASES = [(one, test) for one in PACK.detections for test in one.tests]


def _rows(content: Content, one: Detection, path: Path) -> int:
    (found,) = api.rows(content, path, detections=[one]).detections
    assert isinstance(found.runnability, Runnable)
    return len(found.result) if found.result is not None else 0


@pytest.mark.parametrize(("one", "test"), CASES, ids=[f"{one.stem}-{test.name}" for one, test in CASES])
def test_a_dataset_gives_its_rows(one: Detection, test: ContentTest) -> None:
    assert _rows(PACK, one, shipped_pack() / test.attack_data[0].data) == test.expected_results


@pytest.mark.parametrize("name", ["A-metadata", "D-background-1"])
def test_whole_logs_agree_with_the_independent_count(shared: Path, name: str) -> None:
    path = shared / "audit" / "corpus" / f"{name}.log.gz"
    events = list(read(path))
    result = api.rows(PACK, path)
    found = {one.detection.stem: len(one.result) if one.result else 0 for one in result.detections}
    assert found == {stem: count(events) for stem, count in EXPECTED.items()}


def test_the_demo_log_agrees_with_the_independent_count() -> None:
    path = shipped_pack() / "datasets" / "demo.log.gz"
    events = list(read(path))
    result = api.rows(PACK, path)
    found = {one.detection.stem: len(one.result) if one.result else 0 for one in result.detections}
    assert found == {stem: count(events) for stem, count in EXPECTED.items()}
