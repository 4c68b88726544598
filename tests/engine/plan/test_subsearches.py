"""Subsearches in a clause: the clause that their rows become."""

from __future__ import annotations

from typing import Any

import pytest

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline
from podhawk.commands.parse import parse_search
from podhawk.engine.plan.pipelines import every_pipeline, reading_pipelines
from podhawk.engine.plan.subsearches import LIMIT, NOTHING, formatted, has_subsearch, replace_subsearches
from podhawk.errors import SearchError
from podhawk.rows import Row, Table
from podhawk.spl.clause import And, Clause, Compare, Not, Or, TimeBound, walk
from podhawk.spl.text import plain


def clause_of(spl: str) -> Clause:
    clause: Clause = parse_search(plain(spl)).stages[0].node.clause
    return clause


@pytest.mark.parametrize(
    ("rows", "clause"),
    [
        ([], NOTHING),
        ([{"_time": 1, "_raw": "x"}], NOTHING),
        ([{"a": "1"}], Compare("a", "=", "1")),
        ([{"a": "1", "_time": 5, "b": 2}], And((Compare("a", "=", "1"), Compare("b", "=", "2")))),
        ([{"a": "1"}, {"a": "2"}, {"a": "1"}], Or((Compare("a", "=", "1"), Compare("a", "=", "2")))),
        (
            [{"a": ("1", "2"), "b": "3"}],
            And((Or((Compare("a", "=", "1"), Compare("a", "=", "2"))), Compare("b", "=", "3"))),
        ),
        ([{"earliest": 5}], TimeBound("earliest", "5")),
        ([{"search": "a=1 NOT b=2"}], And((Compare("a", "=", "1"), Not(Compare("b", "=", "2"))))),
        ([{"query": "a=1", "c": "3"}], And((Compare("a", "=", "1"), Compare("c", "=", "3")))),
        ([{"search": " "}], None),
        ([{"a": 'x" OR b="y'}], Compare("a", "=", 'x" OR b="y')),
    ],
)
def test_rows_as_a_clause(rows: list[dict[str, Any]], clause: Clause | None) -> None:
    assert formatted([Row(row) for row in rows]) == clause


def test_a_search_field_that_is_no_clause_is_an_error() -> None:
    with pytest.raises(SearchError):
        formatted([Row({"search": "(a=1"})])


def test_every_subsearch_of_a_clause_is_run_and_replaced() -> None:
    ran: list[Pipeline] = []

    def run(pipeline: Pipeline) -> Table:
        ran.append(pipeline)
        return Table([Row({"x": str(len(ran))})])

    clause = replace_subsearches(clause_of("a=1 NOT [ search b=2 ] (c=3 OR [ search d=4 ])"), run)
    assert len(ran) == 2
    assert clause == And(
        (Compare("a", "=", "1"), Not(Compare("x", "=", "1")), Or((Compare("c", "=", "3"), Compare("x", "=", "2"))))
    )


def test_too_many_rows_are_cut_with_a_warning() -> None:
    warned: list[str] = []
    table = Table([Row({"x": str(number)}) for number in range(LIMIT + 5)])
    clause = replace_subsearches(
        clause_of("[ search a=1 ]"), lambda pipeline: table, lambda kind, detail: warned.append(kind)
    )
    assert warned == ["subsearch-limit"]
    assert sum(isinstance(part, Compare) for part in walk(clause)) == LIMIT


def test_has_subsearch_looks_at_clauses_only() -> None:
    assert has_subsearch(parse_search(plain("a=1 | search NOT [ search b=2 ]")))
    assert not has_subsearch(parse_search(plain("a=1 | append [ search [ search b=2 ] ] | foreach a* [ eval x=1 ]")))


def test_legs_and_subsearches_are_found_at_any_depth() -> None:
    tree = parse_search(
        plain(
            "a=1 [ search b=2 [ search c=3 ] ] | append [ search d=4 | join k [ search e=5 ] ] "
            "| appendpipe [ stats count | append [ search f=6 ] ]"
        )
    )
    firsts = [str(pipeline.stages[0].node.clause) for pipeline in reading_pipelines(tree)]
    assert [next(letter for letter in "abcdef" if f"'{letter}'" in first) for first in firsts] == list("abcdef")


def test_pipelines_over_rows_at_hand_are_found_too() -> None:
    tree = parse_search(
        plain(
            "a=1 | appendpipe [ head 1 | append [ search b=2 ] ] | foreach x y [ eval z=<<FIELD>> ] "
            '| map search="search c=$x$ | tail 1"'
        )
    )
    names = [[stage.name for stage in pipeline.stages] for pipeline in every_pipeline(tree, Context())]
    assert names[1:] == [["head", "append"], ["search"], ["eval"], ["search", "tail"]]
