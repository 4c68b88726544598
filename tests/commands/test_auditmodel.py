"""The data model Kubernetes: searches over it are searches over the events, with their conditions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from podhawk import api
from podhawk.commands.context import Context
from podhawk.commands.parse import parse_search
from podhawk.commands.shared.auditmodel import COMPUTED, NAMES
from podhawk.content.model import Content
from podhawk.engine.plan.planner import make_plan
from podhawk.errors import SearchError
from podhawk.functions.evaluate import compile_value
from podhawk.functions.predicates import compile_clause
from podhawk.rows import Row
from podhawk.spl.clause import read_clause, render
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import parse_expression
from podhawk.spl.text import plain
from support.findings import event

EVENTS = (
    event(verb="create", user={"username": "ann", "groups": ["dev", "ops"]}, responseStatus={"code": 201}),
    event(verb="patch", user={"username": "bob", "groups": ["dev"]}, responseStatus={"code": 403}),
    event(verb="list", user={"username": "bob", "groups": ["dev"]}, responseStatus={"code": 200}),
    event(verb="deletecollection", user={"username": "eve"}, responseStatus={"code": 500}),
)


def rows(spl: str, folder: Path) -> list[dict[str, Any]]:
    path = folder / "audit.log"
    path.write_text("".join(json.dumps(one) + "\n" for one in EVENTS), encoding="utf-8")
    return list(api.search(spl, path, content=Content()))


@pytest.mark.parametrize(
    ("over_model", "over_events"),
    [
        (
            "| tstats count from datamodel=Kubernetes.Audit by Audit.user",
            'search * | stats count by user.username | rename user.username AS "Audit.user"',
        ),
        (
            "| tstats count from datamodel=Kubernetes where Audit.action=modified OR Audit.status=failure "
            "by Audit.verb",
            "verb IN (update, patch) OR responseStatus.code>=400 | stats count by verb | rename verb AS Audit.verb",
        ),
        (
            "| tstats dc(Audit.user_group) AS n values(Audit.action) AS a from datamodel=Kubernetes.Audit",
            '* | eval a=case(verb="create", "created", verb="patch", "modified", verb="list", "read", 1=1, "deleted") '
            "| stats dc(user.groups{}) AS n values(a) AS a",
        ),
        (
            "| datamodel Kubernetes Audit search | search Audit.action=read | table Audit.user Audit.result_id",
            'verb=list | rename user.username AS "Audit.user", responseStatus.code AS "Audit.result_id" '
            '| table "Audit.user" "Audit.result_id"',
        ),
        (
            '| from datamodel:Kubernetes.Audit | where status="failure" | stats count by user',
            "responseStatus.code>=400 | stats count by user.username | rename user.username AS user",
        ),
        (
            "| tstats count from datamodel=Kubernetes.Audit by Audit.object_category | `drop_dm_object_name(Audit)`",
            "* | stats count by objectRef.resource | rename objectRef.resource AS object_category",
        ),
        ("| tstats count where verb=list", "verb=list | stats count"),
    ],
)
def test_a_search_over_the_model_is_one_over_the_events(over_model: str, over_events: str, tmp_path: Path) -> None:
    found = rows(over_model, tmp_path)
    assert found
    assert found == rows(over_events, tmp_path)


def test_the_conditions_are_those_of_the_scan() -> None:
    pipeline = parse_search(
        plain("| tstats count from datamodel=Kubernetes.Audit where Audit.action=deleted Audit.user=ann by Audit.name")
    )
    plan = make_plan(pipeline, Context())
    assert not pipeline.generates
    assert render(plan.base, str) == "verb IN (delete, deletecollection) user.username=ann"
    assert plan.wanted == {"verb", "user.username", "objectRef.name"}


def test_the_time_of_events_was_that_of_their_span(tmp_path: Path) -> None:
    (row,) = rows("| tstats min(_time) AS first from datamodel=Kubernetes.Audit by _time span=1d", tmp_path)
    (event_row,) = rows("* | stats min(_time) AS first", tmp_path)
    assert row["first"] == event_row["first"] != row["_time"]


@pytest.mark.parametrize("name", COMPUTED)
def test_a_computed_field_and_its_clauses_say_the_same(name: str) -> None:
    """Each value of the expression has one clause that holds for the same events."""
    found = COMPUTED[name]
    source = plain(found.expression)
    env = Context().env
    evaluate = compile_value(parse_expression(Cursor(source, 0, len(source.text))), env, source)
    for verb in ("create", "update", "patch", "delete", "deletecollection", "get", "list", "watch", "bind"):
        for code in ("200", "399", "400", "503"):
            row = Row({"verb": verb, "responseStatus.code": code})
            holding = [value for value, text in found.values if compile_clause(read_clause(text, name), env)(row)]
            value = evaluate(row)
            assert holding == ([] if value is None else [value])


def test_every_name_is_declared_once() -> None:
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("| tstats count from datamodel=Kubernetes.Nope", "no dataset"),
        ("* | union datamodel:Kubernetes.Audit", "cannot stand here"),
        ("| tstats values(Audit.*) from datamodel=Kubernetes.Audit", "wildcards"),
    ],
)
def test_what_cannot_run_says_so(search: str, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        make_plan(parse_search(plain(search)), Context())
