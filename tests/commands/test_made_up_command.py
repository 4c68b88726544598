"""A command that is declared in one file and entered with one line works wherever commands are known."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.tally import TALLY
from podhawk import api
from podhawk.authoring.pages.trace import trace
from podhawk.authoring.pages.where import verdicts
from podhawk.authoring.testing.mutate import mutants
from podhawk.cli import plot, reference
from podhawk.commands.context import Context
from podhawk.commands.registry import COMMANDS
from podhawk.content.lookup_codec import pack_lookups, unpack_lookups
from podhawk.content.model import Content, Deployment
from podhawk.detect.evaluate.by_key import ByKey
from podhawk.detect.evaluate.monotone import is_monotone
from podhawk.detect.evaluate.plan_kind import plan_kind
from podhawk.detect.evaluate.row_template import identities
from podhawk.engine.plan.planner import Plan, make_plan, read_search
from podhawk.engine.search.collectors import RowCollector
from podhawk.engine.search.compiled import compile_search
from podhawk.engine.search.stats import SearchStats
from podhawk.engine.spark.payload import LookupCodec, sent_search
from podhawk.engine.wire import dump, load
from podhawk.errors import SearchError
from podhawk.rows import OrderKey, Row
from support.findings import detection, event, run, write

HOURLY = Deployment("hourly", cron_schedule="0 * * * *", earliest_time="-60m@m", latest_time="now")
THRESHOLD = "verb=create | fillnull | tally user.username | where tallied > 2"


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with COMMANDS.registered(TALLY):
        yield


def plan(search: str) -> Plan:
    return make_plan(read_search(search, {}), Context())


def log(tmp_path: Path) -> Path:
    counts = {"amy": 4, "bob": 3, "cid": 1}
    return write(
        tmp_path / "a.log",
        *(
            event(f"{user}{number}", at=f"09:{10 + number}:00.0", user={"username": user})
            for user, most in counts.items()
            for number in range(most)
        ),
    )


def test_it_is_there_only_while_it_is_registered() -> None:
    assert COMMANDS["tally"] in COMMANDS.supported()
    with pytest.raises(ValueError, match="'tally'"), COMMANDS.registered(TALLY):
        pass
    assert "tally" in COMMANDS


def test_the_plan_ends_its_map_side_with_it_and_tells_fillnull_what_it_groups_by() -> None:
    made = plan(THRESHOLD)
    assert made.reducer is not None
    assert made.reducer.command is TALLY
    assert [stage.command.render(stage.node) for stage in made.mapped[1:]] == ["user.username"]
    assert made.wanted == {"verb", "user.username"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_it_runs_behind_the_prefilter_and_on_several_cores(tmp_path: Path, jobs: int) -> None:
    found = list(api.search("verb=create | tally user.username", log(tmp_path), jobs=jobs))
    assert found == [
        {"user.username": "amy", "tallied": "4"},
        {"user.username": "bob", "tallied": "3"},
        {"user.username": "cid", "tallied": "1"},
    ]
    assert list(api.search("verb=delete | tally user.username", log(tmp_path), jobs=jobs)) == []


@pytest.mark.parametrize(
    ("search", "kind", "monotone"),
    [
        ("verb=create | tally user.username auditID", "request", False),
        ("verb=create | tally user.username | sort - tallied", "request", False),
        (THRESHOLD, "aggregate", True),
        ("verb=create | tally user.username | rename tallied AS n | search n>=3", "aggregate", True),
        ("verb=create | tally user.username | where tallied < 3", "aggregate", False),
        ("verb=create | tally user.username | sort 1 - tallied", "aggregate", False),
        ("verb=create | tally user.username | tally tallied", "aggregate", False),
    ],
)
def test_its_plans_are_told_apart(search: str, kind: str, monotone: bool) -> None:
    made = plan(search)
    assert plan_kind(made) == kind
    assert kind == "request" or is_monotone(made) is monotone


def test_its_groups_are_the_by_keys_of_findings(tmp_path: Path) -> None:
    by = ByKey(plan("verb=create | tally user.username | rename user.username AS user | where tallied > 2"))
    assert (by.first, by.last) == (("user.username",), ("user",))
    found = run(log(tmp_path), detection(THRESHOLD, deployment=HOURLY))
    assert sorted((one.actor.user, one.request_count) for one in found) == [("amy", 4), ("bob", 3)]


def test_it_hands_the_identity_of_requests_through(tmp_path: Path) -> None:
    search = "verb=create | tally user.username auditID"
    assert identities(plan(search)) == {"auditID"}
    found = run(log(tmp_path), detection(search))
    assert sorted(str(one.rows[0]["auditID"]) for one in found) == [
        *(f"amy{number}" for number in range(4)),
        *(f"bob{number}" for number in range(3)),
        "cid0",
    ]


def test_it_crosses_to_executors_and_its_states_come_back() -> None:
    def collector(search: str) -> RowCollector:
        return RowCollector(compile_search(plan(search), Context()), SearchStats())

    driver = collector("verb=create | tally verb")
    sent = sent_search(driver, LookupCodec(pack_lookups, unpack_lookups))
    for number in range(2):
        part = collector(sent.text)
        for verb in ("create", "get"):
            part.add_row(Row({"verb": verb}, OrderKey(0.0, 0.0, (number,))))
        part.settle()
        driver.merge(load(dump(part.state)))
    assert [dict(row) for row in driver.finish().rows] == [
        {"verb": "create", "tallied": 2},
        {"verb": "get", "tallied": 2},
    ]


def test_it_is_in_the_reference() -> None:
    assert "Counts the rows of each combination" in reference.describe("tally")
    assert " tally" in reference.overview()
    assert "| tally | mergeable |" in reference.whole()


def test_its_result_can_be_drawn_and_a_page_can_tell_where_it_finds_nothing(tmp_path: Path) -> None:
    out = io.StringIO()
    plot.draw(api.search("verb=create | tally user.username", log(tmp_path), jobs=1), out)
    assert "amy" in out.getvalue()
    made = detection("verb=create | tally requestObject.kind")
    reasons = {one.place: one.reasons for one in verdicts(trace(made, Content()))}
    assert reasons["onprem-metadata"] == (
        "tally groups by requestObject.kind, which events never have here, so it drops every row.",
    )


def test_tests_are_tried_on_searches_that_lost_a_field_of_it() -> None:
    changes = [one.change for one in mutants(plan("verb=create | tally user.username verb").pipeline.stages)]
    assert "verb removed from | tally … by" in changes


def test_a_command_that_says_nothing_is_taken_to_do_anything() -> None:
    silent = TALLY.__class__(
        **{
            name: getattr(TALLY, name)
            for name in ("syntax", "doc", "examples", "parse", "render", "kind", "reads", "columns", "merge")
        },
        name="silent",
    )
    with COMMANDS.registered(silent):
        made = plan("verb=create | silent user.username | where tallied > 2")
        assert plan_kind(made) == "whole"
        assert identities(made) is None
    with pytest.raises(SearchError, match="silent"):
        plan("verb=create | silent user.username")
