"""One test of a detection: its datasets, the rows they give, and what is wrong with these."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from podhawk import api
from podhawk.authoring.testing.datasets import Places, locate
from podhawk.authoring.testing.results import CaseVerdict
from podhawk.authoring.testing.rows import differences, read_golden
from podhawk.content.boundary import is_inside
from podhawk.content.model import Content, ContentTest, Detection
from podhawk.engine.plan.lineage import called
from podhawk.errors import ContentError, Place, PodhawkError
from podhawk.session import Session

MOST_LINES = 20
"""Lines of a difference that are shown."""


class Case(Struct, frozen=True):
    """One test of a detection; `number` counts its tests from 1."""

    detection: Detection
    test: ContentTest
    number: int

    @property
    def golden(self) -> Path:
        """Where its golden rows are, or would be: in `golden` beside the folder of detections.

        Raises ContentError for a symbolic link that leads elsewhere.
        """
        file = Path(self.detection.file).resolve()
        above = next((folder for folder in file.parents if folder.name == "detections"), file.parent)
        root = above.parent if above.name == "detections" else above
        path = root / "golden" / f"{self.detection.stem}-{self.number}.jsonl"
        if not is_inside(path, root):
            raise ContentError(
                "leads out of the content root and is neither read nor written",
                place=Place(str(path)),
                remedy="Remove the symbolic link.",
            )
        return path


class CaseOutcome(Struct, frozen=True):
    """What a test came to. `weak` says what it does not check, `seconds` how long it took."""

    case: Case
    verdict: CaseVerdict
    message: str = ""
    rows: tuple[dict[str, Any], ...] = ()
    seconds: float = 0.0
    weak: str = ""
    details: tuple[str, ...] = ()


def cases_of(detections: Sequence[Detection]) -> list[Case]:
    """All tests of some detections; one without any is a case that is skipped."""
    found: list[Case] = []
    for one in detections:
        tests = one.tests or (ContentTest(""),)
        found += [Case(one, test, number) for number, test in enumerate(tests, 1)]
    return found


def run_case(case: Case, content: Content, session: Session, places: Places) -> CaseOutcome:
    """Run one test."""
    started = time.perf_counter()
    outcome = _run(case, content, session, places)
    return replace(outcome, seconds=time.perf_counter() - started)


def _run(case: Case, content: Content, session: Session, places: Places) -> CaseOutcome:
    test = case.test
    if not test.name and not test.attack_data:
        return CaseOutcome(case, "skipped", "the detection has no test")
    if test.manual or test.test_type not in ("unit", ""):
        return CaseOutcome(case, "skipped", test.manual or f"podhawk does not run tests of type {test.test_type}")
    if not test.attack_data:
        return CaseOutcome(case, "failed", "the test names no dataset")
    rows: list[dict[str, Any]] = []
    stages: Sequence[Any] = ()
    try:
        for dataset_session, path, reason in _inputs(case, session, places):
            if path is None:
                return CaseOutcome(case, "skipped", reason)
            (result,) = api.rows(content, path, detections=[case.detection], session=dataset_session).detections
            if result.result is None:
                return CaseOutcome(case, "failed", str(result.runnability))
            rows += list(result.result)
            stages = result.result.stages
        return judge(case, rows, stages)
    except PodhawkError as error:
        return CaseOutcome(case, "failed", str(error))


def _inputs(case: Case, session: Session, places: Places) -> Iterator[tuple[Session, Path | None, str]]:
    """Each dataset with the session that reads it."""
    for data in case.test.attack_data:
        located = locate(data.data, case.detection, places)
        # What the dataset says of itself goes to events that have no source of their own.
        reading = replace(
            session.reading,
            source=_own(data.source, "kubernetes"),
            sourcetype=_own(data.sourcetype, "_json"),
            index=data.index or None,
            host=data.host or None,
        )
        yield replace(session, reading=reading), located.path, located.reason


def _own(stated: str, usual: str) -> str | None:
    return stated if stated and stated != usual else None


def judge(case: Case, rows: Sequence[dict[str, Any]], stages: Sequence[Any]) -> CaseOutcome:
    """What rows say of a test: their number, the golden rows, the risk and threat objects."""
    kept = tuple(rows)
    expected = case.test.expected_results
    if expected is not None and len(rows) != expected:
        return CaseOutcome(case, "failed", f"expected {_rows(expected)}, got {_rows(len(rows))}", kept)
    if expected is None and not rows:
        return CaseOutcome(case, "failed", "expected at least one row, got none", kept)
    lacking = _lacking(case.detection, rows, stages) if rows else []
    if lacking:
        return CaseOutcome(case, "failed", f"no row has a value for {', '.join(lacking)}", kept)
    if case.golden.is_file():
        lines = differences(read_golden(case.golden), rows)
        if lines:
            return CaseOutcome(
                case, "failed", f"rows differ from {case.golden.name}", kept, details=tuple(lines[:MOST_LINES])
            )
        return CaseOutcome(case, "passed", _rows(len(rows)), kept)
    weak = (
        "no golden rows: any number of rows passes"
        if expected is None
        else "no golden rows: only the number of rows is checked"
        if expected
        else ""
    )
    return CaseOutcome(case, "passed", _rows(len(rows)), kept, weak=weak)


def _lacking(detection: Detection, rows: Sequence[dict[str, Any]], stages: Sequence[Any]) -> list[str]:
    """The risk and threat objects that no row has a value for."""
    wanted = [(f"risk object {one.field}", one.field) for one in detection.risk_objects]
    wanted += [(f"threat object {one.field}", one.field) for one in detection.threat_objects]
    return [
        label
        for label, name in wanted
        if not any(row.get(column) for row in rows for column in (name, called(name, stages)))
    ]


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"
