"""Filters further down a search are asked before a row is made, with the same rows, counts and warnings."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.fastpath.test_reader import account, by_slow_path, event
from podhawk import api
from podhawk.commands.context import Context
from podhawk.content import load_content
from podhawk.content.model import Content
from podhawk.engine.fastpath.row_filter import filtering
from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.engine.profile import profiling
from support.sessions import session_with

LOOKUP = "name: nets\nid: 1\nversion: 1\nauthor: x\ndate: 2026-01-01\ndescription: x\nlookup_type: csv\n"
CSV = "network,zone\n10.0.0.1,office\n10.0.0.2,unknown\n"
SEARCHES = [
    "NOT verb=zzz | eval ip=mvindex('sourceIPs{}', -1) | search ip=10.0.0.1 | table auditID ip _time",
    'NOT verb=zzz | rename user.username AS who | where who="bob" | table auditID who verb',
    "* | rename user.username AS who | where isnull(who) | table auditID verb",
    "* | lookup nets network AS sourceIPs{} OUTPUT zone | search zone=unknown | table auditID sourceIPs{} zone",
    '* | lookup nets network AS sourceIPs{} OUTPUT zone | search NOT zone=office | where verb!="get" | table auditID',
    '* | regex verb="^g" | table auditID verb',
    "* | fillnull value=none user.username | search user.username=none | table auditID user.username",
    '* | rex field=user.username "^(?<first>.)" | where first="a" | table auditID first',
    '* | eval bad=tonumber(verb) | where isnotnull(bad) OR verb="GET" | table auditID verb',
    "* | eval x='responseStatus.code'+verb | where isnull(x) | table auditID x",
    "* | fields verb auditID | search verb=get | stats first(auditID) by verb",
    '* | makemv delim="." user.username | mvexpand user.username | where \'user.username\'="a" | table auditID verb',
    "* | replace get WITH read IN verb | bin span=100 responseStatus.code | search verb=read | table auditID verb",
    "* | convert num(responseStatus.code) AS code | where code>300 | table auditID code",
    '* | where auditID>"id-3" | table auditID',  # by a field that differs for each event: no row filter
]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    root = tmp_path_factory.mktemp("content")
    (root / "lookups").mkdir()
    (root / "lookups" / "nets.yml").write_text(LOOKUP)
    (root / "lookups" / "nets.csv").write_text(CSV)
    return load_content([root])


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES)
def test_rows_counts_and_warnings_are_those_of_the_slow_path(search: str, content: Content, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for seed in range(3):
        chance = random.Random(f"gate {seed}")
        path.write_text("".join(event(chance, number) + "\n" for number in range(400)), encoding="utf-8")
        slow = by_slow_path(search, path, content)
        for options in (DEFAULTS, EngineOptions(row_filter_trials=2), EngineOptions(row_filters=False)):
            result = api.search(search, path, content=content, session=session_with(options))
            assert list(result) == list(slow)
            assert account(result) == account(slow)
            assert result.observed.matched == slow.observed.matched
            assert result.observed.warnings == slow.observed.warnings


@pytest.mark.parametrize(
    ("search", "stages", "names"),
    [
        ("verb=get | eval ip='sourceIPs{}' | search ip=1 | table auditID ip", 2, {"sourceIPs{}"}),
        ('verb=get | where verb="x" | eval a=auditID | where a="y" | table a', 1, {"verb"}),
        ("verb=get | table verb auditID", 0, set()),
        ('verb=get | where auditID="x"', 0, set()),
        ("verb=get | search text | table verb", 0, set()),
        ("verb=get | where 'requestObject.kind'=\"Pod\"", 0, set()),
        ("verb=get | where _time>3", 0, set()),
        ('verb=get | makemv verb | where verb="x"', 2, {"verb"}),
        ("verb=get | eval x=now() | where x>verb", 2, {"verb"}),
        ("verb=get | eval x=time ()+len(verb) | where x>5", 0, set()),
        ("verb=get | eval x=random()+len(verb) | where x>5", 0, set()),
        ("verb=get | stats count by verb | where count>3", 0, set()),
    ],
)
def test_what_can_be_asked_beforehand(search: str, stages: int, names: set[str]) -> None:
    found = filtering(make_plan(read_search(search, {}, "a search"), Context()))
    assert (len(found[0]), set(found[1])) == (stages, names) if found is not None else (stages, names) == (0, set())


def test_a_filter_is_asked_once_for_what_events_share(content: Content, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    chance = random.Random("shared")
    path.write_text("".join(event(chance, number) + "\n" for number in range(400)), encoding="utf-8")
    with profiling() as profile:
        result = api.search(SEARCHES[0], path, content=content, jobs=1)
    assert 0 < profile.scans[0].rows_filtered < 10
    assert result.observed.matched > 300
