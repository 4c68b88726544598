"""Spans in zones with clock changes and odd offsets, and what the automatic choice promises."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podhawk.commands.shared.spans import (
    AUTOMATIC,
    LogSpan,
    NumberSpan,
    TimeSpan,
    as_time,
    automatic_number,
    automatic_time,
    number_range,
    parse_span,
    show_span,
    time_after,
    time_start,
)

BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")


def moment(*parts: int, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime(*parts, tzinfo=zone).timestamp())  # type: ignore[arg-type, misc]


def time_span(text: str) -> TimeSpan:
    span = parse_span(text)
    assert isinstance(span, TimeSpan)
    return span


@pytest.mark.parametrize(
    ("text", "inside", "start"),
    [
        ("1d", (2024, 3, 31, 23, 30), (2024, 3, 31)),
        ("1d", (2024, 10, 27, 0, 30), (2024, 10, 27)),
        ("1mon", (2024, 3, 31, 23, 30), (2024, 3, 1)),
        ("1q", (2024, 6, 1), (2024, 4, 1)),
        ("1y", (2024, 1, 1, 0, 5), (2024, 1, 1)),
        ("1w@w0", (2024, 5, 4, 12), (2024, 4, 28)),
        ("1w@w1", (2024, 4, 28, 12), (2024, 4, 22)),
        ("1w", (2024, 5, 1, 12), (2024, 4, 25)),
        ("8h@d", (2024, 5, 1, 15), (2024, 5, 1, 8)),
    ],
)
def test_start_follows_the_zone(text: str, inside: tuple[int, ...], start: tuple[int, ...]) -> None:
    assert time_start(time_span(text), moment(*inside), BERLIN) == moment(*start)


def test_a_day_has_23_or_25_hours_when_clocks_change() -> None:
    day = time_span("1d")
    assert time_after(day, moment(2024, 3, 31), BERLIN) - moment(2024, 3, 31) == 23 * 3600
    assert time_after(day, moment(2024, 10, 27), BERLIN) - moment(2024, 10, 27) == 25 * 3600


@given(
    st.sampled_from(["1s", "7m", "3h", "1d", "2d", "1w", "1w@w3", "1mon", "5mon", "1q", "1y"]),
    st.integers(-(10**9), 4 * 10**9),
    st.sampled_from([UTC, BERLIN, KATHMANDU]),
)
def test_every_moment_lies_in_its_bin(text: str, at: int, zone: ZoneInfo) -> None:
    span = time_span(text)
    start = time_start(span, at, zone)
    assert start <= at < time_after(span, start, zone)
    assert time_start(span, start, zone) == start


@given(st.integers(0, 2 * 10**9), st.integers(0, 10**9), st.integers(2, 200))
def test_automatic_time_keeps_to_its_bins(low: int, width: int, bins: int) -> None:
    span = automatic_time(low, low + width, UTC, bins)
    if span == AUTOMATIC[-1]:
        return
    count, here = 0, time_start(span, low, UTC)
    while here <= low + width:
        count, here = count + 1, time_after(span, here, UTC)
    assert count <= bins


@given(st.integers(-(10**6), 10**6), st.integers(0, 10**6), st.integers(2, 200))
def test_automatic_numbers_keep_to_their_bins(low: int, width: int, bins: int) -> None:
    size = automatic_number(low, low + width, bins).size
    assert (low + width) // size - low // size + 1 <= bins


@given(st.floats(1e-12, 1e12), st.sampled_from([LogSpan(), LogSpan(2, 1.5), LogSpan(10, 2), NumberSpan(0.1)]))
def test_a_number_lies_in_its_range(value: float, span: LogSpan | NumberSpan) -> None:
    found = number_range(span, value)
    assert found is not None
    assert found[0] <= value * (1 + 1e-9)
    assert value < found[1] * (1 + 1e-9)


@pytest.mark.parametrize("text", ["5m", "1d", "1w@w1", "250ms", "2log10", "0.5", "10", "1mon"])
def test_spans_round_trip(text: str) -> None:
    span = parse_span(text)
    assert not isinstance(span, str)
    assert parse_span(show_span(span)) == span


@pytest.mark.parametrize(
    "text", ["", "0", "0m", "5x", "300ms", "log1", "20log10", "1d@x", "-5m", "1e3", "9" * 30 + "d"]
)
def test_nonsense_is_told(text: str) -> None:
    assert isinstance(parse_span(text), str)


def test_log_spans_do_not_cut_time() -> None:
    assert as_time(LogSpan()) is None
