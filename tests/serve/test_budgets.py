"""Detections that cost too much: isolated, never blind; and floods of distinct values."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.cli.content_choice import with_content
from podhawk.detect.evaluate.evaluation import MOST_VALUES, TRUNCATED, fewer, shown
from podhawk.detect.evaluate.group_bound import GROUPS, bounded
from podhawk.detect.evaluate.spending import Spending, Spent
from podhawk.detect.finding import Finding
from podhawk.detect.findings import RunFindings
from podhawk.rows import OrderKey, Row, Table
from podhawk.serve.evaluator import budgets
from podhawk.serve.evaluator.budgets import Budgets
from podhawk.serve.evaluator.evaluate import InboxEvaluator
from podhawk.serve.evaluator.pace import Pace
from podhawk.serve.evaluator.positions import letters
from podhawk.serve.inbox.deposit import ClusterLines, Deposit
from podhawk.serve.inbox.room import Room
from podhawk.serve.inbox.writer import InboxWriter
from podhawk.settings.resolve import resolve
from podhawk.store.database import open_engine, reading, transaction
from podhawk.store.schema import FINDINGS
from support.findings import event
from support.lakes import one_detection, stored
from support.served import alike, demo_lines, expected, risk_of

pytestmark = [pytest.mark.needs("serve")]


def records(folder: Path) -> list[dict[str, Any]]:
    with reading(str(folder)) as connection:
        assert connection is not None
        return [json.loads(text) for text in connection.execute(sql.select(FINDINGS.c.record)).scalars()]


def cpu(**seconds: float) -> dict[str, Spent]:
    return {name: Spent(cpu=one) for name, one in seconds.items()}


def test_a_detection_is_isolated_after_the_third_increment_over_its_budget() -> None:
    kept = Budgets(2.0)
    assert kept.note(cpu(a=3.0, b=0.1), 0.0) == {}
    assert kept.note(cpu(a=3.0), 1.0) == {}
    assert kept.note(cpu(a=1.0), 2.0) == {}  # once within its budget: it counts anew
    for now in (3.0, 4.0):
        assert kept.note(cpu(a=3.0), now) == {}
    assert kept.note(cpu(a=3.0), 5.0) == {"a": "CPU"}
    assert kept.note(cpu(a=3.0), 6.0) == {}
    assert kept.release(5.0 + budgets.RELEASE) == ["a"]
    assert kept.isolated == {}
    assert kept.spent["a"] == pytest.approx(19.0)


def test_rows_and_ram_have_budgets_too_and_ram_has_no_patience() -> None:
    kept = Budgets(2.0, rows=100, memory=1 << 20)
    many = {"a": Spent(rows=101), "b": Spent(rows=100)}
    assert [kept.note(many, now) for now in (0.0, 1.0, 2.0)] == [{}, {}, {"a": "rows"}]
    assert kept.note({"b": Spent(memory=2 << 20)}, 3.0) == {"b": "memory"}


def test_the_ram_of_a_detection_is_the_peak_while_it_is_evaluated() -> None:
    spending = Spending(memory=True)
    with spending.of("large", 3):
        assert len(b"x" * (64 << 20)) > 0  # gone at once
    with spending.of("small", 1):
        pass
    assert (spending.by_name["large"].rows, spending.by_name["small"].rows) == (3, 1)
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("the peak of a process cannot be begun anew here")
    assert spending.by_name["large"].memory > 60 << 20
    assert spending.by_name["small"].memory < 32 << 20


def test_a_flood_of_groups_hides_none_that_goes_on() -> None:
    class One(Struct):
        keys: frozenset[tuple[str, ...]]

    flood = [One(frozenset({(f"user-{number}",)})) for number in range(500)]
    attacker = [One(frozenset({("mallory",)})) for _ in range(6)]
    events = [*flood[:300], *attacker, *flood[300:]]
    kept = bounded(events, most=100)
    assert sum(one.keys == {("mallory",)} for one in kept) == 6
    assert len({key for one in kept for key in one.keys}) == 100
    assert {key for one in bounded(events[::-1], most=100) for key in one.keys} == {
        key for one in kept for key in one.keys
    }
    assert bounded(attacker, most=1) is attacker


def test_rows_say_that_there_were_more_groups() -> None:
    row = Row({"user": "alice", TRUNCATED: GROUPS, "names": tuple(map(str, range(MOST_VALUES + 1)))}, OrderKey())
    assert shown(row, Table([row], ("user", "names")))[TRUNCATED] == [GROUPS, "names"]
    own = Row({TRUNCATED: "a column of the search"}, OrderKey())
    assert shown(own, Table([own], (TRUNCATED,)))[TRUNCATED] == "a column of the search"


def test_a_flood_of_values_is_cut_to_the_same_ones_in_any_order() -> None:
    values = tuple(f"v{number:06}" for number in range(3 * MOST_VALUES))
    row = Row({"user": "alice", "names": values, "number": str(len(values))}, OrderKey())
    cells = shown(row, Table([row], ("user", "names", "number")))
    assert len(cells["names"]) == MOST_VALUES
    assert (cells[TRUNCATED], cells["number"]) == (["names"], str(len(values)))
    assert set(fewer(values[::-1])) == set(cells["names"])
    few = Row({"names": values[:MOST_VALUES]}, OrderKey())
    assert TRUNCATED not in shown(few, Table([few], ("names",)))


class SamePace(Pace):
    """A pace that does not hang on how busy the machine is."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = 300

    def note(self, lines: int, seconds: float) -> None:
        pass


def inbox_of(lines: list[bytes], folder: Path) -> InboxEvaluator:
    """An evaluator of a state whose inbox has these lines."""
    writer = InboxWriter(folder / "inbox", Room(1 << 30, 0))
    writer.start()
    for start in range(0, len(lines), 200):
        some = b"".join(line + b"\n" for line in lines[start : start + 200])
        part = (ClusterLines("prod", some, some.count(b"\n")),)
        writer.put(Deposit("s", "prod", sha256(some).digest()[:16], time.time(), 0.0, part)).result()
    writer.stop()
    return InboxEvaluator(with_content(resolve("serve", {"state": str(folder), "quiet": True}, {}, folder)))


class FaultyEvaluator(InboxEvaluator):
    """An evaluator with a detection that fails at a postponed request."""

    poison = ""

    def _find(
        self,
        cluster: str,
        name: str,
        text: bytes,
        along: Callable[[Connection], None] | None,
        again: Sequence[str] = (),
        deferred: frozenset[int] = frozenset(),
        windows: Sequence[str] = (),
    ) -> RunFindings:
        if self.poison in again or self.poison in windows:
            raise ValueError("a fault of one detection")
        return super()._find(cluster, name, text, along, again, deferred, windows)


def faulty(folder: Path, count: int) -> FaultyEvaluator:
    """An evaluator of a state in which so many requests wait, of which one cannot be evaluated."""
    given = {"state": str(folder / "live"), "content": [str(one_detection(folder / "content"))]}
    options = resolve("serve", given)
    stored(folder / "live", [("prod", [one_request(number) for number in range(count)])], closed=False)
    evaluator = FaultyEvaluator(options)
    evaluator.budgets.isolated["One"] = time.monotonic()
    assert evaluator.step("prod") is not None
    waiting = budgets.postponed(str(folder / "live"), isolated=True)
    assert len(waiting) == count
    evaluator.poison = waiting[count // 2]
    return evaluator


def one_request(number: int) -> bytes:
    return json.dumps(event(f"id-{number}")).encode()


def test_a_postponed_request_at_which_a_detection_fails_does_not_end_the_evaluator(tmp_path: Path) -> None:
    """It ended it at once after each start, for ever."""
    evaluator = faulty(tmp_path, 5)
    state = str(tmp_path / "live")
    assert evaluator.catch_up() is None  # not at once after the start
    evaluator.budgets.look_soon()
    begun: list[bool] = []
    told: list[Finding] = []
    for _ in range(20):
        done = evaluator.catch_up(lambda: begun.append(True))
        told += done.told.new if done is not None else []
    assert begun
    assert budgets.postponed(state, isolated=True) == []
    assert len(records(tmp_path / "live")) == 4 + len(told)
    (letter,) = letters(state, None, 10)
    assert (letter[1].sender, letter[1].cluster, len(told)) == ("evaluator", "prod", 1)


def test_a_postponed_request_does_not_fail_every_increment_that_takes_it_along(tmp_path: Path) -> None:
    evaluator = faulty(tmp_path, 3)
    state = str(tmp_path / "live")
    evaluator.budgets.isolated.clear()
    with transaction(open_engine(state)) as connection:
        connection.execute(budgets.POSTPONED.update().values(isolated=False))
    evaluated = []
    for number in (10, 11, 12):
        stored(tmp_path / "live", [("prod", [one_request(number)])], closed=False)
        while (done := evaluator.step("prod")) is not None:
            evaluated.append(done.events)
    assert evaluated == [0, 1, 1, 1]
    evaluator.budgets.look_soon()
    for _ in range(10):
        evaluator.catch_up()
    assert budgets.postponed(state, isolated=True) == []
    assert len(letters(state, None, 10)) == 1


@pytest.mark.slow
def test_a_backlog_is_worked_off_without_aggregates_and_ends_with_them(tmp_path: Path) -> None:
    lines = demo_lines(1600)
    findings, risk = expected(lines, tmp_path, "prod")
    evaluator = inbox_of(lines, tmp_path / "live")
    evaluator._pace = SamePace()
    evaluator._aggregated = time.monotonic() + 3600
    kept = []
    while evaluator.clusters():
        assert evaluator.step("prod") is not None
        kept.append(len(budgets.postponed(str(tmp_path / "live"), isolated=False)))
    assert kept[:-1] == sorted(kept[:-1])
    assert kept[-2] > 0
    assert kept[-1] == 0
    assert alike(records(tmp_path / "live")) == findings
    assert risk_of(str(tmp_path / "live")) == risk


@pytest.mark.slow
def test_what_an_isolated_detection_missed_is_found_later(tmp_path: Path) -> None:
    lines = demo_lines(1600)
    findings, risk = expected(lines, tmp_path, "prod")
    folder = tmp_path / "live"
    evaluator = inbox_of(lines, folder)
    names = [one.detection.name for one in evaluator.loaded.searches.evaluations]
    evaluator.budgets.isolated = dict.fromkeys(names[::2], time.monotonic())
    while evaluator.clusters():
        assert evaluator.step("prod") is not None
    before = records(folder)
    assert 0 < len(before) < len(findings)
    evaluator.budgets.looked = -budgets.EVERY
    assert evaluator.catch_up() is not None
    assert budgets.postponed(str(folder), isolated=True) == []
    assert alike(records(folder)) == findings
    assert risk_of(str(folder)) == risk


@pytest.mark.slow
def test_a_flood_of_distinct_values_is_found_and_told(tmp_path: Path) -> None:
    search = 'source="kubernetes" verb=create | stats count values(objectRef.name) as names by user.username'
    search += " | where count > 5"
    content, state = one_detection(tmp_path / "content", search), tmp_path / "live"
    many = [
        json.dumps(event(f"id-{number}", objectRef={"resource": "pods", "name": f"p{number}"})).encode()
        for number in range(MOST_VALUES + 50)
    ]
    stored(state, [("prod", many[start : start + 1000]) for start in range(0, len(many), 1000)], closed=False)
    evaluator = InboxEvaluator(resolve("serve", {"state": str(state), "content": [str(content)]}))
    while evaluator.clusters():
        assert evaluator.step("prod") is not None
    found = records(state)
    (row,) = [one["rows"][-1] for one in found if one["rows"] and TRUNCATED in one["rows"][-1]]
    assert (row[TRUNCATED], len(row["names"]), row["count"]) == (["names"], MOST_VALUES, str(len(many)))
    told = evaluator.look()
    assert told is not None
    assert [one.detection.id for one in told.told.new] == ["tripwire-truncated"]
