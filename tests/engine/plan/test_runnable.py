"""Whether a search can run: one answer, at any depth of the search, with a code."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk import api
from podhawk.commands.context import Context
from podhawk.content.model import Content, Detection, Macro
from podhawk.engine.plan.runnable import Broken, Runnable, Unsupported, runnability
from support.findings import detection, event, write

RUNS = [
    "verb=create | stats count by user.username",
    "`audit` | head 3",
    "* | iplocation sourceIPs{}",
    "* | append [search verb=get | head 1] | outputlookup seen",
    "verb=get [search verb=create | return 1 user.username]",
    '* | map search="search user.username=$user$"',
]
UNSUPPORTED = [
    "| mstats count WHERE index=x",
    "* | append [| mstats count WHERE index=x]",
    "* [| mstats count WHERE index=x | return 1 host]",
    "* | append [search verb=get [| mstats count WHERE index=x | return 1 host]]",
    "* | stats count | appendpipe [predict count]",
    "* | foreach a b [predict <<FIELD>>]",
    '* | map search="| mstats count WHERE index=$x$"',
    "`undefined` | append [| mstats count WHERE index=x]",
]
BROKEN = [
    ("`undefined` verb=create", "macro"),
    ("`loop`", "macro"),
    ("verb=create | stast count", "syntax"),
    ("(verb=create", "syntax"),
    ("* | lookup nowhere user", "lookup"),
    ("* | append [| inputlookup nowhere]", "lookup"),
    ("* [| inputlookup nowhere | fields user]", "lookup"),
    ('* | where match(x, "(?<a>")', "command"),
    ('* | append [search * | where match(x, "(?<a>")]', "command"),
    ('* | map search="| nonsense $x$"', "command"),
]
MACROS = {
    ("audit", 0): Macro("audit", (), "source=kubernetes"),
    ("loop", 0): Macro("loop", (), "`loop`"),
}


def content(*searches: str) -> Content:
    return Content(tuple(detection(one, name=one, id=one) for one in searches), macros=dict(MACROS))


def only(search: str) -> tuple[Detection, Content]:
    whole = content(search)
    return whole.detections[0], whole


@pytest.mark.parametrize("search", RUNS)
def test_a_search_that_runs_has_its_pipeline_and_its_plan(search: str) -> None:
    answer = runnability(*only(search))
    assert isinstance(answer, Runnable)
    assert answer.plan.pipeline.stages


@pytest.mark.parametrize("search", UNSUPPORTED)
def test_a_command_that_is_not_supported_is_found_at_any_depth(search: str) -> None:
    answer = runnability(*only(search))
    assert isinstance(answer, Unsupported)
    assert answer.code == "command"
    assert answer.message.startswith(f"{answer.command} is not supported: ")


@pytest.mark.parametrize(
    "search",
    [
        "| tstats count from datamodel=Endpoint.Processes by Processes.dest",
        "| tstats count from datamodel=Endpoint.Processes | `undefined(Processes)` | stats count",
        "* | append [| datamodel Endpoint Processes search]",
        "| from datamodel:Endpoint.Processes",
        "verb=get | join user [| tstats count from datamodel=Endpoint by Processes.user]",
    ],
)
def test_a_search_over_a_missing_data_model_was_broken(search: str) -> None:
    answer = runnability(*only(search))
    assert isinstance(answer, Unsupported)
    assert answer.code == "data-model"
    assert answer.message == "needs the data model Endpoint"


@pytest.mark.parametrize(("search", "code"), BROKEN)
def test_an_error_in_the_content_has_a_code(search: str, code: str) -> None:
    answer = runnability(*only(search))
    assert isinstance(answer, Broken)
    assert answer.code == code
    assert str(answer) == str(answer.error)


@pytest.mark.parametrize("search", ["* | iplocation ip", "* | append [search * | iplocation ip]"])
def test_a_geo_database_is_asked_for_by_a_run_and_not_by_content(search: str) -> None:
    one, whole = only(search)
    assert isinstance(runnability(one, whole), Runnable)
    answer = runnability(one, whole, Context(macros=whole.macros))
    assert isinstance(answer, Unsupported)
    assert (answer.code, answer.command) == ("geo-database", "iplocation")


def test_a_missing_table_in_a_leg_ended_the_run_of_all_detections(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", event())
    searches = ("verb=create | table verb", "* | append [| inputlookup nowhere]", "* [| mstats count | return 1 host]")
    for found in (api.rows(content(*searches), path).detections, api.run(content(*searches), path).detections):
        assert [type(one.runnability) for one in found] == [Runnable, Broken, Unsupported]
        assert [one.result is not None for one in found] == [True, False, False]
