"""What columns are made of, followed through whole plans."""

from __future__ import annotations

import pytest

from podhawk.commands.context import Context
from podhawk.commands.declare import Stage
from podhawk.engine.plan.lineage import Lineage, called, computes, decides, earlier_names, kept, may_be_made, shows_only
from podhawk.engine.plan.planner import Plan, make_plan, read_search


def plan(search: str) -> Plan:
    return make_plan(read_search(f"verb=create | {search}", {}), Context(exact=True))


def stages(search: str) -> tuple[Stage, ...]:
    return plan(search).pipeline.stages[1:]


@pytest.mark.parametrize(
    ("search", "name", "fields"),
    [
        ("table verb", "verb", {"verb"}),
        ("rename user.username AS user", "user", {"user.username"}),
        ("rename user.username AS user, user AS who", "who", {"user.username"}),
        ("rename user.* AS *", "username", {"user.username", "username"}),
        ("stats count by verb", "verb", {"verb"}),
        ("stats values(verb) AS verbs", "verbs", {"verb"}),
        ("stats latest(verb) AS last", "last", {"verb", "_time"}),
        ("eventstats first(verb) AS one | sort 5 verb | dedup one", "one", {"verb", "one"}),
    ],
)
def test_a_field_that_nothing_changed(search: str, name: str, fields: set[str]) -> None:
    origin = Lineage(plan(search).pipeline.stages).origin(name)
    assert (origin.unchanged, origin.fields) == (True, fields)


@pytest.mark.parametrize(
    ("search", "name", "fields", "aggregated"),
    [
        ("eval user=lower(verb)", "user", {"verb"}, False),
        ("eval a=verb, b=a.c", "b", {"verb", "c"}, False),
        ("stats count by verb", "count", set(), True),
        ("stats count by verb | eval n=count*2", "n", set(), True),
        ("stats dc(verb) AS n by user | rename n AS m | fillnull m", "m", {"verb"}, True),
        ("fillnull value=none verb", "verb", {"verb"}, False),
        ("lookup t verb OUTPUT zone", "zone", {"verb", "zone"}, False),
        ("spath input=log", "user", {"log", "user"}, False),
        ("stats values(*) AS * by verb", "other", None, True),
        ("streamstats count by verb | foreach count [ eval <<FIELD>>=1 ]", "count", None, True),
    ],
)
def test_a_value_that_was_worked_out(search: str, name: str, fields: set[str] | None, aggregated: bool) -> None:
    made = read_search(f"verb=create | {search}", {}).stages
    origin = Lineage(made).origin(name)
    assert (origin.unchanged, origin.fields, origin.aggregated) == (False, fields, aggregated)


def test_a_column_that_is_not_there_is_made_of_nothing() -> None:
    origin = Lineage(plan("stats count by verb").pipeline.stages).origin("user")
    assert (origin.fields, origin.unchanged, origin.aggregated) == (frozenset(), True, False)


@pytest.mark.parametrize(
    ("search", "name", "grows"),
    [
        ("stats count", "count", True),
        ("stats count | rename count AS n | fields n", "n", True),
        ("stats sum(x) AS n | fillnull n", "n", True),
        ("stats sum(x) AS n | fillnull value=9 n", "n", False),
        ("stats count | fillnull value=9", "count", True),
        ("stats count | eval count=count", "count", False),
        ('stats count | rex field=x "(?<count>.)"', "count", False),
        ("stats count | bin span=5 count", "count", False),
        ("stats avg(x) AS n", "n", False),
        ("stats count(eval(_time>now()-60)) AS n", "n", False),
        ("stats avg(x) AS n count | rename n AS count", "count", False),
        ("table count", "count", False),
    ],
)
def test_what_can_only_grow(search: str, name: str, grows: bool) -> None:
    assert Lineage(plan(search).pipeline.stages).origin(name).growing is grows


@pytest.mark.parametrize(
    ("search", "name", "now"),
    [
        ("rename user.username AS user", "user.username", "user"),
        ("rename user.* AS *", "user.username", "username"),
        ("rename a AS b, b AS c", "a", "c"),
        ("rename a AS b | eval b=upper(b) | rename b AS c", "a", "c"),
        ("stats count by a | rename a AS b", "a", "b"),
        ("table b", "a", "a"),
    ],
)
def test_what_a_field_is_called_at_the_end(search: str, name: str, now: str) -> None:
    assert called(name, stages(search)) == now


@pytest.mark.parametrize(
    ("search", "name", "now"),
    [
        ("rename a AS b | sort - b | fillnull | where b>1", "a", "b"),
        ("eval a=upper(a)", "a", None),
        ("table b", "a", None),
        ("stats values(a) AS a", "a", None),
        ("stats count by a", "a", "a"),
        ("replace x WITH y IN a", "a", None),
        ("extract | fields a*", "a", "a"),
    ],
)
def test_under_which_name_values_are_kept(search: str, name: str, now: str | None) -> None:
    assert kept(name, stages(search)) == now


@pytest.mark.parametrize(
    ("search", "column", "names"),
    [
        ("rename a AS b | rename b AS c", "c", ("b", "a")),
        ("rename a AS b | eval b=upper(b) | fillnull b", "b", ("a",)),
        ("rename a AS b | stats values(b) AS b", "b", ("a",)),
        ("stats values(a) AS b", "b", ()),
        ("rename user.* AS *", "username", ("user.username",)),
        ("eval b=a", "b", ()),
    ],
)
def test_the_names_that_a_column_had_before(search: str, column: str, names: tuple[str, ...]) -> None:
    assert earlier_names(column, stages(search)) == names


@pytest.mark.parametrize(
    ("search", "computing", "deciding", "showing"),
    [
        ("where a=1", False, True, False),
        ("dedup a", False, True, False),
        ("sort 3 a", False, True, False),
        ("sort a", False, False, True),
        ("eval b=a", True, False, False),
        ("eval b=c", False, False, False),
        ("convert num(a)", True, False, True),
        ("stats count by a", False, False, True),
        ("stats values(a) AS b first(a) AS c", False, False, True),
        ("stats dc(a) AS n", True, False, True),
        ("fillnull a", False, False, True),
        ("rename a AS b", False, False, True),
        ("top a", True, True, False),
    ],
)
def test_what_a_stage_does_with_a_column(search: str, computing: bool, deciding: bool, showing: bool) -> None:
    (stage,) = stages(search)
    assert computes(stage, {"a"}) is computing
    assert decides(stage, {"a"}) is deciding
    assert shows_only(stage) is showing


def test_which_columns_a_search_may_make_itself() -> None:
    assert may_be_made("zone", stages("eval zone=1"))
    assert may_be_made("anything", stages("spath input=log"))
    assert not may_be_made("verb", stages("fields verb | sort verb | stats count by verb"))
