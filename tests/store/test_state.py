"""Runs that remember: many runs over pieces find what one run over the whole finds."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sql

from detect.risk.test_risk import SCORE, VERBS, events
from podhawk import api
from podhawk.content.load import load_content, shipped_pack
from podhawk.detect.report.finding_json import from_record, to_record
from podhawk.errors import InputError, StateUnavailableError, StoreError, UsageError
from podhawk.store.database import open_engine, transaction
from podhawk.store.revisions import heirs_of
from podhawk.store.schema import CURRENT, EVENTS, FINDINGS, RISK, VERSION
from support.findings import NOW, detection, event, received, run, write
from support.states import DETECTIONS, MANY, PODS, NewState, at_statement, known, plain, requests, risk_of


@pytest.mark.slow
def test_runs_over_shuffled_pieces_find_what_one_run_finds(tmp_path: Path, new_state: NewState) -> None:
    lines = requests(16)
    whole = plain(run(write(tmp_path / "whole.log", *lines), *DETECTIONS))
    Random(3).shuffle(lines)
    state = new_state()
    for number in range(8):
        last = run(write(tmp_path / f"{number}.log", *lines[number::8]), *DETECTIONS, state=state)
    assert plain(last.found.told(all_known=True)) == whole
    again = run(tmp_path / "0.log", *DETECTIONS, state=state)
    assert again.found.changes == {}
    assert plain(again.found.told(all_known=True)) == whole


def test_a_rerun_changes_nothing_and_growth_raises_the_revision(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    (first,) = run(write(tmp_path / "a.log", received()), DETECTIONS[0], state=state)
    (again,) = run(tmp_path / "a.log", DETECTIONS[0], state=state)
    (grown,) = run(write(tmp_path / "b.log", event()), DETECTIONS[0], state=state)
    assert (first.revision, again.revision, grown.revision) == (1, 1, 2)
    assert (first.outcome, grown.outcome) == ("pending", "success")
    assert first.finding_id == grown.finding_id


def test_an_episode_that_gets_an_earlier_request_has_a_new_id_that_the_old_one_leads_to(
    tmp_path: Path, new_state: NewState
) -> None:
    state = new_state()
    burst = [event(f"r{number}", at=f"10:0{number}:00.0") for number in range(5)]
    (old,) = run(write(tmp_path / "late.log", *burst[1:]), DETECTIONS[1], state=state)
    (new,) = run(write(tmp_path / "early.log", burst[0]), DETECTIONS[1], state=state)
    assert new.finding_id != old.finding_id
    assert new.replaces == (old.finding_id,)
    (same,) = run(tmp_path / "early.log", DETECTIONS[1], state=state)
    assert same.replaces == (old.finding_id,)


def test_an_event_from_the_future_does_not_make_all_others_old(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    future = "2199-01-01T00:00:00.000000Z"
    run(write(tmp_path / "a.log", event("a")), DETECTIONS[0], state=state)
    for number in range(2):
        found = run(
            write(tmp_path / f"{number}.log", event("f", requestReceivedTimestamp=future, stageTimestamp=future)),
            DETECTIONS[0],
            state=state,
        )
    assert len(found.found.told(all_known=True)) == 2


def test_events_are_kept_for_a_while_and_findings_longer(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    old = event(
        "old", requestReceivedTimestamp="2026-01-01T10:00:00.000000Z", stageTimestamp="2026-01-01T10:00:00.010000Z"
    )
    run(write(tmp_path / "old.log", old), DETECTIONS[0], state=state)
    run(write(tmp_path / "new.log", event("new")), DETECTIONS[0], state=state)
    found = run(tmp_path / "new.log", DETECTIONS[0], state=state)
    assert [one.requests[0].audit_id for one in found] == ["new"]
    assert sorted(known(state, "requests{}.audit_id")) == ["new", "old"]
    assert risk_of(state) == ["49", "49"]


@pytest.mark.parametrize("name", ["a\0b", "x" * 3000, "ünï-\U0001f600"])
def test_any_name_can_be_kept(tmp_path: Path, new_state: NewState, name: str) -> None:
    """A database takes no NUL in a text, and a key only so long."""
    state = new_state()
    log = write(tmp_path / "a.log", *(event(f"r{number}", user={"username": f"{name}{number}"}) for number in range(2)))
    made = detection(PODS, id=name)
    run(log, made, state=state)
    run(log, made, state=state)
    rows = api.search("| from datamodel Risk.All_Risk | sort risk_object | table risk_object", state=state, now=NOW)
    assert [row["risk_object"] for row in rows] == [f"{name}0", f"{name}1"]


def test_a_search_waits_for_no_run(tmp_path: Path, new_state: NewState) -> None:
    """It waited for runs to end, and gave up after a minute."""
    state = new_state()
    run(write(tmp_path / "a.log", event()), DETECTIONS[0], state=state)
    with transaction(open_engine(state)) as connection:
        connection.execute(FINDINGS.delete())
        assert known(state) == ["Test Detection"]
    assert known(state) == []


def test_a_search_of_a_state_that_is_not_there_makes_none(tmp_path: Path) -> None:
    result = api.search("| from datamodel Risk.All_Risk", state=str(tmp_path / "none"), now=NOW)
    assert (len(result), list(result.observed.warnings)) == (0, ["risk-empty"])
    assert not (tmp_path / "none").exists()


def test_a_repeated_audit_id_makes_nobody_an_heir(tmp_path: Path) -> None:
    """Clients choose the auditID: the finding about another's request does not take the place of one that is gone."""
    findings = list(run(write(tmp_path / "a.log", event(), event(user={"username": "mallory"})), DETECTIONS[0]))
    alice, mallory = sorted(findings, key=lambda one: one.actor.user)
    assert heirs_of({"old": to_record(alice)}, [mallory]) == {}
    assert heirs_of({"old": to_record(alice)}, [alice]) == {"old": alice.finding_id}


def test_a_finding_can_be_read_back_from_its_record(shared: Path) -> None:
    result = api.run(
        load_content([shipped_pack()]), shared / "audit" / "corpus" / "C-requestresponse.log.gz", now=NOW, jobs=1
    )
    assert len(result) > 50
    for finding in result:
        assert to_record(from_record(to_record(finding))) == to_record(finding)


def test_owners_are_remembered_across_rotations_of_the_log(tmp_path: Path, new_state: NewState) -> None:
    def write_by(user: str, kind: str, name: str, at: str) -> dict[str, Any]:
        return event(
            name, at=at, user={"username": user}, objectRef={"resource": kind, "namespace": "default", "name": name}
        )

    account = "system:serviceaccount:kube-system:{}-controller"
    state = new_state()
    run(
        write(
            tmp_path / "old.log",
            write_by("alice", "deployments", "web", "09:00:00.1"),
            write_by(account.format("deployment"), "replicasets", "web-5d4f8c7b9", "09:00:00.2"),
        ),
        DETECTIONS[0],
        state=state,
    )
    pod = event(
        "pod",
        at="09:00:00.3",
        user={"username": account.format("replicaset")},
        userAgent="kcm",
        objectRef={"resource": "pods", "namespace": "default"},
    )
    (finding,) = run(write(tmp_path / "new.log", pod), DETECTIONS[0], state=state)
    assert [link.user for link in finding.actor.chain][-1] == "alice"


@pytest.mark.slow
def test_the_ledger_of_risk_is_the_same_in_the_database(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    made = [
        detection(
            f"verb={verb} | stats count by user.username | rename user.username as user",
            name=name,
            id=name,
            message="$user$",
            **SCORE,
        )
        for name, verb in VERBS.items()
    ]
    for number, one in enumerate(events()):
        run(write(tmp_path / f"{number}.log", one), *made, state=state)
    rows = list(
        api.search(
            "| from datamodel Risk.All_Risk | stats sum(calculated_risk_score) as risk by risk_object",
            state=state,
            now=NOW,
        )
    )
    assert rows == [
        {"risk_object": "admin", "risk": "10"},
        {"risk_object": "alice", "risk": "260"},
        {"risk_object": "bob", "risk": "0"},
        {"risk_object": "carol", "risk": "40"},
    ]
    (incident,) = api.search(
        "| from datamodel:Findings.Incidents | table title severity risk_score", state=state, now=NOW
    )
    assert incident == {
        "title": "alice reached risk score 260 in 24 h",
        "severity": "high",
        "risk_score": "260",
    }


def test_findings_can_be_searched(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    run(write(tmp_path / "a.log", *requests(3)), DETECTIONS[0], state=state)
    rows = list(
        api.search(
            "| from datamodel:Findings.All_Findings | search actor.user=user1 outcome=success "
            "| table actor.user target.resource requests{}.audit_id",
            state=state,
            now=NOW,
        )
    )
    assert rows == [{"actor.user": "user1", "target.resource": "pods", "requests{}.audit_id": "r1"}]


def test_a_run_that_fails_leaves_nothing(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    with pytest.raises(ZeroDivisionError), at_statement("INSERT INTO podhawk_risk", lambda: 1 / 0):
        run(write(tmp_path / "a.log", event()), DETECTIONS[0], state=state)
    with transaction(open_engine(state)) as connection:
        assert connection.execute(sql.select(sql.func.count()).select_from(FINDINGS)).scalar() == 0
    (found,) = run(tmp_path / "a.log", DETECTIONS[0], state=state)
    assert found.revision == 1


@pytest.mark.parametrize("content", ["not an event\n", "", "LOG not an event\n"])
def test_a_run_that_rejected_its_input_had_written_the_state(tmp_path: Path, new_state: NewState, content: str) -> None:
    state = new_state()
    run(write(tmp_path / "a.log", event("first")), DETECTIONS[0], state=state)
    log = write(tmp_path / "b.log", event("second", at="11:00:00.0"))
    log.write_text(content.replace("LOG", log.read_text()))
    with pytest.raises(InputError):
        run(log, DETECTIONS[0], state=state, strict=True)
    assert known(state, "requests{}.audit_id") == ["first"]
    with transaction(open_engine(state)) as connection:
        assert connection.execute(sql.select(sql.func.count()).select_from(EVENTS)).scalar() == 1


def test_a_state_of_a_newer_version_is_refused(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    run(write(tmp_path / "a.log", event()), DETECTIONS[0], state=state)
    with transaction(open_engine(state)) as connection:
        connection.execute(VERSION.update().values(version=CURRENT + 1))
    with pytest.raises(StoreError, match="newer podhawk"):
        run(tmp_path / "a.log", DETECTIONS[0], state=state)


def test_only_its_owner_can_read_a_state_in_a_folder(tmp_path: Path) -> None:
    run(write(tmp_path / "a.log", event()), DETECTIONS[0], state=str(tmp_path / "state"))
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state", tmp_path / "state" / "podhawk.db")
    }
    assert modes == {"state": 0o700, "podhawk.db": 0o600}


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("mysql://x/y", UsageError),
        ("postgresql://nobody:secret@127.0.0.1:1/x", StateUnavailableError),
        ("/proc/state", StoreError),
    ],
)
def test_a_state_that_cannot_be_used_is_told_without_its_password(
    tmp_path: Path, state: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as told:
        run(write(tmp_path / "a.log", event()), DETECTIONS[0], state=state)
    assert "secret" not in str(told.value)


@pytest.mark.slow
def test_two_runs_at_once_both_count(tmp_path: Path) -> None:
    state, content = str(tmp_path / "state"), tmp_path / "content"
    content.mkdir()
    (content / "many.yml").write_text(
        f"name: Many\nid: '2'\nversion: 1\ntype: Anomaly\nstatus: production\nsearch: {json.dumps(MANY)}\n"
    )
    logs = [
        write(
            tmp_path / f"{number}.log",
            *(event(f"{number}-{other}", at=f"10:0{number}:0{other}.0") for other in range(2)),
        )
        for number in range(4)
    ]
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "podhawk", "run", "-q", "--state", state, "--content", str(content), str(log)],
            stdout=subprocess.PIPE,
        )
        for log in logs
    ]
    assert [one.wait(60) for one in runs] == [0] * 4
    for one in runs:
        assert one.stdout is not None
        one.stdout.close()
    (found,) = api.search("| from datamodel:Findings.All_Findings | table request_count", state=state, now=NOW)
    assert found == {"request_count": "8"}


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_the_state_as_it_was(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    run(write(tmp_path / "a.log", event("first")), DETECTIONS[0], state=state)
    tests, log = str(Path(__file__).parent.parent), str(tmp_path / "b.log")
    script = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from support.findings import detection, event, run, write
from support.states import at_statement
with at_statement("INSERT INTO podhawk_risk", lambda: os.kill(os.getpid(), signal.SIGKILL)):
    run(write(Path({log!r}), event("second", at="11:00:00.0")), detection({PODS!r}), state={state!r})
"""
    done = subprocess.run([sys.executable, "-c", script], timeout=60)
    assert done.returncode == -signal.SIGKILL
    with transaction(open_engine(state)) as connection:
        assert connection.execute(sql.select(sql.func.count()).select_from(FINDINGS)).scalar() == 1
    assert run(tmp_path / "b.log", DETECTIONS[0], state=state).found.known == 2
    with transaction(open_engine(state)) as connection:
        assert connection.execute(sql.select(sql.func.count()).select_from(RISK)).scalar() == 2
