"""The keyword arguments of the library are the declared options, and nothing else is taken."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import podhawk
from podhawk import api
from podhawk.content.model import Content
from podhawk.settings.keywords import RunKeywords, SearchKeywords, library_options, python_type
from podhawk.settings.options import OPTIONS

DEMO = podhawk.shipped_pack() / "datasets" / "demo.log.gz"
NOTHING = Content()
POD = "Kubernetes Pod Created in Default Namespace"


@pytest.mark.parametrize(("verb", "keywords"), [("search", SearchKeywords), ("run", RunKeywords)])
def test_types_repeat_the_declarations(verb: str, keywords: type) -> None:
    declared = {name: python_type(option) for name, option in library_options(verb).items()}
    assert get_type_hints(keywords) == declared


def test_what_is_of_the_command_line_is_about_printing_or_when_to_run() -> None:
    """A new option of search or run is a keyword argument, unless somebody says otherwise."""
    assert {one.key for one in OPTIONS if one.command_line} == {
        "memory",
        "output", "output_file", "quiet", "verbose", "rows", "all", "fail_on", "content_cache", "changed", "profile",
        "plot", "allow_skipped", "judgements", "judgements_only", "limit",
        "group_by", "no_pager", "around", "all_known",
    }  # fmt: skip


def call(function: str, **options: Any) -> Any:
    if function == "load_content":
        return podhawk.load_content(podhawk.shipped_pack() / "macros", **options)
    first = "*" if function == "search" else NOTHING
    return getattr(podhawk, function)(first, DEMO, **options)


@pytest.mark.parametrize(
    ("function", "name", "remedy"),
    [
        ("search", "earlest", "Did you mean 'earliest'?"),
        ("run", "exceptoins", "Did you mean 'exceptions'?"),
        ("run_rows", "splunk_exakt", "Did you mean 'splunk_exact'?"),
        ("load_content", "overides", "Did you mean 'overrides'?"),
        ("search", "only", ""),
        ("search", "output", "The result is a value: print, write or filter it yourself."),
        ("search", "zzz", ""),
    ],
)
def test_an_unknown_keyword_was_swallowed(function: str, name: str, remedy: str) -> None:
    with pytest.raises(podhawk.UsageError) as caught:
        call(function, **{name: "1"})
    assert repr(name) in caught.value.message
    assert caught.value.remedy == remedy


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": "x"}, "jobs must be a whole number of at least 1, not 'x'"),
        ({"jobs": 0}, "jobs must be a whole number of at least 1, not 0"),
        ({"jobs": True}, "jobs must be a whole number of at least 1, not True"),
        ({"earliest": object()}, "earliest must be a string, not <object object"),
        ({"earliest": "yesterdey"}, "'yesterdey'"),
        ({"strict": 2}, "strict must be true or false, not 2"),
        ({"time_field": "stage"}, "time-field must be one of requestReceivedTimestamp, stageTimestamp, not 'stage'"),
        ({"switch": [1]}, "switch must be a list of strings"),
        ({"switch": "nonsense"}, "unknown switch 'nonsense'"),
        ({"tz": "Nowhere"}, "unknown time zone 'Nowhere'"),
        ({"source": Path("x")}, "source must be a string"),
        ({"input_format": "nonsense"}, "unknown input format 'nonsense'"),
    ],
)
def test_a_wrong_value_is_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(podhawk.UsageError) as caught:
        podhawk.search("*", DEMO, content=NOTHING, **options)
    assert message in caught.value.message


def test_values_are_taken_as_python_has_them(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    event = '{"kind":"Event","auditID":"%d","verb":"get","requestReceivedTimestamp":"2026-11-25T1%d:00:00Z"}\n'
    log.write_text("".join(event % (number, number) for number in range(4)))
    times = {"earliest": datetime(2026, 11, 25, 11, tzinfo=UTC), "latest": datetime(2026, 11, 25, 13, tzinfo=UTC)}
    found = podhawk.search("* | table auditID", log, content=NOTHING, state=tmp_path, switch="like-any-case", **times)
    assert sorted(row["auditID"] for row in found) == ["1", "2"]
    local = {"earliest": datetime(2026, 11, 25, 12), "latest": None, "tz": "Europe/Berlin"}
    assert len(podhawk.search("* | table auditID", log, content=NOTHING, **local)) == 3


def test_content_may_be_paths() -> None:
    pack = podhawk.shipped_pack()
    by_path = podhawk.run(pack, DEMO, only=POD)
    by_value = podhawk.run(podhawk.load_content([pack]), DEMO, only=[POD])
    assert by_path.records() == by_value.records() != []
    assert [one.detection.name for one in by_path.detections] == [POD]
    rows = podhawk.run_rows([pack], DEMO, only=POD)
    assert [len(one.result or ()) for one in rows.detections] == [37]
    assert len(podhawk.search("`kube_allowed_images` | head 1", DEMO, content=pack)) <= 1


def test_exceptions_are_applied(tmp_path: Path) -> None:
    file = tmp_path / "known.yml"
    file.write_text(
        f"name: Known\ndetection: {POD}\nwhen: user.username=*\nreason: a test\nowner: me\nexpires: 2999-01-01\n"
    )
    found = podhawk.run(podhawk.shipped_pack(), DEMO, only=POD, exceptions=file)
    assert {one.suppressed_by.name for one in found if one.suppressed_by} == {"Known"}


def test_retired_detections_run_only_by_name(tmp_path: Path) -> None:
    """The library ran them, the command line did not."""
    (tmp_path / "old.yml").write_text(
        "name: Old\nid: o\nversion: 1\ntype: TTP\nstatus: deprecated\nsearch: verb=create\n"
    )
    (tmp_path / "new.yml").write_text(
        "name: New\nid: n\nversion: 1\ntype: TTP\nstatus: production\nsearch: verb=create\n"
    )
    ran = [
        [one.detection.name for one in podhawk.run_rows(tmp_path, DEMO, only=only).detections] for only in ([], "Old")
    ]
    assert ran == [["New"], ["Old"]]


@pytest.mark.parametrize(
    "call",
    [
        lambda: podhawk.search("*", DEMO, content=NOTHING, overrides="x"),
        lambda: podhawk.search("*", DEMO, session=api.session_of({}), earliest="-1h"),
        lambda: podhawk.run(NOTHING, DEMO, detections=[], only="x"),
    ],
)
def test_what_would_be_ignored_is_an_error(call: Any) -> None:
    with pytest.raises(podhawk.UsageError):
        call()
