"""What a finding says of its requests does not depend on how the input was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podhawk import api
from podhawk.content.model import Content
from podhawk.detect.report.finding_json import to_record
from support.findings import NOW, detection, event, received, run, write
from support.sessions import SMALL_SPLITS, session_with


def found(path: Path, search: str, **options: Any) -> list[dict[str, Any]]:
    return [to_record(one) for one in run(path, detection(search), **options)]


@pytest.mark.parametrize(
    "search",
    [
        "verb=create objectRef.resource=pods | where 'responseStatus.code'=403 | stats count | where count>3",
        "verb=create objectRef.resource=pods | search userAgent=kubectl* | stats count by auditID user.username",
        "verb=create objectRef.resource=pods | where 'responseStatus.code'=403 | table auditID user.username",
    ],
)
def test_events_that_a_later_filter_drops_still_belong_to_their_finding(search: str, tmp_path: Path) -> None:
    """They tell stages, sources and the first time, and an id begins with the first request."""
    log = write(
        tmp_path / "a.log",
        *(
            one
            for number in range(300)
            for one in (
                received(f"r{number}", at=f"10:{number // 60:02}:{number % 60:02}.000001", userAgent=f"agent {number}"),
                event(
                    f"r{number}",
                    at=f"10:{number // 60:02}:{number % 60:02}.000001",
                    responseStatus={"code": 403 if number % 3 else 201},
                ),
            )
        ),
    )
    every_line = found(log, search, strict=True)
    assert every_line
    assert found(log, search) == every_line
    assert found(log, search, session=session_with(SMALL_SPLITS, jobs=3, now=NOW)) == every_line


@pytest.mark.parametrize(
    "search",
    [
        "verb=create | timechart span=1m count by user.username",
        "verb=create | chart count over user.username by verb",
        "verb=create | chart count by responseStatus.code span=100",
    ],
)
def test_a_chart_whose_rows_do_not_tell_their_events_is_a_finding_all_the_same(search: str, tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(event(f"r{number}", at=f"10:00:{number:02}.000001") for number in range(5)))
    made = [one for one in found(log, search) if one["kind"] != "incident"]
    assert made
    assert all(one["request_count"] == 5 for one in made)


def test_what_a_warning_shows_is_the_same_on_any_number_of_cores(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(event(f"r{number}", requestURI=f"/api/{number % 40}") for number in range(400)))

    def details(jobs: int, strict: bool = False) -> dict[str, str]:
        return api.search(
            "* | eval x=relative_time(5, requestURI) | stats count by verb",
            log,
            content=Content(),
            session=session_with(SMALL_SPLITS, jobs=jobs, strict=strict),
        ).observed.details

    first = details(1)
    assert first
    assert all(details(jobs) == first for jobs in (2, 3, 4) for _ in range(3))
    assert details(1, strict=True) == first
