"""An exception that is added reads and writes the findings of its detection, and what they add to; nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import event as sql_event
from sqlalchemy.engine import Engine

from podhawk.detect.passes.settle import Policies
from podhawk.detect.rank.exceptions import SiteException
from podhawk.detect.report.finding_json import to_record
from podhawk.spl.clause import read_clause
from podhawk.store.database import FILE
from podhawk.store.state import SqlState
from store.test_increments import told
from support.findings import detection, event, run, write

CREATES = detection("verb=create objectRef.resource=pods | table user.username", name="Creates", id="1")
DELETES = detection("verb=delete | table user.username", name="Deletes", id="2")
PATCHES = detection("verb=patch | stats count by user.username | where count > 2", name="Patches", id="3")
ALL = (CREATES, DELETES, PATCHES)
_STEPS = 100
"""Instructions of SQLite's machine that are counted together."""


def events(others: int) -> list[dict[str, Any]]:
    """Ten pods by people, with whatever else they did, and what others did."""
    found = [event(f"a{number}", user=_user(f"u{number}"), at=f"10:0{number}:00.0") for number in range(10)]
    found += [event(f"d{number}", user=_user(f"u{number}"), verb="delete", at="11:00:00.0") for number in range(10)]
    for number in range(others):
        at = f"12:{number // 60:02}:{number % 60:02}.0"
        found += [event(f"o{number}{verb}", user=_user(f"o{number}"), verb=verb, at=at) for verb in ("delete", "patch")]
    return found


def _user(name: str) -> dict[str, Any]:
    return {"username": name, "groups": ["system:authenticated"]}


def policies(detection: str) -> Policies:
    when = "user.username=u3"
    return Policies(
        exceptions=[SiteException("known", detection, when, read_clause(when, "when"), "me", "why", date(2026, 12, 31))]
    )


@contextmanager
def counted() -> Iterator[list[int]]:
    """Count the instructions of SQLite's machine, in hundreds."""
    steps = [0]

    def step() -> int:
        steps[0] += 1
        return 0

    def connected(connection: Any, _: Any) -> None:
        connection.set_progress_handler(step, _STEPS)

    sql_event.listen(Engine, "connect", connected)
    try:
        yield steps
    finally:
        sql_event.remove(Engine, "connect", connected)


def noted(state: Path) -> sqlite3.Connection:
    """A state that notes which findings are written."""
    db = sqlite3.connect(state / FILE)
    db.execute("CREATE TABLE written (finding_id TEXT)")
    for what, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        db.execute(
            f"CREATE TRIGGER note_{what} AFTER {what} ON podhawk_findings "
            f"BEGIN INSERT INTO written VALUES ({row}.finding_id); END"
        )
    db.commit()
    return db


def added(folder: Path, others: int) -> int:
    """The cost of an exception beside the findings of so many others. Checks what it wrote."""
    state, log = folder / f"state{others}", write(folder / "a.log", *events(others))
    nothing = write(folder / "none.log", event("n", verb="get"))
    run(log, *ALL, state=str(state))
    run(nothing, *ALL, state=str(state))
    db = noted(state)
    with counted() as steps:
        run(nothing, *ALL, state=str(state), policies=policies("Creates"))
    known = {one.finding_id: one for one in SqlState(str(state)).known()}
    written = [known[id_] for (id_,) in db.execute("SELECT DISTINCT finding_id FROM written")]
    db.close()
    assert {one.detection.name for one in written if one.kind != "incident"} == {"Creates"}
    people = {f"u{number}" for number in range(10)}
    assert all(gained.value in people for one in written for gained in one.risk_objects)
    assert told(known.values()) == told(run([log, nothing], *ALL, policies=policies("Creates")))
    assert [one.actor.user for one in known.values() if one.suppressed_by] == ["u3"]
    return steps[0]


def test_the_cost_of_an_exception_does_not_follow_what_others_did(tmp_path: Path) -> None:
    """It evaluated everything again."""
    few, many = added(tmp_path, 20), added(tmp_path, 600)
    assert many < 1.5 * few, (few, many)


def test_an_exception_that_is_taken_away_again(tmp_path: Path) -> None:
    state, log = str(tmp_path / "state"), write(tmp_path / "a.log", *events(5))
    nothing = write(tmp_path / "none.log", event("n", verb="get"))
    run(log, *ALL, state=state, policies=policies("*"))
    run(nothing, *ALL, state=state, policies=policies("Deletes"))
    assert told(SqlState(state).known()) == told(run([log, nothing], *ALL, policies=policies("Deletes")))
    run(nothing, *ALL, state=state)
    assert [to_record(one)["suppressed_by"] for one in SqlState(state).known() if one.suppressed_by] == []


def test_an_exception_on_one_detection_took_older_events_out_of_the_window_of_another(tmp_path: Path) -> None:
    clause = "user.username=nobody"
    exception = SiteException("kept", "B", clause, read_clause(clause, "when"), "me", "known", date(2026, 12, 31))
    many = detection(
        "verb=create objectRef.resource=pods | stats count by user.username | where count > 3", name="Many", id="6"
    )
    other = detection("verb=create | table user.username", name="B", id="5")
    events = [event(f"r{number}", at=f"10:00:{number:02}.0") for number in range(6)]
    state = str(tmp_path / "state")
    run(write(tmp_path / "first.log", *events[:5]), many, other, state=state)
    policies = Policies(exceptions=[exception])
    second = run(write(tmp_path / "second.log", *events[5:]), many, other, state=state, policies=policies)
    found = [one for one in SqlState(state).known() if one.detection.name == "Many"]
    assert [one.request_count for one in found] == [6]
    assert list(second.found.gone) == []
