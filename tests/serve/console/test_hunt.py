"""The parts of the page Hunt that need no service: addresses, filters, what is shown of a result, files, history."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from podhawk.authoring.editor import SearchFault
from podhawk.engine.plan.planner import read_search
from podhawk.serve.console.database import ConsoleDatabase
from podhawk.serve.console.hunt.drafts import drafts
from podhawk.serve.console.hunt.editor import _characters, _units, marked
from podhawk.serve.console.hunt.files import as_csv, as_jsonl
from podhawk.serve.console.hunt.filters import with_value
from podhawk.serve.console.hunt.history import KEPT, SearchHistory
from podhawk.serve.console.hunt.question import PAGE_ROWS, HuntQuestion, cleaned
from podhawk.serve.console.hunt.results import pretty, shown_result
from podhawk.serve.searches.overview import SearchOverview
from podhawk.serve.searches.process import SearchAnswer
from podhawk.spl.text import quote
from support.hostile import HOSTILE


@pytest.mark.parametrize(
    ("search", "field", "value", "without", "expected"),
    [
        ("", "verb", "get", False, 'verb="get"'),
        ("*", "verb", "get", True, 'NOT verb="get"'),
        ("verb=get", "user.username", "a b", False, 'verb=get user.username="a b"'),
        ("verb=get OR verb=list", "level", "Metadata", False, '(verb=get OR verb=list) level="Metadata"'),
        ("verb=get | head 5", "verb", "get", False, 'verb=get | head 5\n| search verb="get"'),
        ("| makeresults", "x", "1", False, '| makeresults\n| search x="1"'),
        ('note="a | b"', "verb", "get", False, 'note="a | b" verb="get"'),
        ("*", "verb", "a*", False, "*\n| where 'verb'=\"a*\""),
        ("*", "a b", "x", True, "*\n| where 'a b'!=\"x\""),
        ("*", "a'b", "x", False, None),
        ("*", "verb", "x" * 200, False, None),
        ('verb="', "verb", "x", False, None),
    ],
)
def test_a_click_on_a_value_narrows_the_search(
    search: str, field: str, value: str, without: bool, expected: str | None
) -> None:
    assert with_value(search, field, value, without=without) == expected


@pytest.mark.parametrize("value", [*(one for one in HOSTILE if len(one) < 200), '" | delete', "\\", '\\"', "a`b`"])
def test_no_value_becomes_a_command(value: str) -> None:
    for search in ("*", "verb=get | head 5"):
        made = with_value(search, "user.username", value)
        assert made is not None
        names = [stage.name for stage in read_search(made, {}).stages]
        assert names in (["search"], ["search", "where"], ["search", "head", "search"], ["search", "head", "where"])
        assert quote(value) in made


def test_the_address_holds_all_that_is_shown() -> None:
    asked = HuntQuestion("verb=get\n| head 5 & #?", "-1h", "now", "2026-11-30T10:00:00Z", 3, 120, "lines")

    query = {name: values[0] for name, values in parse_qs(urlsplit(asked.address()).query).items()}
    assert query == {
        "q": asked.text,
        "earliest": "-1h",
        "latest": "now",
        "now": asked.now,
        "page": "3",
        "row": "120",
        "draw": "lines",
    }
    assert "page=" not in asked.address(q="*")
    assert "page=" not in asked.address(earliest="-2h")
    assert asked.address(page=4).count("page=") == 1
    assert HuntQuestion("*", "").address() == "/hunt?q=%2A&earliest="
    assert cleaned("a\r\n| b ") == "a\n| b"


def test_the_marks_of_faults_leave_no_text_out() -> None:
    text = "verb=get | stast <b>"
    faults = [SearchFault("error", 11, 16, 1, 12, "m"), SearchFault("hint", 14, 20, 1, 15, "overlaps")]
    parts = marked(text, faults)
    assert "".join(one.text for one in parts) == text
    assert [one.text for one in parts if one.level] == ["stast"]


def test_places_are_counted_as_browsers_count() -> None:
    text = "a😀b"
    assert [_characters(text, at) for at in (0, 1, 3, 4, 99)] == [0, 1, 2, 3, 3]
    assert _units(text) == 4


def answer(rows: list[dict[str, Any]], columns: list[str], **overview: Any) -> SearchAnswer:
    return SearchAnswer(columns, rows, overview=SearchOverview(len(rows), **overview))


def test_a_page_of_rows_and_the_row_that_is_open() -> None:
    rows = [{"_time": str(1_700_000_000 + number), "n": str(number), "_raw": '{"a":1}'} for number in range(120)]
    asked = HuntQuestion("*", page=3, row=101)
    shown = shown_result(asked, answer(rows, ["_time", "n"], groups=False))
    assert (shown.pages, len(shown.rows), shown.rows[0].number) == (3, 120 - 2 * PAGE_ROWS, 100)
    assert [one.number for one in shown.rows if one.is_open] == [101]
    assert ("n", "101") in shown.event
    assert shown.raw == ["{", '  "a": 1', "}"]
    assert shown_result(HuntQuestion("*", page=99, row=9999), answer(rows, ["n"], groups=False)).rows == []


def test_what_is_drawn_of_groups() -> None:
    counts = [{"user": "a", "count": "3"}, {"user": "b", "count": "1"}]
    shown = shown_result(HuntQuestion("*"), answer(counts, ["user", "count"], groups=True))
    assert shown.chart is not None
    assert (shown.draws, shown.numeric) == (["bars"], [False, True])
    times = [{"_time": str(number * 3600), "count": str(number)} for number in range(3)]
    for draw, kind in (("", "columns"), ("lines", "lines"), ("nonsense", "columns")):
        chart = shown_result(HuntQuestion("*", draw=draw), answer(times, ["_time", "count"], groups=True)).chart
        assert f'class="chart {kind}"' in str(chart)
    assert shown_result(HuntQuestion("*", draw="none"), answer(times, ["_time", "count"], groups=True)).chart is None
    assert shown_result(HuntQuestion("*"), answer([{"a": "x"}], ["a"], groups=True)).chart is None


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-1+1", "@x", "\t=1", '=HYPERLINK("https://evil.example")'])
def test_no_cell_of_the_csv_is_a_formula(cell: str) -> None:
    made = list(csv.reader(io.StringIO(as_csv(["a", cell], [{"a": cell, cell: [cell, "b"]}]))))
    assert all(not one.startswith(("=", "+", "-", "@", "\t")) for line in made for one in line)


def test_files_hold_every_row_and_nothing_that_moves_text() -> None:
    rows = [{"a": one, "b": [one, "2"]} for one in HOSTILE]
    assert [json.loads(line) for line in as_jsonl(rows).splitlines()] == rows
    assert "\u202e" not in as_jsonl(rows) + as_csv(["a", "b"], rows)
    assert len(list(csv.reader(io.StringIO(as_csv(["a", "b"], rows))))) == len(rows) + 1


def test_the_text_of_an_event_is_never_too_much() -> None:
    assert pretty("no json") == ["no json"]
    assert len(pretty(json.dumps(list(range(100_000))))) == 2000
    assert pretty("[" * 100_000)


def test_the_history_of_a_person(tmp_path: Path) -> None:
    database = ConsoleDatabase(tmp_path)
    history = SearchHistory(database)
    for number in range(KEPT + 20):
        history.note("ana", f"verb={number}", "-24h", "", float(number))
    history.note("ana", "verb=100", "-24h", "", 1e6)
    history.note("vera", "verb=x", "-1h", "", 5.0)
    found = history.of("ana", 1000)
    assert (found[0].text, found[0].times, len(found)) == ("verb=100", 2, KEPT)
    assert [one.text for one in history.of("vera")] == ["verb=x"]
    assert history.of("vera")[0].address == "/hunt?q=verb%3Dx&earliest=-1h"
    history.clear("ana")
    assert (history.of("ana"), len(history.of("vera"))) == ([], 1)
    database.close()


def test_there_are_no_drafts_at_first(tmp_path: Path) -> None:
    assert drafts(tmp_path / "drafts") == []
