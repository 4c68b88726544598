"""How far reading has come: shown on a terminal after a second, taken away before anything else is written."""

from __future__ import annotations

import io

import pytest

from podhawk.cli.progress import ReadingBar, time_left


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_bar_comes_after_a_second_and_goes() -> None:
    out, clock = io.StringIO(), Clock()
    bar = ReadingBar(out, lambda: 100, clock)
    clock.now = 0.9
    bar.read(10)
    assert out.getvalue() == ""
    clock.now = 2.0
    bar.read(10)
    assert out.getvalue().endswith(" 20%    8 s left")
    clock.now = 2.05
    bar.read(10)
    assert out.getvalue().count("\r") == 1
    bar.end()
    assert out.getvalue().endswith("\r\x1b[K")
    clock.now = 9.0
    bar.read(10)
    assert out.getvalue().endswith("\r\x1b[K")


def test_the_bar_begins_anew_when_the_files_are_read_again() -> None:
    out, clock = io.StringIO(), Clock()
    bar = ReadingBar(out, lambda: 100, clock)
    clock.now = 10.0
    bar.read(100)
    clock.now = 11.0
    bar.read(10)
    assert out.getvalue().endswith(" 10%    9 s left")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s left"), (59.4, "59 s left"), (61, "1 min left"), (5400, "1.5 h left")]
)
def test_time_left(seconds: float, text: str) -> None:
    assert time_left(seconds) == text
