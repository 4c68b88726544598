"""A state that is damaged, on a full disk or at an address that is none: an error that says so, and nothing is lost."""

from __future__ import annotations

import os
import resource
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sql

from podhawk import api
from podhawk.engine import wire
from podhawk.errors import StoreError, UsageError
from podhawk.store.database import open_engine, transaction
from podhawk.store.intact import kept_event
from podhawk.store.schema import EVENTS, FINDINGS, RISK, VERSION
from support.findings import NOW, event, run, write
from support.states import DETECTIONS, NewState

MODELS = ("datamodel:Findings.All_Findings", "datamodel Risk.All_Risk")
ROWS = {
    "a finding that is no JSON": FINDINGS.update().values(record="{"),
    "a finding that is a list": FINDINGS.update().values(record="[]"),
    "a finding without members": FINDINGS.update().values(record="{}"),
    "a finding with a wrong time": FINDINGS.update().values(record=sql.func.replace(FINDINGS.c.record, "2026-", "x")),
    "an event that is no state": EVENTS.update().values(data=b"\x00\xff"),
    "an event of an unknown version": EVENTS.update().values(data=b"\x93\xadpodhawk-state\x00\xc0"),
    "an event without members": EVENTS.update().values(data=b"\x93\xadpodhawk-state\x02\x92\x0d\x00"),
    "an event that is a number": EVENTS.update().values(data=b"\x93\xadpodhawk-state\x02\x07"),
    "risk that is no JSON": RISK.update().values(record="x"),
    "risk without members": RISK.update().values(record="{}"),
    "risk with a wrong time": RISK.update().values(record='{"_time": "x", "finding_id": ""}'),
}


def filled(tmp_path: Path, state: str) -> str:
    run(write(tmp_path / "a.log", event("a"), event("b", at="10:01:00.0")), *DETECTIONS, state=state)
    return state


def readings(tmp_path: Path, state: str) -> list[str]:
    """The errors of all that reads a state: a run, and searches of its data models."""
    errors = []
    for read in (
        *(lambda model=model: list(api.search(f"| from {model} | table *", state=state, now=NOW)) for model in MODELS),
        lambda: run(tmp_path / "a.log", state=state),  # keeps the findings of detections that are not there
        lambda: run(tmp_path / "a.log", *DETECTIONS, state=state),
    ):
        try:
            read()
        except StoreError as error:
            errors.append(str(error))
    return errors


@pytest.mark.parametrize("row", ROWS)
def test_a_damaged_row_was_a_traceback(tmp_path: Path, new_state: NewState, row: str) -> None:
    state = filled(tmp_path, new_state())
    with transaction(open_engine(state)) as connection:
        assert connection.execute(ROWS[row]).rowcount
    errors = readings(tmp_path, state)
    assert errors
    assert all("the state is damaged: " in one and "Restore the state from a backup" in one for one in errors)


@pytest.mark.parametrize("version", ["'abc'", "-3", "1.5", "x'00'"])
def test_a_version_that_is_no_number_was_a_traceback(tmp_path: Path, version: str) -> None:
    state = filled(tmp_path, str(tmp_path / "state"))
    with transaction(open_engine(state)) as connection:
        connection.execute(sql.text(f"UPDATE podhawk_schema SET version = {version}"))
    errors = readings(tmp_path, state)
    assert len(errors) == 4
    assert all("the state has the unknown version" in one for one in errors)


@pytest.mark.parametrize("column", ["podhawk_findings.revision", "podhawk_events.time"])
def test_text_in_a_column_of_numbers(tmp_path: Path, column: str) -> None:
    state = filled(tmp_path, str(tmp_path / "state"))
    table, _, name = column.partition(".")
    with transaction(open_engine(state)) as connection:
        connection.execute(sql.text(f"UPDATE {table} SET {name} = 'abc'"))
    errors = readings(tmp_path, state)
    assert errors
    assert all("the state is damaged" in one for one in errors)


def test_a_database_file_that_is_damaged(tmp_path: Path) -> None:
    state = filled(tmp_path, str(tmp_path / "state"))
    file = Path(state) / "podhawk.db"
    whole = file.read_bytes()
    for damaged in (b"no database" * 1000, whole[: len(whole) // 2], whole[:5000] + bytes(len(whole) - 5000)):
        file.write_bytes(damaged)
        errors = readings(tmp_path, state)
        assert errors
        assert all("podhawk.db: " in one and "Restore the state from a backup" in one for one in errors), errors
        assert file.read_bytes() == damaged


def test_a_table_that_is_missing(tmp_path: Path, new_state: NewState) -> None:
    state = filled(tmp_path, new_state())
    with transaction(open_engine(state)) as connection:
        FINDINGS.drop(connection)
    errors = readings(tmp_path, state)
    assert errors
    assert all("Restore the state from a backup" in one for one in errors)


def test_a_version_that_was_deleted_is_found_again(tmp_path: Path, new_state: NewState) -> None:
    state = filled(tmp_path, new_state())
    with transaction(open_engine(state)) as connection:
        connection.execute(VERSION.delete())
    assert readings(tmp_path, state) == []


def test_an_event_of_a_newer_podhawk_was_called_damage() -> None:
    newer = msgspec.msgpack.encode([wire.MAGIC, wire.VERSION + 1, None])
    with pytest.raises(StoreError, match="a newer podhawk wrote event 5f") as told:
        kept_event("5f", newer)
    assert "backup" not in str(told.value)


@pytest.mark.parametrize(
    "address",
    ["h:abc/db", "h:99999/db", "h:0/db", "[::1/db", "u:secret@h:x/db", "u:secret@h:1x/db", "u:secret@h:-1/db"],
)
def test_a_port_that_is_none_was_a_traceback(tmp_path: Path, address: str) -> None:
    with pytest.raises(UsageError, match="the host or the port in the state URL cannot be read") as told:
        run(write(tmp_path / "a.log", event()), DETECTIONS[0], state=f"postgresql://{address}")
    assert "secret" not in str(told.value)


@pytest.mark.slow
@pytest.mark.parametrize("room", [0, 20_000, 60_000])
def test_a_full_disk_could_not_be_rolled_back(tmp_path: Path, room: int) -> None:
    log = write(tmp_path / "a.log", *(event(f"a{number}", at=f"10:00:{number:02}.0") for number in range(50)))
    command = [sys.executable, "-m", "podhawk", "run", str(log), "-q", "-o", "jsonl"]
    environment = {**os.environ, "PODHAWK_CONTENT_CACHE": "off", "PYTHONDONTWRITEBYTECODE": "1"}
    small = write(tmp_path / "small.log", event("b"))
    subprocess.run([*command, str(small), "--state", str(tmp_path / "whole")], check=True, env=environment)
    shutil.copytree(tmp_path / "whole", tmp_path / "before")
    for state in ("new", "whole"):
        done = subprocess.run(
            [*command, "--state", str(tmp_path / state)],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        )
        assert "Traceback" not in done.stderr
        assert "rollback" not in done.stderr
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "podhawk.db: " in done.stderr
        assert "Free space on the disk" in done.stderr
    search = [sys.executable, "-m", "podhawk", "search", "| from datamodel:Findings.All_Findings | table finding_id"]
    rows = [
        subprocess.run([*search, "--state", str(tmp_path / name)], check=True, capture_output=True).stdout
        for name in ("before", "whole")
    ]
    assert rows[0] == rows[1]


def test_tables_that_outputlookup_writes_were_readable_by_everybody(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        api.search("| makeresults | eval a=1 | outputlookup t", state=str(tmp_path / "state"), write=True)
    finally:
        os.umask(old)
    paths = (tmp_path / "state", tmp_path / "state" / "t.csv")
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o700, 0o600]
