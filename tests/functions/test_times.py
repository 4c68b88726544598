"""Time modifiers, in zones that change their clocks, over month ends, and where they are wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podhawk.errors import SearchError
from podhawk.functions.timereading import parse_time
from podhawk.functions.times import UNITS, format_time, resolve, snap

BERLIN = "Europe/Berlin"  # clocks forward 2024-03-31 02:00, back 2024-10-27 03:00
SANTIAGO = "America/Santiago"  # clocks forward 2024-09-08 00:00: that day starts at 01:00
KATHMANDU = "Asia/Kathmandu"  # +05:45


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("modifier", "now", "zone", "expected"),
    [
        ("now", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-15T10:20:30+00:00"),
        ("now()", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-15T10:20:30+00:00"),
        ("-70m@m", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-15T09:10:00+00:00"),
        ("@d", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-15T00:00:00+00:00"),
        ("-d", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-14T10:20:30+00:00"),
        ("-1d@d+6h", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-14T06:00:00+00:00"),
        ("+1d@w1", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-13T00:00:00+00:00"),
        ("-1mon@mon-2h", "2024-05-15T10:20:30+00:00", "UTC", "2024-03-31T22:00:00+00:00"),
        ("@d-2h@h+30m", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-14T22:30:00+00:00"),
        ("-1h+5m", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-15T09:25:30+00:00"),
        ("now-1h@h", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-15T09:00:00+00:00"),
        (" -24H@H ", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-14T10:00:00+00:00"),
        ("@s", "2024-05-15T10:20:30.750+00:00", "UTC", "2024-05-15T10:20:30+00:00"),
        ("-1s", "2024-05-15T10:20:30.750+00:00", "UTC", "2024-05-15T10:20:29.750+00:00"),
        # weeks: 2024-05-15 is a Wednesday
        ("@w", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-12T00:00:00+00:00"),
        ("@w0", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-12T00:00:00+00:00"),
        ("@w1", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-13T00:00:00+00:00"),
        ("@w2", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-14T00:00:00+00:00"),
        ("@w3", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-15T00:00:00+00:00"),
        ("@w4", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-09T00:00:00+00:00"),
        ("@w5", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-10T00:00:00+00:00"),
        ("@w6", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-11T00:00:00+00:00"),
        ("@w7", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-12T00:00:00+00:00"),
        ("@w0", "2024-05-12T00:00:00+00:00", "UTC", "2024-05-12T00:00:00+00:00"),
        ("-2w@w1", "2024-05-15T10:20:30+00:00", "UTC", "2024-04-29T00:00:00+00:00"),
        # months, quarters, years
        ("-1mon", "2024-03-31T10:00:00+00:00", "UTC", "2024-02-29T10:00:00+00:00"),
        ("-1mon", "2023-03-31T10:00:00+00:00", "UTC", "2023-02-28T10:00:00+00:00"),
        ("+1mon", "2024-01-30T10:00:00+00:00", "UTC", "2024-02-29T10:00:00+00:00"),
        ("-13mon", "2024-01-15T10:00:00+00:00", "UTC", "2022-12-15T10:00:00+00:00"),
        ("-1y", "2024-02-29T10:00:00+00:00", "UTC", "2023-02-28T10:00:00+00:00"),
        ("@q", "2024-05-15T10:20:30+00:00", "UTC", "2024-04-01T00:00:00+00:00"),
        ("@qtr", "2024-12-31T23:59:59+00:00", "UTC", "2024-10-01T00:00:00+00:00"),
        ("-1q@quarter", "2024-02-15T10:20:30+00:00", "UTC", "2023-10-01T00:00:00+00:00"),
        ("@y", "2024-05-15T10:20:30+00:00", "UTC", "2024-01-01T00:00:00+00:00"),
        ("@mon", "2024-02-29T10:20:30+00:00", "UTC", "2024-02-01T00:00:00+00:00"),
        # changes of clocks
        ("-1d", "2024-03-31T12:00:00+02:00", BERLIN, "2024-03-30T12:00:00+01:00"),
        ("-24h", "2024-03-31T12:00:00+02:00", BERLIN, "2024-03-30T11:00:00+01:00"),
        ("@d", "2024-03-31T12:00:00+02:00", BERLIN, "2024-03-31T00:00:00+01:00"),
        ("@d", "2024-10-27T12:00:00+01:00", BERLIN, "2024-10-27T00:00:00+02:00"),
        ("@h", "2024-10-27T02:30:00+02:00", BERLIN, "2024-10-27T02:00:00+02:00"),
        ("@h", "2024-10-27T02:30:00+01:00", BERLIN, "2024-10-27T02:00:00+01:00"),
        ("@mon", "2024-04-02T12:00:00+02:00", BERLIN, "2024-04-01T00:00:00+02:00"),
        ("-1mon@mon", "2024-04-02T12:00:00+02:00", BERLIN, "2024-03-01T00:00:00+01:00"),
        ("@d", "2024-09-08T12:00:00-03:00", SANTIAGO, "2024-09-08T01:00:00-03:00"),
        ("@h", "2024-05-15T10:20:30+05:45", KATHMANDU, "2024-05-15T10:00:00+05:45"),
        ("@d", "2024-05-15T01:20:30+05:45", KATHMANDU, "2024-05-15T00:00:00+05:45"),
        # absolute
        ("05/14/2024:22:10:05", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-14T22:10:05+00:00"),
        ("5/4/2024:02:10:05", "2024-05-15T10:20:30+00:00", BERLIN, "2024-05-04T02:10:05+02:00"),
        ("05/14/2024", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-14T00:00:00+00:00"),
        ("2024-05-14T22:10:05Z", "2024-05-15T10:20:30+00:00", BERLIN, "2024-05-14T22:10:05+00:00"),
        ("2024-05-14T22:10:05.250+02:00", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-14T22:10:05.250+02:00"),
        ("2024-05-14T22:10:05", "2024-05-15T10:20:30+00:00", BERLIN, "2024-05-14T22:10:05+02:00"),
        ("2024-05-14 22:10", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-14T22:10:00+00:00"),
        ("2024-05-14", "2024-05-15T10:20:30+00:00", "UTC", "2024-05-14T00:00:00+00:00"),
        ("0", "2024-05-15T10:20:30+00:00", "UTC", "1970-01-01T00:00:00+00:00"),
        ("1700000000", "2024-05-15T10:20:30+00:00", BERLIN, "2023-11-14T22:13:20+00:00"),
        ("1700000000.5", "2024-05-15T10:20:30+00:00", "UTC", "2023-11-14T22:13:20.500+00:00"),
    ],
)
def test_a_modifier_means(modifier: str, now: str, zone: str, expected: str) -> None:
    assert resolve(modifier, epoch(now), ZoneInfo(zone)) == epoch(expected)


@pytest.mark.parametrize("spelling", sorted(UNITS))
def test_every_spelling_of_a_unit_works_as_offset_and_as_snap(spelling: str) -> None:
    now = epoch("2024-05-15T10:20:30.5+00:00")
    assert resolve(f"-2{spelling}", now, UTC) == resolve(f"-2{UNITS[spelling]}", now, UTC) < now
    assert resolve(f"@{spelling}", now, UTC) == snap(now, UNITS[spelling], UTC) < now


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        " ",
        "yesterday",
        "-",
        "@",
        "-1",
        "5m",
        "-1x",
        "@w8",
        "@x",
        "-1d@",
        "-1d@d@",
        "-1d d",
        "--1d",
        "-1.5h",
        "13/45/2024:00:00:00",
        "2024-02-30",
        "2024-05-14T22:10:05Zz",
        "-99999y",
        "+9999999999999999999999s",
        "1e400",
        "9" * 400,
        "rt",
        "rt-5m",
        "-rt-5m",
        "now5",
        "-\uff11d",
    ],
)
def test_what_is_no_modifier_is_refused_with_a_remedy(wrong: str) -> None:
    with pytest.raises(SearchError) as caught:
        resolve(wrong, 1_700_000_000.0, UTC)
    assert caught.value.remedy


@settings(deadline=None)
@given(st.text(alphabet="+-@0123456789smhdwqyonrt/:TZ. ", max_size=24))
def test_any_text_resolves_or_is_refused(text: str) -> None:
    try:
        moment = resolve(text, 1_700_000_000.0, ZoneInfo(BERLIN))
    except SearchError:
        return
    assert isinstance(moment, float)


@settings(deadline=None)
@given(
    st.integers(0, 4_000_000_000),
    st.sampled_from([BERLIN, SANTIAGO, KATHMANDU, "America/St_Johns"]),
    st.sampled_from(["s", "m", "h", "d", "w", "w3", "mon", "q", "y"]),
)
def test_a_snap_goes_back_and_stays_there(moment: int, zone: str, unit: str) -> None:
    where = ZoneInfo(zone)
    snapped = snap(moment, unit, where)
    assert snapped <= moment
    assert snap(snapped, unit, where) == snapped


@settings(deadline=None)
@given(st.integers(0, 4_000_000_000_000_000), st.sampled_from(["UTC", KATHMANDU, "America/New_York"]))
def test_a_written_time_reads_back(micros: int, zone: str) -> None:
    moment, where = micros / 10**6, ZoneInfo(zone)
    fmt = "%Y-%m-%dT%H:%M:%S.%6N%z"
    written = format_time(moment, fmt, where)
    assert written is not None
    read = parse_time(written, fmt, UTC, 0.0)
    assert read is not None
    assert abs(read - moment) < 2e-6


@settings(deadline=None)
@given(st.text(max_size=30), st.text(alphabet="%YmdHMSzZNQfbBpIjseky 3:-/T.", max_size=20))
def test_any_text_reads_in_any_format_or_does_not(text: str, fmt: str) -> None:
    read = parse_time(text, fmt, UTC, 1_700_000_000.0)
    assert read is None or isinstance(read, (int, float))


def test_a_long_run_of_blanks_does_not_stall_reading() -> None:
    assert parse_time("2024" + " " * 200_000 + "x", "%Y %e %m %d", UTC, 0.0) is None


def test_a_fraction_never_loses_its_last_digit() -> None:
    for milliseconds in range(0, 1000, 7):
        moment = float(f"1700000000.{milliseconds:03d}")
        assert format_time(moment, "%3N", UTC) == f"{milliseconds:03d}"


def test_days_over_a_change_of_clocks_keep_the_time_of_day() -> None:
    zone = ZoneInfo(BERLIN)
    start = datetime(2024, 3, 20, 9, 30, tzinfo=zone)
    for days in range(30):
        assert resolve(f"+{days}d", start.timestamp(), zone) == (start + timedelta(days=days)).timestamp()
