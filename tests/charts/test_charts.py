"""Drawings: nothing in them is markup of somebody else, shapes are to scale, and times are covered by round spans."""

from __future__ import annotations

import re
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from podhawk.charts.plotted import plotted
from podhawk.charts.svg import MOST_BARS, MOST_SERIES, ChartSeries, TimeSlot, bars, columns, lines
from podhawk.charts.timeline import LENGTHS, MOST_SPANS, counted_by_second, length_for, spans_of

HOSTILE = "</title></svg><script>alert(1)</script>\u202e\"'&"
HOURS = [TimeSlot(number * 3600.0, (number + 1) * 3600.0) for number in range(3)]


def drawn(name: str) -> list[str]:
    series = [ChartSeries(name, [1, 2, None]), ChartSeries("b", [0, 4, 1])]
    return [
        str(columns(series, HOURS, name, lambda span: "?" + urlencode({"earliest": span.start, "q": name}))),
        str(lines(series, HOURS, name)),
        str(bars([name, "b", "c"], series, name)),
    ]


@pytest.mark.parametrize("kind", range(3))
def test_no_text_becomes_markup(kind: int) -> None:
    made = drawn(HOSTILE)[kind]
    assert "<script" not in made
    assert "\u202e" not in made
    tree = ElementTree.fromstring(made)
    known = {
        "figure",
        "figcaption",
        "ul",
        "li",
        "ol",
        "p",
        "span",
        "div",
        "svg",
        "rect",
        "path",
        "bdi",
        "title",
        "a",
        "g",
    }
    assert {one.tag for one in tree.iter()} <= known
    assert not any(name in ("style", "onclick") for one in tree.iter() for name in one.attrib)


def test_columns_are_stacked_to_scale() -> None:
    made = columns([ChartSeries("a", [1, 2, 0]), ChartSeries("b", [3, 2, 0])], HOURS, "events")
    heights = [
        float(one) for one in re.findall(r'class="series-\d" [^>]*height="([\d.]+)"', str(made).split("</ul>")[1])
    ]
    assert heights == [25, 75, 50, 50]
    tops = [float(one) for one in re.findall(r'class="series-\d" x="[\d.]+" y="([\d.]+)"', str(made))]
    assert tops == [75, 0, 50, 0]


def test_lines_break_at_gaps() -> None:
    made = str(lines([ChartSeries("a", [1, None, 3])], HOURS, "a"))
    assert made.count("M") == 2
    assert "L" not in re.findall(r'd="([^"]*)"', made)[0]


def test_no_more_than_can_be_told_apart() -> None:
    many = [ChartSeries(str(number), [1.0] * 30) for number in range(20)]
    made = str(bars([str(number) for number in range(30)], many, "t"))
    assert f"series-{MOST_SERIES}" not in made
    assert f"{30 - MOST_BARS} more rows" in made


def test_times_are_covered_by_round_spans() -> None:
    times = [0.5, 59.0, 60.0, 3600.0]
    spans, counts = spans_of(counted_by_second(times))
    assert sum(counts) == len(times)
    assert len(spans) <= MOST_SPANS
    assert spans[0].start <= 0.5
    assert spans[-1].end > 3600
    assert spans[0].end - spans[0].start in LENGTHS
    assert spans_of({}) == ([], [])
    assert len(spans_of({}, 0, 10)[0]) == 11


@pytest.mark.parametrize("width", [0, 1, 59, 60, 3599, 86400, 10**7, 10**9])
@pytest.mark.parametrize("first", [0.0, 0.9, 1_700_000_001.25])
def test_there_are_never_too_many_spans(width: int, first: float) -> None:
    spans, _ = spans_of({}, first, first + width)
    assert 1 <= len(spans) <= MOST_SPANS
    assert spans[0].start <= first <= first + width < spans[-1].end
    assert length_for(first, first + width) > 0


def test_columns_of_numbers_are_drawn_and_the_others_name_the_rows() -> None:
    rows = [{"user": "a", "count": "3", "percent": "50", "_span": "1"}, {"user": "7", "count": None, "percent": "50"}]
    assert plotted(["user", "count", "percent", "_span"], rows) == (["user", "_span"], ["count"])
