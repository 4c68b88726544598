"""Charts in the terminal."""

from __future__ import annotations

import io
import random

import pytest

from podhawk import api
from podhawk.cli.linechart import COLOURS, MARKS, Series, line_chart, number_text, scale
from podhawk.cli.plot import draw
from podhawk.content.load import shipped_pack
from podhawk.content.model import Content

DEMO = shipped_pack() / "datasets" / "demo.log.gz"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(search: str, out: io.StringIO) -> str:
    draw(api.search(search, DEMO, content=Content(), jobs=1), out)
    return out.getvalue()


def test_a_chart_on_a_terminal_leaves_the_background_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was white, and the seventh line was white as well."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    text = drawn("* | timechart span=1s count by verb", Terminal())
    assert "\x1b[4" not in text.replace("\x1b[39m", "").replace("\x1b[34m", "")
    assert all(f"\x1b[{colour}m" in text for colour in COLOURS[:4])
    assert "━━\x1b[39m create" in text


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_are_left_out_where_they_are_not_wanted(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert "\x1b" not in drawn("* | timechart span=1s count by verb", Terminal())


def test_a_chart_in_a_pipe_has_a_legend() -> None:
    legend = drawn("* | timechart span=1s count by verb", io.StringIO()).rpartition("└")[2]
    assert "○ create" in legend


def test_values_of_the_axis_are_written_out() -> None:
    """750 was 7.5e2."""
    assert [number_text(value) for value in (0, 750, 1_250_000, 0.25, -3, 1e15, 2e-7)] == [
        "0", "750", "1,250,000", "0.25", "-3", "1e+15", "2e-07",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((0, 850), [0, 200, 400, 600, 800, 1000]),
        ((3, 3), [0, 1, 2, 3]),
        ((0, 0), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ((-5, -5), [-5, -4, -3, -2, -1, 0]),
        ((-20, 30), [-20, -10, 0, 10, 20, 30]),
        ((1000, 1002), [1000, 1000.5, 1001, 1001.5, 1002]),
    ],
)
def test_the_axis_has_round_values(values: tuple[float, float], ticks: list[float]) -> None:
    low, high, found = scale(*values, 5)
    assert found == pytest.approx(ticks)
    assert low == pytest.approx(min(ticks))
    assert high == pytest.approx(max(ticks))


def test_lines_are_at_their_values() -> None:
    up, *_ = chart = list(
        line_chart([Series("a", [0, 10]), Series("b", [10, 0])], ["left", "right"], 40, 10, colour=False)
    )
    assert up.endswith(MARKS[0])
    assert up.lstrip(" 0123456789")[1] == MARKS[1]
    assert chart[-2].split() == ["left", "right"]
    assert chart[-1] == "● a   ○ b"


def test_a_missing_value_is_a_gap() -> None:
    """It was drawn as 0."""
    chart = list(line_chart([Series("a", [5, None, 5])], ["x", "y", "z"], 40, 8, colour=False))
    assert sum(line.count(MARKS[0]) for line in chart[:-1]) == 2


def test_any_values_fit_into_the_chart() -> None:
    chance = random.Random(1)
    for _ in range(200):
        size = 10.0 ** chance.randint(-9, 15)
        values = [chance.choice([None, chance.uniform(-size, size), 0, size]) for _ in range(chance.randint(1, 200))]
        width, height = chance.randint(40, 140), chance.randint(8, 30)
        chart = list(line_chart([Series("a", values)], ["12:00:00"] * len(values), width, height, colour=False))
        assert all(len(line) <= width for line in chart), chart
        assert len(chart) == height + 3
