"""Jobs over the lake: searches over the whole input on their cron, and backfills of new detections."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from podhawk import api
from podhawk.content.load import shipped_pack
from podhawk.detect.report.finding_json import to_record
from podhawk.events.time import parse_rfc3339
from podhawk.serve.changes import changes_after
from podhawk.serve.evaluator.evaluate import InboxEvaluator
from podhawk.serve.evaluator.process import Order
from podhawk.serve.jobs.backfill import run_backfills
from podhawk.serve.jobs.content import JobContent
from podhawk.serve.jobs.kept import (
    BACKFILLS,
    MOST_ATTEMPTS,
    Backfill,
    last_runs,
    make_job_tables,
    note_backfill,
    note_run,
    pending,
)
from podhawk.serve.jobs.process import JobOrder, do_jobs
from podhawk.serve.jobs.scheduled import run_due
from podhawk.serve.shadow import SHADOW_OWNER
from podhawk.settings.resolve import Settings, resolve
from podhawk.store.database import open_engine, transaction
from podhawk.store.state import SqlState
from support.findings import event
from support.lakes import kept, stored
from support.processes import wait_for
from support.served import alike, demo_lines, risk_of, send
from support.service import service

NEW = "*Secret*"
"""A pattern of detections that a service gets later."""
DETECTION_ID = "22222222-2222-2222-2222-222222222222"


def settings(state: Path, **given: Any) -> Settings:
    return resolve("serve", {"state": str(state), "free_disk": "1M", **given})


def evaluate(options: Settings) -> None:
    """Evaluate all that is in the inbox, as the service does."""
    evaluator = InboxEvaluator(options)
    for cluster in evaluator.clusters():
        while evaluator.step(cluster) is not None:
            pass


def work(options: Settings, seconds: float = 60.0, days: float = 1e5) -> int:
    order = Order(dict(options.values), dict(options.macros), {name: dict(one) for name, one in options.tables.items()})
    return do_jobs(JobOrder(order, days, 0, seconds)).failed


def known(state: Path) -> list[str]:
    return alike([to_record(one) for one in SqlState(str(state)).known()])


def in_bodies(lines: list[bytes], size: int = 50) -> list[tuple[str, list[bytes]]]:
    return [("prod", lines[start : start + size]) for start in range(0, len(lines), size)]


@pytest.fixture
def served(tmp_path: Path) -> tuple[Path, list[bytes]]:
    """A service that had no detections of Secrets, and has them now: most of its events are in the lake already."""
    lines, state = demo_lines(900), tmp_path / "state"
    stored(state, in_bodies(lines[:600]), hours=3)
    evaluate(settings(state, exclude=[NEW]))
    make_job_tables(str(state))
    assert work(settings(state, exclude=[NEW])) == 0
    kept(state, days=1e5)
    stored(state, in_bodies(lines[600:850]), closed=False)
    evaluate(settings(state, exclude=[NEW]))
    assert pending(str(state)) == []
    stored(state, in_bodies(lines[850:]), closed=False)
    evaluate(settings(state))
    return state, lines


def expected(lines: list[bytes], folder: Path) -> tuple[list[str], list[str]]:
    log = folder / "whole.log"
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    result = api.run(shipped_pack(), log, state=str(folder / "whole"), cluster="prod", jobs=1)
    return alike([to_record(one) for one in result.found.everything()]), risk_of(str(folder / "whole"))


@pytest.mark.slow
def test_a_new_detection_is_evaluated_over_the_lake(served: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    state, lines = served
    wanted = expected(lines, tmp_path)
    missing = set(wanted[0]) - set(known(state))
    assert len(missing) > 2
    new = pending(str(state))
    assert new
    assert work(settings(state)) == 0
    assert pending(str(state)) == []
    assert (known(state), risk_of(str(state))) == wanted
    assert work(settings(state)) == 0


@pytest.mark.slow
def test_a_backfill_goes_on_where_it_ended(served: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    """Its position is written with what it finds; here it may evaluate one part each time, and is killed once."""
    state, lines = served
    places = set()

    def note_places() -> None:
        with transaction(open_engine(str(state)), alone=False) as connection:
            places.update((row.detection_id, row.first, row.line) for row in connection.execute(BACKFILLS.select()))

    assert work(settings(state), seconds=0.0) == 0
    note_places()
    assert pending(str(state))
    child = os.fork()
    if not child:
        signal.alarm(3)
        work(settings(state))
        os._exit(0)
    os.waitpid(child, 0)
    for _ in range(200):
        note_places()
        if not pending(str(state)):
            break
        assert work(settings(state), seconds=0.0) == 0
    assert pending(str(state)) == []
    assert len(places) > len({one for one, _, _ in places})
    assert (known(state), risk_of(str(state))) == expected(lines, tmp_path)


@pytest.mark.slow
def test_no_backfill_if_none_is_wanted(served: tuple[Path, list[bytes]]) -> None:
    state, _ = served
    before = known(state)
    assert pending(str(state))
    assert work(settings(state), days=0.0) == 0
    assert pending(str(state)) == []
    assert known(state) == before


@pytest.mark.slow
@pytest.mark.needs("serve")
def test_the_service_does_it_by_itself(tmp_path: Path) -> None:
    lines = demo_lines(500)
    with service(tmp_path / "live", "--exclude", NEW) as live:
        send(live, lines[:450], "prod")
        live.wait_until_evaluated()
        wait_for(lambda: (live.folder / "jobs.lock").exists(), 30, "the first jobs")
        live.stop()
        live.options = ()
        live.start()
        send(live, lines[450:], "prod")
        live.wait_until_evaluated()
        wanted = expected(lines, tmp_path)
        wait_for(lambda: alike(live.findings()) == wanted[0], 60, f"the backfill: {live.log}")
        wait_for(lambda: not live.metric("podhawk_backfills_pending"), 60, f"its end: {live.log}")
        assert risk_of(str(live.folder)) == wanted[1]
        assert live.metric("podhawk_jobs_failed_total") == 0


def content(folder: Path, search: str) -> Path:
    """A detection over the whole input that looks each ten minutes at the last hour."""
    (folder / "detections").mkdir(parents=True)
    (folder / "detections" / "one.yml").write_text(
        json.dumps(
            {
                "name": "Many in all",
                "id": DETECTION_ID,
                "type": "TTP",
                "search": search,
                "tags": {"message": "$user.username$", "risk_score": 10},
                "deployment": {
                    "name": "ten",
                    "scheduling": {"cron_schedule": "*/10 * * * *", "earliest_time": "-60m@m", "latest_time": "now"},
                },
            }
        )
    )
    return folder


def lines_at(*minutes: int) -> list[bytes]:
    return [json.dumps(event(f"id-{one}", at=f"10:{one:02d}:00.0")).encode() for one in minutes]


def moment(minute: int, hour: int = 10) -> float:
    return parse_rfc3339(f"2026-11-25T{hour}:{minute:02d}:30Z") or 0.0


SEARCH = (
    "verb=create | stats count by user.username | append [search verb=none | stats count by user.username]"
    " | where count > 3"
)


def test_a_search_over_the_whole_input_runs_on_its_cron_over_the_lake(tmp_path: Path) -> None:
    """It saw single increments only, so that four requests in four increments were no finding."""
    state = tmp_path / "state"
    options = settings(state, content=[str(content(tmp_path / "content", SEARCH))])
    jobs = JobContent.read(options)
    for minutes in ((1, 2), (3,)):
        stored(state, [("prod", lines_at(*minutes))])
        evaluate(options)
    make_job_tables(str(state))
    kept(state, days=1e5)
    due, failed = run_due(jobs, moment(5))
    assert (due, failed) == (moment(10) - 30, 0)
    stored(state, [("prod", lines_at(8))], closed=False)
    evaluate(options)
    assert known(state) == []
    run_due(jobs, moment(9))
    assert known(state) == []
    assert run_due(jobs, moment(10)) == (moment(20) - 30, 0)
    (found,) = SqlState(str(state)).known()
    assert (found.title, found.detection.name, found.rows[0]["count"]) == ("alice", "Many in all", "4")
    assert [last for last, _ in last_runs(str(state)).values()] == [moment(10) - 30]
    run_due(jobs, moment(15))
    run_due(jobs, moment(59, 12))
    assert len(known(state)) == 1
    assert [last for last, _ in last_runs(str(state)).values()] == [moment(50, 12) - 30]


def test_a_search_that_never_ends_is_left_out(tmp_path: Path) -> None:
    state = tmp_path / "state"
    options = settings(state, content=[str(content(tmp_path / "content", SEARCH))])
    stored(state, [("prod", lines_at(1, 2, 3, 4))])
    evaluate(options)
    make_job_tables(str(state))
    jobs = JobContent.read(options)
    run_due(jobs, moment(5))
    ((key, (last, _)),) = last_runs(str(state)).items()
    with transaction(open_engine(str(state))) as connection:
        note_run(connection, key, last, MOST_ATTEMPTS)  # as if it had been begun so often, and ended its process
    run_due(jobs, moment(12))
    assert known(state) == []
    run_due(jobs, moment(21))
    assert len(known(state)) == 1


def many_in_shadow(folder: Path) -> Settings:
    """Settings with a search over the whole input in shadow, which has four events to find and was due."""
    options = settings(folder / "state", content=[str(content(folder / "content", SEARCH))], shadow=["Many in all"])
    stored(folder / "state", [("prod", lines_at(1, 2, 3, 4))])
    evaluate(options)
    make_job_tables(str(folder / "state"))
    run_due(JobContent.read(options), moment(5))
    return options


def test_what_a_job_finds_in_shadow_was_visible_and_added_risk(tmp_path: Path) -> None:
    options = many_in_shadow(tmp_path)
    run_due(JobContent.read(options), moment(12))
    (found,) = SqlState(options["state"]).known()
    assert found.suppressed_by is not None
    assert (found.visible, found.suppressed_by.owner) == (False, SHADOW_OWNER)
    assert risk_of(options["state"]) == []


def test_what_a_job_found_was_in_no_stream_of_changes(tmp_path: Path) -> None:
    options = many_in_shadow(tmp_path)
    jobs = JobContent.read(options)
    run_due(jobs, moment(12))
    (found,) = changes_after(options["state"], 0, ["*"], 10).changes
    assert (found.change.change, found.change.detection, found.change.shadow) == ("new", "Many in all", True)
    assert jobs.changed == 1


def test_a_backfill_of_a_detection_that_was_broken_for_a_moment_was_given_up(tmp_path: Path) -> None:
    state = tmp_path / "state"
    options = settings(state, content=[str(content(tmp_path / "content", "verb=delete"))])
    stored(state, [("prod", lines_at(1, 2))])
    evaluate(options)
    make_job_tables(str(state))
    assert work(options) == 0
    kept(state, days=1e5)
    file = tmp_path / "content" / "detections" / "one.yml"
    whole = file.read_text().replace("verb=delete", "verb=create")
    file.write_text(whole)
    stored(state, [("prod", [b"{}"])], closed=False)
    evaluate(options)
    (new,) = pending(str(state))
    for broken in (whole.replace("verb=create", "| nonsense ("), "{"):
        file.write_text(broken)
        jobs = JobContent.read(options)
        assert run_backfills(jobs, 1e5, time.monotonic() + 60).waiting == [new.detection_id]
        assert pending(str(state)) == [new]
    file.write_text(whole)
    assert work(options) == 0
    assert (pending(str(state)), len(known(state))) == ([], 2)


def test_a_lake_that_cannot_be_read_counted_as_one_without_events(tmp_path: Path) -> None:
    """The run counted, so that its moment was never looked at again."""
    state = tmp_path / "state"
    options = settings(state, content=[str(content(tmp_path / "content", SEARCH))])
    stored(state, [("prod", lines_at(1, 2, 3, 4))])
    evaluate(options)
    make_job_tables(str(state))
    jobs = JobContent.read(options)
    run_due(jobs, moment(5))
    unreadable = state / "inbox" / "inbox-000099.db"
    unreadable.mkdir()
    _, failed = run_due(jobs, moment(12))
    assert (failed, known(state)) == (1, [])
    unreadable.rmdir()
    _, failed = run_due(jobs, moment(13))
    assert (failed, len(known(state))) == (0, 1)


def test_a_search_over_a_lake_without_events_has_run(tmp_path: Path) -> None:
    state = tmp_path / "state"
    options = settings(state, content=[str(content(tmp_path / "content", SEARCH))])
    stored(state, [])
    make_job_tables(str(state))
    jobs = JobContent.read(options)
    run_due(jobs, moment(5))
    assert run_due(jobs, moment(12)) == (moment(20) - 30, 0)
    assert [last for last, _ in last_runs(str(state)).values()] == [moment(10) - 30]


def test_nobody_was_told_of_a_backfill_that_was_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = tmp_path / "state"
    options = settings(state, content=[str(content(tmp_path / "content", "verb=create"))])
    stored(state, [("prod", lines_at(1))])
    evaluate(options)
    make_job_tables(str(state))
    with transaction(open_engine(str(state))) as connection:
        note_backfill(connection, Backfill(DETECTION_ID, "other", attempts=MOST_ATTEMPTS))
    jobs = JobContent.read(options)
    for _ in range(2):
        run_backfills(jobs, 1e5, time.monotonic() + 60)
    assert [one.message for one in caplog.records if "given up" in one.message] == [
        f"the backfill of Many in all is given up: it was begun {MOST_ATTEMPTS} times"
    ]
