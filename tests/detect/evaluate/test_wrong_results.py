"""Findings that were wrong, or missing, because something outside the commands thought that it knew them."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.content.model import Deployment
from support.findings import detection, event, run, write

EVAL = "verb=create | eval t={} | table user.username t"
HOURLY = Deployment("hourly", cron_schedule="0 * * * *", earliest_time="-60m@m", latest_time="now")


def users(found: object) -> list[str]:
    return sorted(one.actor.user for one in found if one.kind != "incident")  # type: ignore[attr-defined]


def by(user: str, number: int, *, first: int = 10, **members: object) -> list[dict[str, object]]:
    return [
        event(f"{user}{minute}", at=f"09:{minute:02}:00.000001", user={"username": user}, **members)
        for minute in range(first, first + number)
    ]


def test_a_limit_of_sort_gave_findings_to_all_users_and_not_to_the_first_two(tmp_path: Path) -> None:
    counts = {"amy": 5, "bob": 4, "cid": 3, "dan": 2, "eve": 1}
    log = write(tmp_path / "a.log", *(one for user, number in counts.items() for one in by(user, number)))
    search = "verb=create | stats count by user.username | sort 2 -count"
    assert users(run(log, detection(search, deployment=HOURLY))) == ["amy", "bob"]


def test_regex_on_a_count_gave_a_finding_while_the_count_grew_past_it(tmp_path: Path) -> None:
    search = 'verb=create | stats count by user.username | regex count="^[0-2]$"'
    log = write(tmp_path / "a.log", *by("amy", 7), *by("bob", 2))
    assert users(run(log, detection(search, deployment=HOURLY))) == ["bob"]


@pytest.mark.parametrize(
    ("search", "macros"),
    [
        ("verb=create | eval t=`clock` | table user.username t", {"clock": "now()"}),
        (
            "verb=create | eval t=`clock` | table user.username t",
            {"clock": 'strftime(`inner`, "%s")', "inner": "now()"},
        ),
        ("verb=create | eval t=now () | table user.username t", {}),
        (
            "verb=create | eval t=relative_time(`clock`, `none`) | table user.username t",
            {"clock": "now()", "none": '"-0s"'},
        ),
        (
            "verb=create | stats count(eval(isnull(x))) as n max(eval(`clock`)) as t by user.username",
            {"clock": "now()"},
        ),
    ],
)
def test_the_clock_in_a_macro_stood_still_at_the_first_event(
    tmp_path: Path, search: str, macros: dict[str, str]
) -> None:
    log = write(tmp_path / "a.log", *(event(f"r{number}", at=f"10:00:0{number}.0") for number in range(3)))
    times = [int(float(str(one.rows[0]["t"]))) for one in run(log, detection(search), macros=macros)]
    assert times == [times[0], times[0] + 1, times[0] + 2]


@pytest.mark.parametrize("draw", ["random()", "`chance`", "random ()"])
def test_each_event_has_numbers_of_its_own(tmp_path: Path, draw: str) -> None:
    log = write(tmp_path / "a.log", *(event(f"r{number}", at=f"10:00:0{number}.0") for number in range(3)))
    search = f"verb=create | eval t={draw} | table user.username t"
    found = run(log, detection(search), macros={"chance": "random()"})
    assert len({one.rows[0]["t"] for one in found}) == 3


def test_an_identity_that_is_converted_in_place_was_put_back_unconverted(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(event(f"r{number}", at=f"10:00:0{number}.5") for number in range(3)))
    search = (
        'verb=create | convert timeformat="%Y-%m-%dT%H:%M:%S.%6NZ" mktime(requestReceivedTimestamp) '
        "| table user.username requestReceivedTimestamp"
    )
    times = [float(str(one.rows[0]["requestReceivedTimestamp"])) for one in run(log, detection(search))]
    assert times == [times[0], times[0] + 1, times[0] + 2]
    search = 'verb=create | replace "2026-*" WITH "then" IN requestReceivedTimestamp | table requestReceivedTimestamp'
    assert {one.rows[0]["requestReceivedTimestamp"] for one in run(log, detection(search))} == {"then"}


@pytest.mark.parametrize(
    "rest",
    [
        "where count > 3 | table count",
        "fields - user.username | where count > 3",
        "where count > 3 | eval user.username=upper('user.username')",
        'where count > 3 | replace "a*" WITH "someone" IN user.username',
    ],
)
def test_a_group_that_lost_its_name_after_the_threshold_gave_no_finding(tmp_path: Path, rest: str) -> None:
    log = write(tmp_path / "a.log", *by("amy", 5))
    search = f"verb=create | stats count by user.username | {rest}"
    assert users(run(log, detection(search, deployment=HOURLY))) == ["amy"]


def test_a_mean_under_the_name_of_a_count_fired_before_the_window_was_full(tmp_path: Path) -> None:
    log = write(
        tmp_path / "a.log",
        *by("amy", 1, responseStatus={"code": 500}),
        *by("amy", 8, first=20, responseStatus={"code": 201}),
        *by("bob", 2, responseStatus={"code": 500}),
    )
    search = (
        "verb=create | stats count avg(responseStatus.code) as mean by user.username "
        "| rename mean as count | where count > 300"
    )
    assert users(run(log, detection(search, deployment=HOURLY))) == ["bob"]


def test_a_threshold_on_what_is_recent_fired_for_what_was_recent_once(tmp_path: Path) -> None:
    search = 'verb=create | where _time > relative_time(now(), "-5m") | stats count by user.username | where count > 2'
    log = write(tmp_path / "a.log", *by("amy", 4), *by("bob", 4, first=56))
    assert users(run(log, detection(search, deployment=HOURLY))) == ["bob"]


def test_a_threshold_beside_a_wildcard_was_asked_of_each_request_alone(tmp_path: Path) -> None:
    pods = [
        event(str(number), at=f"09:1{number}:00.0", objectRef={"resource": "pods", "name": f"web{number}"})
        for number in range(4)
    ]
    search = (
        "verb=create | stats dc(objectRef.name) as names values(user*) as user* by objectRef.resource | where names > 2"
    )
    assert users(run(write(tmp_path / "a.log", *pods), detection(search, deployment=HOURLY))) == ["alice"]


def test_two_groups_were_one_finding_where_their_field_was_renamed_between_two_groupings(tmp_path: Path) -> None:
    names = {"resource": "pods", "name": "web"}
    log = write(
        tmp_path / "a.log",
        *(one for user in ("amy", "bob") for one in by(user, 1, objectRef={**names, "namespace": "a"})),
        *(one for user in ("amy", "bob") for one in by(user, 1, first=20, objectRef={**names, "namespace": "b"})),
    )
    search = (
        "verb=create | stats count by user.username objectRef.namespace | rename user.username as user "
        "| stats dc(objectRef.namespace) as namespaces by user | where namespaces > 1"
    )
    assert users(run(log, detection(search, deployment=HOURLY))) == ["amy", "bob"]
