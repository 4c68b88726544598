"""Tables of text."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest

from podhawk.cli.findings_csv import csv_columns
from podhawk.cli.findings_output import severity_style
from podhawk.cli.table_layout import (
    clipped,
    clipped_inside,
    clipped_lines,
    column_widths,
    fold,
    table_lines,
    text_width,
)
from podhawk.cli.tables import print_clipped, print_table, table_width


def test_a_table_that_fits() -> None:
    rows = [["x", "12", "hello\nworld"], ["日本語", "1", "é"]]
    assert list(table_lines(["a", "count", "text"], rows, [False, True, False], 80)) == [
        "a        count   text",
        "──────────────────────",
        "x           12   hello",
        "                 world",
        "日本語       1   é",
    ]


def test_a_time_was_folded_over_three_lines_beside_a_long_text() -> None:
    text = "a long sentence about what happened " * 5
    lines = list(table_lines(["time", "what"], [["2026-11-25 02:19:00.123", text]], [False, False], 60))
    assert lines[2].startswith("2026-11-25 02:19:00.123   a long")


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 5, [""]),
        ("one two three", 8, ["one two", "three"]),
        ("one  two", 8, ["one  two"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("x abcdefgh y", 4, ["x", "abcd", "efgh", "y"]),
        ("日本語", 4, ["日本", "語"]),
        ("日", 1, ["日"]),
        ("   ", 2, [""]),
    ],
)
def test_text_is_folded_between_words(text: str, width: int, lines: list[str]) -> None:
    assert fold(text, width) == lines


def test_nothing_is_lost_and_no_line_is_too_wide() -> None:
    chance = random.Random(2)
    words = ["a", "pod", "kube-system", "日本", "é", "averyveryveryverylongwordthatisnotbroken", "12"]
    for _ in range(300):
        columns = chance.randint(1, 7)
        rows = [
            [" ".join(chance.choices(words, k=chance.randint(0, 6))) for _ in range(columns)]
            for _ in range(chance.randint(0, 6))
        ]
        header = [chance.choice("abc") * chance.randint(1, 20) for _ in range(columns)]
        width = chance.randint(columns * 5, 160)
        lines = list(table_lines(header, rows, [chance.random() < 0.5 for _ in header], width))
        assert all(text_width(line) <= width for line in lines)
        assert sum(column_widths([header, *rows], width)) + 3 * (columns - 1) <= width
        said = sorted("".join("".join(row) for row in [header, *rows]).replace(" ", ""))
        assert sorted("".join(lines[:]).replace(" ", "").replace("─", "")) == said


def test_numbers_stand_at_the_right_and_tabs_keep_columns_straight() -> None:
    out = io.StringIO()
    print_table([{"n": "1", "t": "a\tb"}, {"n": "100", "t": "c"}], ["n", "t", "u"], out, title="Title")
    assert out.getvalue().splitlines() == [
        "Title",
        "  n   t           u",
        "───────────────────",
        "  1   a       b",
        "100   c",
    ]


ROWS = [["97", "high", "0ce2f7b4", "Privileged container in\npod 日本語 " + "x" * 80, "system:serviceaccount:a:b"]]
HEADER = ["pri", "severity", "id", "what", "by"]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_a_clipped_table_has_one_line_per_row_and_keeps_what_is_fixed(width: int) -> None:
    fixed = [name in ("pri", "severity", "id") for name in HEADER]
    lines = list(clipped_lines(HEADER, ROWS, [True, False, False, False, False], width, fixed))
    assert len(lines) == 3
    assert all(text_width(line) <= width for line in lines)
    if width >= 60:
        assert lines[2].startswith(" 97  high      0ce2f7b4  Privil")
    assert ("…" in lines[2]) == (width < 200)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("日本語", 4, "日…"), ("ab", 1, "…"), ("", 1, "")],
)
def test_clipped_text(text: str, width: int, shown: str) -> None:
    assert clipped(text, width) == shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "bold", "colour"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    variables: dict[str, str], bold: bool, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    rows: list[dict[str, Any]] = [{"severity": "high"}]
    for out, styled in ((Terminal(), True), (io.StringIO(), False)):
        print_clipped(rows, ["severity"], out, style=severity_style)
        assert ("\x1b[1m" in out.getvalue()) == (bold and styled)
        assert ("\x1b[31m" in out.getvalue()) == (colour and styled)


def test_a_limit_says_how_many_rows_there_are() -> None:
    out = io.StringIO()
    print_clipped([{"n": str(number)} for number in range(5)], ["n"], out, limit=2, noun="finding")
    assert out.getvalue().splitlines()[2:] == ["0", "1", "2 of 5 findings shown"]


def test_csv_has_every_member_of_a_finding() -> None:
    columns = csv_columns()
    assert len(set(columns)) == len(columns)
    assert {
        "finding_id",
        "severity",
        "detection.name",
        "actor.source_ip",
        "actor.user_agent",
        "suppressed_by.name",
    } <= {*columns}


def test_the_width_that_columns_says_was_ignored_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, width in (("80", 80), ("", 160), ("x", 160), ("0", 160), ("-5", 160), ("99999999999", 160)):
        with monkeypatch.context() as environment:  # pytest itself must not see it
            environment.setenv("COLUMNS", said)
            assert table_width(io.StringIO()) == width


def test_a_text_goes_on_in_empty_cells() -> None:
    rows = [["a long text that needs room", "", "end"], ["another long text of a row", "x", "end"]]
    lines = list(clipped_lines(["what", "where", "on"], rows, [False] * 3, 24, [False, True, True]))
    assert lines[2] == "a long text that n…  end"
    assert lines[3] == "another lon…  x      end"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("annotations.authorization.k8s.io/decision", 21, "annota…8s.io/decision"),
        ("annotations.a", 13, "annotations.a"),
        ("annotations.a", 6, "annot…"),
        ("日本語日本語日本語", 9, "日…日本語"),
    ],
)
def test_the_ends_of_long_field_names_were_cut_off(text: str, width: int, shown: str) -> None:
    assert clipped_inside(text, width) == shown
    assert text_width(shown) <= width
