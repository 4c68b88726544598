"""The data model Risk with rows in it: a golden case has no way to give it any."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from podhawk.commands.context import Context
from podhawk.commands.parse import parse_search
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.plan.stages import run_pipeline
from podhawk.errors import SearchError
from podhawk.functions.declare import Env
from podhawk.rows import Filled, Row
from podhawk.spl.text import plain

RISK: tuple[dict[str, Any], ...] = (
    {"_time": 7300, "risk_object": "ann", "risk_object_type": "user", "risk_score": 20, "source": "B"},
    {"_time": 3700, "risk_object": "ann", "risk_object_type": "user", "risk_score": 10, "source": "A"},
    {"_time": 100, "risk_object": "bob", "risk_object_type": "user", "risk_score": 5, "source": "A"},
    {"_time": 50, "risk_score": 1, "source": "A"},
)


class Stored:
    """Risk in memory."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self.kept = list(rows)
        self.asked: list[tuple[str, str]] = []

    def rows(self, model: str, dataset: str) -> Iterable[Row]:
        self.asked.append((model, dataset))
        return [Row(row) for row in self.kept]


def run(spl: str, rows: Iterable[dict[str, Any]] = RISK) -> tuple[list[Row], list[str]]:
    warned: list[str] = []
    stored = Stored(rows)
    context = Context(Env(now=10_000.0, warn=lambda kind, detail: warned.append(kind)), datasets=stored)
    pipeline = parse_search(plain(spl))
    make_plan(pipeline, context)
    table = run_pipeline(pipeline, [], context)
    assert stored.asked == [("Risk", "All_Risk")]
    return table.rows, warned


def test_tstats_sees_fields_under_the_dataset_and_metadata_without() -> None:
    rows, _ = run(
        "| tstats sum(All_Risk.risk_score) as s values(source) as d from datamodel=Risk.All_Risk "
        "by All_Risk.risk_object"
    )
    assert rows == [
        {"All_Risk.risk_object": "ann", "s": 30, "d": ("A", "B")},
        {"All_Risk.risk_object": "bob", "s": 5, "d": "A"},
    ]


def test_tstats_where_binds_or_before_and() -> None:
    rows, _ = run(
        "| tstats count from datamodel=Risk where All_Risk.risk_object=ann OR All_Risk.risk_object=bob source=A"
    )
    assert rows == [{"count": 2}]


@pytest.mark.parametrize(
    ("span", "times"), [("1h", ["0", "3600", "7200"]), ("1d", ["0"]), ("30m", ["0", "3600", "7200"])]
)
def test_tstats_cuts_time(span: str, times: list[str]) -> None:
    rows, _ = run(f"| tstats count from datamodel=Risk by _time span={span}")
    assert [row["_time"] for row in rows] == times


def test_fillnull_value_keeps_rows_without_the_field_and_says_so() -> None:
    rows, _ = run("| tstats fillnull_value=null count from datamodel=Risk by All_Risk.risk_object")
    assert [row["All_Risk.risk_object"] for row in rows] == ["ann", "bob", "null"]
    assert isinstance(rows[2]["All_Risk.risk_object"], Filled)


def test_from_gives_plain_names() -> None:
    rows, warned = run("| from datamodel Risk.All_Risk | search risk_object=ann | table risk_object source")
    assert rows == [{"risk_object": "ann", "source": "B"}, {"risk_object": "ann", "source": "A"}]
    assert warned == []


def test_datamodel_search_and_flat() -> None:
    prefixed, _ = run("| datamodel Risk All_Risk search | table All_Risk.risk_object nodename source | head 1")
    flat, _ = run("| datamodel Risk All_Risk flat | table risk_object nodename source | head 1")
    assert prefixed == [{"All_Risk.risk_object": "ann", "nodename": "All_Risk", "source": "B"}]
    assert flat == [{"risk_object": "ann", "source": "B"}]


@pytest.mark.parametrize(
    "spl", ["| from datamodel:Risk", "| datamodel Risk All_Risk flat", "| tstats count from datamodel=Risk"]
)
def test_an_empty_model_is_a_warning_not_a_silence(spl: str) -> None:
    _, warned = run(spl, ())
    assert warned == ["risk-empty"]


@pytest.mark.parametrize(
    ("spl", "name"),
    [
        ("| tstats count from datamodel=Network_Traffic.All_Traffic", "Network_Traffic"),
        ("| from datamodel:Web.Web", "Web"),
        ("| datamodel Web Web search", "Web"),
        ("* | union datamodel:Web.Web", "Web"),
    ],
)
def test_other_models_are_refused_by_name_and_place(spl: str, name: str) -> None:
    with pytest.raises(SearchError) as caught:
        make_plan(parse_search(plain(spl)), Context())
    assert f"needs the data model {name}" in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.column > 0
