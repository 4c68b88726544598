"""Placeholders in search text: what a value may become, and where its faults are shown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from podhawk.commands.context import Context
from podhawk.commands.parse import parse_search
from podhawk.commands.shared.template import fill_at, holes
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.plan.stages import run_pipeline, run_stages
from podhawk.errors import SearchError
from podhawk.functions.declare import Env
from podhawk.rows import Row, Table
from podhawk.spl.macros import PlainMacro, expand
from podhawk.spl.text import plain

MARK = re.compile(r"(<<\w+>>)")


def run(spl: str, *rows: dict[str, Any]) -> tuple[Table, list[str]]:
    warned: list[str] = []
    context = Context(Env(now=1.0, warn=lambda kind, detail: warned.append(f"{kind}: {detail}")))
    context.run = lambda pipeline: run_pipeline(pipeline, [Row(row) for row in rows], context)
    context.run_stages = lambda stages, table: run_stages(stages, table, context)
    pipeline = parse_search(plain(spl))
    make_plan(pipeline, context)
    return run_pipeline(pipeline, [Row(row) for row in rows], context), warned


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("eval a=<<F>>", ""),
        ('eval a="<<F>>"', '"'),
        ("eval a='<<F>>'", "'"),
        ('eval a="it\'s" . <<F>>', ""),
        ("eval a=\"'<<F>>'\"", '"'),
        ("eval a=\"x\" . 'y<<F>>z'", "'"),
        ('eval a="\\"<<F>>"', '"'),
        ('"" <<F>>', ""),
    ],
)
def test_quotes_round_a_placeholder(text: str, inside: str) -> None:
    assert [hole.inside for hole in holes(text, MARK)] == [inside]


def test_a_fault_in_a_template_points_at_what_was_written() -> None:
    with pytest.raises(SearchError) as caught:
        parse_search(plain("* | foreach a* [ eval x=1 | eval <<FIELD>>=len('<<FIELD>>' ]"))
    assert caught.value.place is not None
    assert caught.value.place.text[caught.value.place.column - 1 :].startswith("('<<FIELD>>'")


def test_a_fault_in_a_template_from_a_macro_names_the_macro() -> None:
    macro = PlainMacro((), "foreach a* [ eval x=nosuch(<<FIELD>>) ]")
    source = expand("* | `each`", {("each", 0): macro})
    with pytest.raises(SearchError) as caught:
        make_plan(parse_search(source), Context())
    assert "`each`" in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.column == 5


def test_filled_text_keeps_the_way_back() -> None:
    source = plain("xx eval <<F>>=1 yy")
    filled = fill_at(source, 3, 15, MARK, lambda hole: "longer_name")
    assert filled.text == "eval longer_name=1"
    assert filled.place(filled.text.index("=1"))[0].column == source.text.index("=1") + 1


HOSTILE = (
    'x" | delete',
    "x' | delete",
    "x ] | stats count | where [",
    "`m`",
    "a|b",
    'x\\" | stats count',
    "```",
    "x\\",
)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_can_add_a_command_to_map(value: str) -> None:
    table, _ = run('k=1 | map search="search k=1 | eval a=\\"<$v$>\\", b=$v$ | table a b"', {"k": "1", "v": value})
    assert table.rows == [{"a": f"<{value}>", "b": value}]


@pytest.mark.parametrize("name", ["x=1 | stats count | eval y", "x] | delete [", "a'b", 'a"b', "x=2, z"])
def test_no_field_name_can_add_a_command_to_foreach(name: str) -> None:
    table, warned = run("* | foreach * [ eval <<FIELD>>=1 ]", {"k": "0", name: "0"})
    assert len(table.rows) == 1
    assert table.rows[0]["k"] == 1
    assert warned
    assert warned[0].startswith("foreach: foreach: field")


@pytest.mark.parametrize("value", HOSTILE)
def test_no_item_can_add_a_command_to_foreach(value: str) -> None:
    table, _ = run('* | foreach mode=multivalue v [ eval a=<<ITEM>>, b="<<ITEM>>" ]', {"v": value})
    assert table.rows == [{"v": value, "a": value, "b": value}]


def test_map_says_what_it_left_out() -> None:
    _, warned = run('* | map maxsearches=1 search="search k=$k$"', {"k": "1"}, {"k": "2"})
    assert warned == ["map-maxsearches: map: only the first 1 of 2 rows are used (maxsearches=1)"]


def test_a_row_whose_search_cannot_run_is_a_warning() -> None:
    table, warned = run('* | map search="search k=1 | eval n=tonumber(\\"$k$\\")"', {"k": "1"}, {"k": "word"})
    assert [row["n"] for row in table.rows if "n" in row] == [1]
    assert len(warned) <= 1


def test_join_cuts_its_subsearch_with_a_warning() -> None:
    table, warned = run(
        "| makeresults | eval k=1 | join max=0 k [ | makeresults count=50001 | eval k=1 ] | stats count"
    )
    assert table.rows == [{"count": 50000}]
    assert warned == ["subsearch-limit: join: the subsearch returned 50001 rows; only the first 50000 are used"]


def test_join_without_a_common_field_is_a_warning() -> None:
    _, warned = run("* | join [ | makeresults | eval other=1 | table other ]", {"k": "1"})
    assert warned == ["join-fields: join: the two sides have no field in common"]
