"""Text that others chose moves no cursor, hides nothing and begins no line, whoever prints it."""

from __future__ import annotations

import configparser
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from podhawk.authoring.export.conf import conf
from podhawk.authoring.testing.junit import junit
from podhawk.authoring.testing.run import CaseOutcome, cases_of
from podhawk.cli import output
from podhawk.cli.main import invoke
from podhawk.cli.tables import note, print_table
from podhawk.content import load_content
from podhawk.content.model import Detection
from podhawk.errors import ContentError, Place
from podhawk.settings.options import OUTPUTS
from podhawk.visible import csv_cell, hidden_character, visible
from support.findings import event

HOSTILE = "a\x1b[2Jb\x1b]0;t\x07c\x9b31md\u202ee\u2066f\u200bg\ufeffh\x7fi\u2028j\x85k"
HIDDEN = set(HOSTILE) - set("abcdefghijk[]0;2J31mt")


@pytest.mark.parametrize("kind", OUTPUTS)
def test_control_characters_of_logs_and_columns_were_printed(kind: str) -> None:
    out = io.StringIO()
    output.print_rows(kind, [{"x" + HOSTILE: HOSTILE, "many": [HOSTILE, "b"]}], ["x" + HOSTILE, "many"], out)
    assert not HIDDEN & set(out.getvalue())
    assert "202e" in out.getvalue()
    if kind in ("json", "jsonl"):
        (row,) = json.loads(out.getvalue()) if kind == "json" else [json.loads(out.getvalue())]
        assert row == {"x" + HOSTILE: HOSTILE, "many": [HOSTILE, "b"]}


@pytest.mark.parametrize("kind", ["table", "md"])
def test_a_line_feed_in_a_cell_began_a_line(kind: str) -> None:
    out = io.StringIO()
    output.print_rows(kind, [{"x": "one\nINCIDENT two"}], ["x"], out)
    assert not any(line.startswith("INCIDENT") for line in out.getvalue().splitlines())


def test_titles_notes_and_errors_were_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    print_table([{"a": "1"}], ["a"], out, title=HOSTILE + "\nnext")
    assert not HIDDEN & set(out.getvalue())
    assert "\nnext" not in out.getvalue()
    note(HOSTILE)
    assert invoke(["run", f"/nowhere/{HOSTILE}"]) == 4
    assert invoke(["lint", f"/nowhere/{HOSTILE}"]) == 3
    assert invoke(["search", f"| {HOSTILE}"]) == 2
    printed = capsys.readouterr()
    assert not HIDDEN & set(printed.err + printed.out)


@pytest.mark.parametrize("kind", ["table", "jsonl", "json", "csv", "md"])
@pytest.mark.parametrize("rows", [True, False])
def test_values_of_events_reach_no_output_as_they_are(
    kind: str, rows: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "made.yml").write_text(
        "name: Made\ntype: TTP\nsearch: verb=create | table user.username\nrba:\n  message: $user.username$\n"
        "  risk_objects: [{field: user.username, type: user, score: 90}]\n"
    )
    (tmp_path / "a.log").write_text(json.dumps(event("a0", user={"username": HOSTILE})) + "\n")
    arguments = ["run", "--content", str(tmp_path / "made.yml"), "-o", kind, str(tmp_path / "a.log"), "--all"]
    assert invoke([*arguments, *(["--rows"] if rows else [])]) == 0
    printed = capsys.readouterr()
    assert "[2J" in printed.out
    assert not HIDDEN & set(printed.out + printed.err)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-cmd|x", "'-cmd|x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-5", "-5"),
        ("+1.5e3", "+1.5e3"),
        ("-", "'-"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_a_formula_was_given_to_spreadsheets(text: str, cell: str) -> None:
    assert csv_cell(text) == cell
    out = io.StringIO()
    output.as_csv([{"a": text}], ["a"], out)
    assert cell.strip("\r\t") in out.getvalue()


def test_junit_was_not_well_formed_with_control_characters() -> None:
    (case,) = cases_of([Detection(name="a\x1bb\x00", search="x", file="/x\x1b.yml")])
    text = junit([CaseOutcome(case, "failed", HOSTILE, details=(HOSTILE, "\ud800\uffff"))])
    assert not HIDDEN & set(text)
    assert ElementTree.fromstring(text).find("testcase/failure") is not None


@pytest.mark.parametrize("bad", ["\n[evil]\nsearch = x", "\r", "\x1b[2J", "\u2028", "\u202e", "\t", "\x85"])
@pytest.mark.parametrize(
    ("folder", "rest"),
    [
        ("detections", {"search": "verb=x"}),
        ("macros", {"definition": "x"}),
        ("macros", {"definition": "x", "name": "m", "arguments": ["aBADb"]}),
        ("lookups", {"filename": "x.csv"}),
        ("lookups", {"filename": "BAD.csv", "name": "l"}),
        ("stories", {"narrative": "x"}),
        ("detections", {"search": "verb=x", "name": "n", "tags": {"analytic_story": ["BAD"]}}),
    ],
)
def test_a_name_with_a_line_feed_made_stanzas_of_its_own(
    bad: str, folder: str, rest: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "detections").mkdir()
    (tmp_path / folder).mkdir(exist_ok=True)
    text = json.dumps({"name": "a BAD", **rest}).replace("BAD", json.dumps(bad)[1:-1])
    (tmp_path / folder / "x.yml").write_text(text)
    content = load_content(tmp_path)
    (problem,) = content.problems
    assert problem.severity == "error"
    assert "contains the character" in problem.message
    assert problem.place.line == 1
    assert not [one for one in content.macros.values() if not one.generated]
    assert not (content.detections)
    assert not (content.lookups)
    assert not (content.stories)


@pytest.mark.parametrize(
    "brk", ["\n", "\r", "\r\n", "\\\n", "\\\\\n", "\x0b", "\x85", "\u2028", "\n\n", "\n \n", "\\\r"]
)
def test_a_value_made_stanzas_of_its_own(brk: str) -> None:
    text = conf([("good", {"search": f"a{brk}[evil]{brk}enabled = 1{brk}b\\", "next": "1"})], "head")
    joined = text.replace("\\\n", " ")
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(joined)
    assert parser.sections() == ["good"]
    assert set(parser["good"]) == {"search", "next"}
    assert not any(line.startswith("[evil") for line in text.splitlines())


def test_a_stanza_with_a_line_feed_is_refused() -> None:
    with pytest.raises(ContentError, match="stanza"):
        conf([("a\n[b]", {})])


def test_a_place_is_one_line() -> None:
    assert "\n" not in str(Place("a\nb.yml", 3))
    assert visible("a\nb\tc é 日本 👍🏽") == "a\nb\tc é 日本 👍🏽"
    assert hidden_character("a\tb") == "\\t"
