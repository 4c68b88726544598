"""Tables of text."""

from __future__ import annotations

import io
import random

import pytest

from podhawk.cli.table_layout import column_widths, fold, table_lines, text_width
from podhawk.cli.tables import print_table


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
