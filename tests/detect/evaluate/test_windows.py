"""Aggregate plans look at windows of event time; while a by-key goes on to have rows it is one finding."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from podhawk.content.model import Deployment
from podhawk.detect.evaluate.windows import schedule_of
from podhawk.errors import ContentError
from support.findings import detection, event, run, write

MANY = "verb=create | stats count by user.username | where count > 3"
FEW = "verb=create | stats count by user.username | where count < 3"
HOURLY = Deployment("hourly", cron_schedule="0 * * * *", earliest_time="-60m@m", latest_time="now")


def at(*times: str) -> list[dict[str, object]]:
    return [event(f"r{number}", at=f"{time}:00.000001") for number, time in enumerate(times)]


def spans(
    tmp_path: Path, search: str, *times: str, deployment: Deployment | None = HOURLY
) -> list[tuple[str, str, int]]:
    found = run(write(tmp_path / "a.log", *at(*times)), detection(search, deployment=deployment))
    return [
        (_clock(one.first_time), _clock(one.last_time), one.request_count) for one in found if one.kind != "incident"
    ]


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%H:%M")


def test_a_threshold_fires_as_soon_as_it_is_passed_across_the_hour(tmp_path: Path) -> None:
    assert spans(tmp_path, MANY, "09:50", "09:55", "10:02", "10:05") == [("09:50", "10:05", 4)]


@pytest.mark.parametrize("filter_", ["search *", "search NOT user.username=bob", "where 'user.username'!=\"bob\""])
def test_a_filter_macro_made_a_threshold_wait_and_fall_between_two_windows(tmp_path: Path, filter_: str) -> None:
    busy = at("09:50", "09:55", "10:02", "10:05")
    other = [one | {"auditID": f"b{number}", "user": {"username": "bob"}} for number, one in enumerate(busy)]
    alone = [event(f"o{number}", at=f"09:{number}0:00.1", user={"username": f"u{number}"}) for number in range(6)]
    found = run(write(tmp_path / "a.log", *busy, *other, *alone), detection(f"{MANY} | {filter_}", deployment=HOURLY))
    shown = {(one.actor.user, one.request_count) for one in found if one.kind != "incident"}
    assert shown == ({("alice", 4)} if "bob" in filter_ else {("alice", 4), ("bob", 4)})


def test_too_few_in_any_window_fire_nothing(tmp_path: Path) -> None:
    assert spans(tmp_path, MANY, "09:00", "09:30", "10:02", "10:35") == []


def test_an_episode_goes_on_while_windows_have_rows_and_a_new_one_begins_after_one_length_without(
    tmp_path: Path,
) -> None:
    burst = ("09:00", "09:01", "09:02", "09:03")
    later = ("12:00", "12:01", "12:02", "12:03", "12:04")
    assert spans(tmp_path, MANY, *burst, "09:20", *later) == [("09:00", "09:20", 5), ("12:00", "12:04", 5)]


def test_other_aggregate_plans_look_at_the_positions_of_their_schedule(tmp_path: Path) -> None:
    assert spans(tmp_path, FEW, "09:10", "09:20", "09:30", "10:10") == [("10:10", "10:10", 1)]


def test_without_a_deployment_the_hour_that_ended_ten_minutes_ago_is_looked_at(tmp_path: Path) -> None:
    assert spans(tmp_path, FEW, "09:45", "09:55", deployment=None) == [("09:45", "09:55", 2)]


def test_the_id_names_the_earliest_request_and_the_by_key(tmp_path: Path) -> None:
    events = at("09:00", "09:01", "09:02", "09:03", "09:04")
    made = detection(MANY, deployment=HOURLY)
    four, five = (
        next(iter(run(write(tmp_path / name, *some), made))).finding_id
        for name, some in (("a", events[:4]), ("b", events))
    )
    assert four == five
    assert next(iter(run(write(tmp_path / "c", *events[1:]), made))).finding_id != five


def test_dedup_and_top_make_findings_by_what_they_group_by(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *at("09:00", "09:01"), event("x", user={"username": "bob"}, at="09:05:00.1"))
    found = run(log, detection("verb=create | dedup user.username", deployment=HOURLY))
    assert sorted(one.actor.user for one in found) == ["alice", "bob"]
    assert [one.request_count for one in sorted(found, key=lambda one: one.actor.user)] == [2, 1]


def test_rows_that_other_searches_bring_in_are_looked_at_over_the_whole_input(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *at("09:00", "11:00"))
    search = "verb=create | stats count by user.username | append [search verb=create | stats count by verb]"
    assert len(run(log, detection(search))) == 2


@pytest.mark.parametrize(
    "bad", [Deployment("d", cron_schedule="61 * * * *"), Deployment("d", earliest_time="yesterday")]
)
def test_a_schedule_that_cannot_be_read_is_refused_with_what_to_write(bad: Deployment) -> None:
    with pytest.raises(ContentError, match="schedule") as told:
        schedule_of(bad)
    assert "-70m@m" in told.value.remedy


def test_events_of_two_clusters_are_not_counted_together(tmp_path: Path) -> None:
    def found(*clusters: str) -> list[tuple[str, int]]:
        state = str(tmp_path / "-".join(clusters))
        for number, cluster in enumerate(clusters):
            log = write(
                tmp_path / f"{number}.log", *(event(f"{number}{other}", at=f"10:0{other}:00.0") for other in range(2))
            )
            findings = run(log, detection(MANY, deployment=HOURLY), state=state, cluster=cluster)
        return [(one.cluster, one.request_count) for one in findings]

    assert found("east", "west") == []
    assert found("east", "east") == [("east", 4)]


def test_an_eventstats_before_the_grouping_gave_a_finding_the_requests_that_a_filter_had_left_out(
    tmp_path: Path,
) -> None:
    search = (
        "verb=create | eval ip=mvindex('sourceIPs{}', -1) | eventstats earliest(ip) as home by user.username "
        "| where ip!=home | stats count by user.username ip"
    )
    log = write(
        tmp_path / "a.log",
        event("1", sourceIPs=["10.0.0.1"]),
        event("2", at="10:00:01.000001", sourceIPs=["10.0.0.2"]),
        event("3", at="10:00:02.000001", sourceIPs=["10.0.0.1"]),
    )
    (found,) = (one for one in run(log, detection(search)) if one.kind != "incident")
    assert [request.audit_id for request in found.requests] == ["2"]


@pytest.mark.parametrize("earliest", ["-1h@h", "-1d@d", "1"])
def test_windows_that_begin_where_the_one_before_did_lost_the_last_events(tmp_path: Path, earliest: str) -> None:
    """An event of anybody before them was enough."""
    deployment = Deployment("d", cron_schedule="*/20 * * * *", earliest_time=earliest, latest_time="now")
    few = f"{FEW} | sort 0 count"
    late = [event("late", at="10:11:00.000001", user={"username": "bob"})]
    for events in (late, [*at("10:00"), *late]):
        found = run(write(tmp_path / "a.log", *events), detection(few, deployment=deployment))
        assert "bob" in {one.actor.user for one in found if one.kind != "incident"}


def test_windows_end_where_nothing_more_can_come() -> None:
    for earliest, latest, count in (("1", "now", 1), ("1", "2000000000", 1), ("-1h@h", "now", 3)):
        made = schedule_of(Deployment("d", cron_schedule="*/20 * * * *", earliest_time=earliest, latest_time=latest))
        assert len(list(made.positions([1.5e9 + 60]))) == count
