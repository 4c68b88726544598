"""Detections that leave the content, that search for something else, and events that are kept for less time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from podhawk import api
from podhawk.content.model import Content, Detection
from podhawk.detect.passes.settle import Policies
from podhawk.detect.rank.priority import PriorityPolicy
from podhawk.detect.report.finding_json import to_record
from podhawk.errors import UsageError
from podhawk.store.behind import known_matches
from podhawk.store.database import open_engine, transaction
from podhawk.store.holdings import holdings
from podhawk.store.schema import EVENTS
from podhawk.store.state import SqlState
from support.findings import NOW, detection, event, run, write
from support.states import NewState

CREATES = detection("verb=create objectRef.resource=pods | table user.username", name="Creates", id="1")
DELETES = detection("verb=delete | table user.username", name="Deletes", id="2")


def log(folder: Path) -> Path:
    events = [event(f"{verb}{at}", verb=verb, at=f"10:0{at}:00.0") for verb in ("create", "delete") for at in range(2)]
    return write(folder / "a.log", *events)


def nothing(folder: Path) -> Path:
    return write(folder / "none.log", event("n", verb="get"))


def risk(state: str) -> dict[str, str]:
    search = "| from datamodel Risk.All_Risk | stats sum(calculated_risk_score) as risk by source"
    return {row["source"]: row["risk"] for row in api.search(search, state=state, now=NOW)}


def names(state: str, kind: str) -> list[str]:
    return sorted(one.detection.name for one in SqlState(state).known() if one.kind == kind)


def accept(path: Path, *detections: Detection, state: str, **options: Any) -> api.FindingsResult:
    return run(path, *detections, state=state, accept_content=True, **options)


def test_a_detection_that_left_the_content_kept_its_risk(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    run(log(tmp_path), CREATES, DELETES, state=state)
    assert risk(state) == {"Creates": "98", "Deletes": "98"}
    assert len(names(state, "incident")) == 1
    found = run(nothing(tmp_path), CREATES, state=state)
    assert risk(state) == {"Creates": "98", "Deletes": "98"}, "left out is not removed"
    found = accept(nothing(tmp_path), CREATES, state=state)
    assert risk(state) == {"Creates": "98"}
    assert names(state, "intermediate") == ["Creates", "Creates", "Deletes", "Deletes"]
    assert [one["kind"] for one in found.found.gone] == ["incident"]
    assert holdings(state)["Deletes retired"] == "yes"
    retired = [one for one in map(to_record, SqlState(state).known()) if "retired" in one]
    assert [(one["detection"]["name"], one["retired"]) for one in retired] == [("Deletes", True)] * 2
    assert [match.finding.retired for match in known_matches(state, retired[0]["finding_id"])] == [True]
    run(nothing(tmp_path), CREATES, DELETES, state=state)
    assert not any(one.retired for one in SqlState(state).known())


def test_a_retired_detection_stays_so_when_all_findings_are_looked_at(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    run(log(tmp_path), CREATES, DELETES, state=state)
    accept(nothing(tmp_path), CREATES, state=state)
    run(nothing(tmp_path), CREATES, state=state, policies=Policies(priority=PriorityPolicy(bar=1)))
    assert risk(state) == {"Creates": "98"}
    assert names(state, "intermediate") == ["Creates", "Creates", "Deletes", "Deletes"]


def test_a_retired_detection_comes_back(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    run(log(tmp_path), CREATES, DELETES, state=state)
    accept(nothing(tmp_path), CREATES, state=state)
    found = run(nothing(tmp_path), CREATES, DELETES, state=state)
    assert found.found.began == ["Deletes"], "what came while it was away is not known"
    assert risk(state) == {"Creates": "98", "Deletes": "98"}
    assert len(names(state, "incident")) == 1


def test_what_only_leaves_out_is_not_retired(tmp_path: Path, new_state: NewState) -> None:
    state, content = new_state(), Content(detections=(CREATES, DELETES))
    api.run(content, log(tmp_path), state=state, now=NOW, jobs=1)
    api.run(content, nothing(tmp_path), state=state, now=NOW, jobs=1, only=["Creates"], accept_content=True)
    assert risk(state) == {"Creates": "98", "Deletes": "98"}


def test_a_changed_search_was_not_told_to_be_unknown_before(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    run(log(tmp_path), CREATES, state=state)
    wider = detection("verb IN (create, delete) | table user.username", name="Creates", id="1")
    found = run(nothing(tmp_path), wider, state=state)
    assert found.found.began == ["Creates"]
    assert "Creates since" in holdings(state)
    run(log(tmp_path), wider, state=state, backfill=True)
    assert names(state, "intermediate") == ["Creates"] * 4
    assert "Creates since" not in holdings(state)


def test_other_words_in_a_detection_change_nothing_of_what_it_knows(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    run(log(tmp_path), CREATES, state=state)
    louder = detection(CREATES.search, name="Creates", id="1", severity="high")
    assert not run(nothing(tmp_path), louder, state=state).found.began


def test_accepting_content_without_a_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--accept-content needs a state"):
        run(log(tmp_path), CREATES, accept_content=True)


@pytest.mark.parametrize(("days", "kept"), [(30, 2), (10, 1)])
def test_events_are_kept_for_so_many_days(days: int, kept: int, tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    for number, day in enumerate(("05", "25")):
        times = dict.fromkeys(("requestReceivedTimestamp", "stageTimestamp"), f"2026-11-{day}T10:00:00.0Z")
        path = write(tmp_path / f"{number}.log", event(f"e{number}", **times))
        run(path, CREATES, state=state, retention=days)
    with transaction(open_engine(state)) as connection:
        assert connection.execute(select(func.count()).select_from(EVENTS)).scalar() == kept
    assert len(names(state, "intermediate")) == 2


BEFORE = "verb=create objectRef.resource=pods | stats count by user.username | where count > 3"


@pytest.mark.parametrize(
    "after",
    [
        "verb=create objectRef.resource=pods | stats count by verb | where count > 3",
        "verb=delete | stats count by user.username | where count > 3",
        "verb=create objectRef.resource=pods | table user.username",
    ],
)
def test_a_changed_search_kept_findings_that_it_no_longer_makes(after: str, tmp_path: Path) -> None:
    events = [event(f"r{number}", at=f"10:00:{number:02}.0") for number in range(5)]
    old, new = (detection(search, name="A", id="6") for search in (BEFORE, after))
    state = str(tmp_path / "state")
    run(write(tmp_path / "first.log", *events), old, state=state)
    run(write(tmp_path / "second.log", event("z", verb="list", at="10:01:00.0")), new, state=state)
    known = {one.finding_id for one in SqlState(state).known()}
    assert known == {one.finding_id for one in run(tmp_path / "first.log", new)}
