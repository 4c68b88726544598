"""Increments find what one run over everything finds, whatever comes when."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, select

from podhawk.detect.passes.settle import Policies
from podhawk.detect.rank.exceptions import SiteException
from podhawk.detect.report.finding_json import to_record
from podhawk.errors import UsageError
from podhawk.spl.clause import read_clause
from podhawk.store.database import open_engine, transaction
from podhawk.store.holdings import holdings
from podhawk.store.schema import DETECTIONS as DETECTIONS_KEPT
from podhawk.store.schema import EVENTS, FINDINGS, HOMES, ISSUED, RISK, SERIES, VERSION, WANTED, WRITES
from podhawk.store.state import SqlState
from support.findings import detection, event, received, run, write
from support.histories import DETECTIONS, Event, History
from support.states import NewState


def told(findings: Any) -> dict[str, Any]:
    """Findings without what depends on how often they were seen, by id."""
    found = {}
    for one in map(to_record, findings):
        for name in ("revision", "replaces", "status", "disposition", "assignee"):
            one.pop(name)
        for request in one["requests"]:
            request.pop("source")
        found[one["finding_id"]] = json.loads(json.dumps(one))
    return found


def check(folder: Path, state: str, pieces: list[list[Event]]) -> None:
    """Run increments over pieces, and compare the state with one run over all that it has seen, after each."""
    seen: list[Event] = []
    for number, piece in enumerate(pieces):
        run(write(folder / "piece.log", *piece), *DETECTIONS, state=state)
        seen += piece
        expected = told(run(write(folder / "seen.log", *seen), *DETECTIONS))
        known = told(SqlState(state).known())
        assert known.keys() == expected.keys(), number
        for id_, one in expected.items():
            assert known[id_] == one, number


def pieces_of(history: History, events: list[Event]) -> list[list[Event]]:
    """Events in pieces, some of them late, some repeated."""
    random = history.random
    order = list(events)
    for _ in range(random.choice((0, 0, 2, 5))):
        order.insert(random.randrange(len(order)), order.pop(random.randrange(len(order))))
    if random.random() < 0.3:
        random.shuffle(order)
    order += random.sample(order, random.choice((0, 2)))
    found: list[list[Event]] = []
    while order:
        size = random.choice((1, 1, 2, 3, 8))
        found.append(order[:size])
        order = order[size:]
    return found


HISTORIES = 10_000 if os.environ.get("PODHAWK_EFFORT") == "full" else 12


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_random_histories_in_pieces(seed: int, tmp_path: Path) -> None:
    history = History(seed)
    events = history.events(20)
    check(tmp_path, str(tmp_path / "state"), pieces_of(history, events))


def both(folder: Path, state: str, *pieces: list[Event], **options: Any) -> None:
    """Compare a state with one run over these pieces."""
    whole = write(folder / "whole.log", *(event for piece in pieces for event in piece))
    assert told(SqlState(state).known()) == told(run(whole, *DETECTIONS, **options))


def pieces(seed: int, count: int = 2) -> list[list[Event]]:
    events = History(seed).events(30)
    return [events[number::count] for number in range(count)]


def exception(when: str) -> Policies:
    clause = read_clause(when, "when")
    return Policies(exceptions=[SiteException("known", "*", when, clause, "me", "known", date(2026, 12, 31))])


def test_an_exception_that_is_added_holds_for_what_is_known(tmp_path: Path, new_state: NewState) -> None:
    state, parts, policies = new_state(), pieces(901), exception("user.username=alice")
    run(write(tmp_path / "a.log", *parts[0]), *DETECTIONS, state=state)
    run(write(tmp_path / "b.log", *parts[1]), *DETECTIONS, state=state, policies=policies)
    both(tmp_path, state, *parts, policies=policies)
    run(tmp_path / "b.log", *DETECTIONS, state=state)
    both(tmp_path, state, *parts)


def test_a_detection_that_is_left_out_for_a_while_stays_and_goes_on(tmp_path: Path, new_state: NewState) -> None:
    state, parts = new_state(), pieces(902, 3)
    for number, (part, chosen) in enumerate(zip(parts, (DETECTIONS, DETECTIONS[:3], DETECTIONS), strict=True)):
        found = run(write(tmp_path / f"{number}.log", *part), *chosen, state=state)
        assert not found.found.began
        assert not [one for one in found.found.gone if one["detection"]["id"] not in {one.id for one in chosen}]
    run(tmp_path / "1.log", *DETECTIONS, state=state, backfill=True)
    both(tmp_path, state, *parts)


def test_a_new_detection_found_what_others_had_happened_to_keep(tmp_path: Path, new_state: NewState) -> None:
    """It found 16 of 100, and was called silent about the rest."""
    state, parts = new_state(), pieces(903)
    run(write(tmp_path / "a.log", *parts[0]), *DETECTIONS[:-1], state=state)
    found = run(write(tmp_path / "b.log", *parts[1]), *DETECTIONS, state=state)
    assert found.found.began == [DETECTIONS[-1].name]
    assert not run(tmp_path / "b.log", *DETECTIONS, state=state).found.began
    assert f"{DETECTIONS[-1].name} since" in holdings(state)
    run(tmp_path / "a.log", *DETECTIONS, state=state, backfill=True)
    both(tmp_path, state, *parts)
    assert f"{DETECTIONS[-1].name} since" not in holdings(state)


def test_a_state_of_version_2_is_evaluated_again(tmp_path: Path, new_state: NewState) -> None:
    state, parts = new_state(), pieces(904)
    run(write(tmp_path / "a.log", *parts[0]), *DETECTIONS, state=state)
    with transaction(open_engine(state)) as connection:
        for table in (WANTED, WRITES, ISSUED, HOMES, SERIES, DETECTIONS_KEPT):
            table.drop(connection)
        empty = {"request": "", "cluster": ""}
        connection.execute(FINDINGS.update().values(kept=None, last_time=0.0, **empty))
        connection.execute(EVENTS.update().values(request="", place="", credential="", component=""))
        connection.execute(RISK.update().values(kept=None, thing="", day="", entity="", full=0.0))
        connection.execute(VERSION.update().values(version=2))
    run(write(tmp_path / "b.log", *parts[1]), *DETECTIONS, state=state)
    both(tmp_path, state, *parts)


def test_a_state_of_version_4_is_evaluated_again(tmp_path: Path, new_state: NewState) -> None:
    """It did not keep by-keys."""
    state, parts = new_state(), pieces(905)
    run(write(tmp_path / "a.log", *parts[0]), *DETECTIONS, state=state)
    with transaction(open_engine(state)) as connection:
        wanted = connection.execute(select(WANTED)).mappings().all()
        assert any(row["by_key"] for row in wanted)
        before = ("detection_id", "cluster", "time", "fingerprint", "request")
        WANTED.drop(connection)
        old = Table(WANTED.name, MetaData(), *(Column(name, WANTED.c[name].type) for name in before))
        old.create(connection)
        connection.execute(old.insert(), [{name: row[name] for name in before} for row in wanted])
        connection.execute(FINDINGS.update().values(by_key=""))
        connection.execute(VERSION.update().values(version=4))
    run(write(tmp_path / "b.log", *parts[1]), *DETECTIONS, state=state)
    both(tmp_path, state, *parts)


@pytest.mark.parametrize("first", ["start", "end"])
def test_the_end_of_a_request_in_another_piece_than_its_start(first: str, tmp_path: Path, new_state: NewState) -> None:
    """It stayed pending for ever."""
    state = new_state()
    start, end = received("w", verb="watch"), event("w", verb="watch", responseStatus={"code": 403})
    for number, one in enumerate((start, end) if first == "start" else (end, start)):
        run(write(tmp_path / f"{number}.log", one), *DETECTIONS, state=state)
    both(tmp_path, state, [start, end])
    outcomes = {one.outcome for one in SqlState(state).known() if one.detection.name == "Watches"}
    assert outcomes == {"denied"}


def test_clusters_do_not_touch_each_other(tmp_path: Path, new_state: NewState) -> None:
    """A Deployment by alice in one cluster was charged for a pod in another."""
    state, parts = new_state(), pieces(905)
    for number in (0, 1, 0):
        log = write(tmp_path / f"{number}.log", *parts[number])
        run(log, *DETECTIONS, state=state, cluster=f"c{number}")
    expected = {}
    for number in (0, 1):
        expected |= told(run(tmp_path / f"{number}.log", *DETECTIONS, cluster=f"c{number}"))
    assert told(SqlState(state).known()) == expected


def test_an_episode_over_secrets_that_got_an_earlier_request_was_kept_twice(
    tmp_path: Path, new_state: NewState
) -> None:
    state = new_state()
    reads = [
        event(
            f"s{number}",
            at=f"10:0{number}:00.0",
            verb="get",
            objectRef={"resource": "secrets", "namespace": "default", "name": "s"},
            responseObject={"kind": "Secret", "data": {"password": "c2VjcmV0LXZhbHVlLW9uZQ=="}},
        )
        for number in range(6)
    ]
    many = detection("verb=get | stats count by user.username | where count > 2", name="Many", id="m")
    run(write(tmp_path / "late.log", *reads[2:]), many, state=state)
    run(write(tmp_path / "early.log", *reads[:2]), many, state=state)
    expected = told(run(write(tmp_path / "whole.log", *reads), many))
    assert told(SqlState(state).known()) == expected


def test_a_backfill_without_a_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--backfill needs a state"):
        run(write(tmp_path / "a.log", event()), *DETECTIONS, backfill=True)
