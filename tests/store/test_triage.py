"""ack, close, assign and status, as they are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sql

from podhawk.store.database import open_engine, transaction
from podhawk.store.schema import EVENTS, FINDINGS, TRIAGE, VERSION
from support.command_line import podhawk
from support.findings import event, run, write
from support.states import DETECTIONS, NewState

pytestmark = pytest.mark.slow


@pytest.fixture
def state(tmp_path: Path, new_state: NewState) -> str:
    made = new_state()
    run(write(tmp_path / "a.log", event("a"), event("b")), DETECTIONS[0], state=made)
    return str(made)


def ids_of(state: str) -> list[str]:
    return [row["finding_id"] for row in findings(state)]


def findings(state: str) -> list[dict[str, str]]:
    done = podhawk(
        "search", "| from datamodel:Findings | table finding_id status disposition assignee note | sort finding_id",
        "--state", state, "-o", "jsonl",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_findings_are_taken_assigned_and_closed(state: str) -> None:
    one, two = ids_of(state)
    assert podhawk("ack", one, "--assignee", "alice", "--state", state).stdout.split() == [one]
    assert podhawk("assign", one[:8], two, "--assignee", "bob", "--state", state).stdout.split() == [one, two]
    closed = podhawk("close", one, "--disposition", "duplicate", "--note", "see two", "--state", state)
    assert closed.returncode == 0, closed.stderr
    nothing = {"disposition": None, "note": None}
    assert [{name: row.get(name) for name in ("status", "assignee", *nothing)} for row in findings(state)] == [
        {"status": "resolved", "assignee": "bob", "disposition": "duplicate", "note": "see two"},
        {"status": "new", "assignee": "bob", **nothing},
    ]
    done = podhawk("status", "--state", state, "-o", "jsonl")
    held = {row["what"]: row["value"] for row in map(json.loads, done.stdout.splitlines())}
    assert {name: held[name] for name in ("events kept", "findings", "status new", "status resolved")} == {
        "events kept": "2", "findings": "2", "status new": "1", "status resolved": "1",
    }  # fmt: skip


def test_one_wrong_id_changes_nothing(state: str) -> None:
    one, two = ids_of(state)
    done = podhawk("ack", one, "0" * 32, two, "--state", state)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"no finding has the id {'0' * 32}" in done.stderr
    assert {row["status"] for row in findings(state)} == {"new"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["close", "x"], "missing --disposition"),
        (["close", "x", "--disposition", "fine"], "fine"),
        (["assign", "x"], "missing --assignee"),
        (["ack"], "ID"),
        (["ack", "abc"], "no finding has the id abc"),
    ],
)
def test_wrong_usage_is_told(state: str, arguments: list[str], told: str) -> None:
    done = podhawk(*arguments, "--state", state)
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize("verb", [["ack", "x"], ["status"]])
def test_a_state_that_is_not_there_is_not_made(verb: list[str], tmp_path: Path) -> None:
    assert "missing --state" in podhawk(*verb).stderr
    done = podhawk(*verb, "--state", tmp_path / "none")
    assert (done.returncode, f"no state in {tmp_path / 'none'}" in done.stderr) == (2, True)
    assert not (tmp_path / "none").exists()


def test_a_state_of_the_first_version_gets_notes_and_clusters(state: str) -> None:
    with transaction(open_engine(state)) as connection:
        for index in EVENTS.indexes:
            if "cluster" in index.columns:
                index.drop(connection)
        for table, column in ((TRIAGE, "note"), (EVENTS, "cluster"), (FINDINGS, "masked")):
            connection.execute(sql.text(f"ALTER TABLE {table.name} DROP COLUMN {column}"))
        connection.execute(VERSION.update().values(version=1))
    one, _ = ids_of(state)
    assert podhawk("ack", one, "--note", "mine", "--state", state).returncode == 0
    assert findings(state)[0]["note"] == "mine"
    with transaction(open_engine(state)) as connection:
        assert set(connection.execute(sql.select(EVENTS.c.cluster)).scalars()) == {"default"}
