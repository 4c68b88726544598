"""Plans that look at parts of their events by themselves find what they find over all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podhawk.content.model import Content, Deployment
from podhawk.detect.evaluate.by_key import Apart, ByKey
from podhawk.detect.evaluate.windows import Schedule, schedule_of
from podhawk.detect.finding import Finding
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.session import session_of
from support.findings import detection, event, run, write
from support.histories import ISSUED, MOVED, UNSEEN, History

HALF_AN_HOUR = Deployment("d", cron_schedule="*/10 * * * *", earliest_time="-30m@m", latest_time="now")
HOURS = Deployment("h", cron_schedule="*/10 * * * *", earliest_time="-5h", latest_time="now")
CASES = [(MOVED, HALF_AN_HOUR), (ISSUED, HOURS), (UNSEEN, HALF_AN_HOUR)]
EVENTSTATS = (
    "* | eval user='user.username', pod='objectRef.name' "
    "| eventstats earliest(ip) as home count(n) as issues by user pod | where "
)
STATS = " | stats count by user pod ip"


def apart(search: str, deployment: Deployment = HALF_AN_HOUR) -> Apart:
    plan = make_plan(read_search(search, {}), session_of({}).context(Content()))
    return Apart(plan, schedule_of(deployment), ByKey(plan))


def needs(search: str) -> tuple[list[str], list[str]]:
    found = apart(search).needs
    return sorted(found.present), sorted(found.differing)


@pytest.mark.parametrize(
    ("condition", "present", "differing"),
    [
        ("ip!=home", [], ["ip"]),
        ("home!=ip AND issues > 0", ["n"], ["ip"]),
        ("0 < issues", ["n"], []),
        ("issues >= 1", ["n"], []),
        ("issues >= 0", [], []),
        ("issues < 3", [], []),
        ("ip!=home OR issues > 0", [], []),
        ("NOT ip=home", [], []),
        ("n!=home", [], []),
        ('issues > "0"', [], []),
    ],
)
def test_what_a_filter_needs(condition: str, present: list[str], differing: list[str]) -> None:
    assert needs(EVENTSTATS + condition + STATS) == (present, differing)


def test_a_column_that_may_be_something_else_needs_nothing() -> None:
    changed = EVENTSTATS.replace("| where", '| eval home=coalesce(home, "x") | where')
    assert needs(changed + "ip!=home" + STATS) == ([], [])
    assert needs(EVENTSTATS + "ip!=home" + " | stats count by user ip") == ([], [])
    assert needs(EVENTSTATS.replace("earliest", "list") + "ip!=home" + STATS) == ([], [])
    assert needs(EVENTSTATS.replace("earliest", "values") + "ip!=home" + STATS) == ([], ["ip"])


@pytest.mark.parametrize(
    ("search", "of"),
    [
        (EVENTSTATS + "ip!=home" + STATS, ("user", "pod")),
        (EVENTSTATS + "ip!=home" + STATS + " | rename user as who", ("user", "pod")),
        (EVENTSTATS + "ip!=home" + STATS + " | sort 0 user", ()),
        (EVENTSTATS + "ip!=home" + STATS + " | head 3", ()),
        (EVENTSTATS + "ip!=home" + STATS + " | streamstats count as place by user pod", ()),
        (EVENTSTATS + "ip!=home" + STATS + " | eventstats count as users", ()),
        (EVENTSTATS + "ip!=home", ()),
        (EVENTSTATS + "issues < 3" + STATS, ()),
        (EVENTSTATS + "ip!=home | fillnull user" + STATS, ()),
        (EVENTSTATS + "ip!=home | eval user=lower(user)" + STATS, ()),
        ("* | stats count by user | where count > 3", ("user",)),
    ],
)
def test_what_stands_apart(search: str, of: tuple[str, ...]) -> None:
    assert apart(search).of == of


@pytest.mark.parametrize("times", [("-1h@h", "now"), ("-1d@d", "now"), ("-30m", "+5m")])
def test_windows_that_depend_on_other_events_do_not_stand_apart(times: tuple[str, str]) -> None:
    deployment = Deployment("d", cron_schedule="*/10 * * * *", earliest_time=times[0], latest_time=times[1])
    assert not schedule_of(deployment).is_even
    assert not apart(EVENTSTATS + "ip!=home" + STATS, deployment).of


def test_windows_of_one_length_are_even() -> None:
    even: Schedule = schedule_of(HALF_AN_HOUR)
    assert even.is_even


def told(found: list[Finding]) -> list[Any]:
    return sorted(
        (
            one.first_time,
            one.last_time,
            [request.audit_id for request in one.requests],
            one.row_count,
            [sorted(row.items(), key=repr) for row in one.rows],
            one.outcome,
        )
        for one in found
    )


@pytest.mark.parametrize(("search", "deployment"), CASES)
@pytest.mark.parametrize("seed", range(12))
def test_parts_give_what_all_give(search: str, deployment: Deployment, seed: int, tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", *History(seed).events(60))
    parts = detection(search, name="Parts", id="1", deployment=deployment)
    whole = detection(f"{search} | sort 0 count", name="Whole", id="2", deployment=deployment)
    found = run(log, parts, whole).found.findings
    own = [[one for one in found if one.detection.name == name] for name in ("Parts", "Whole")]
    assert told(own[0]) == told(own[1])


@pytest.mark.parametrize(("search", "deployment"), CASES)
def test_some_histories_have_findings_of_such_plans(search: str, deployment: Deployment, tmp_path: Path) -> None:
    parts = detection(search, name="Parts", id="1", deployment=deployment)
    logs = [write(tmp_path / f"{seed}.log", *History(seed).events(60)) for seed in (4, 8, 11)]
    assert any(run(log, parts).found.findings for log in logs)


SINGLE = "eval ip=mvindex('sourceIPs{}', -1)"


@pytest.mark.parametrize(
    ("before", "by", "of"),
    [
        ("", "user.username", ("user.username",)),
        ("", "user.groups{}", ()),
        ("", "src_user", ()),
        ("| eval who='user.groups{}'", "who", ()),
        ("| eval who=mvindex('user.groups{}', 0)", "who", ("who",)),
        ("| eval who=mvindex('user.groups{}', 0, 1)", "who", ()),
        ('| eval a=\'user.username\', who=if(a="x", null(), coalesce(a, "none"))', "who", ("who",)),
        ('| eval who=split(userAgent, ",")', "who", ()),
        ("| rename user.groups{} as who", "who", ()),
        ("| rename user.username as who", "who", ("who",)),
        ("| where _time > now() - 900", "user.username", ()),
        ("| eval who=if(_time > now() - 900, verb, userAgent)", "who", ()),
    ],
)
def test_only_what_has_one_value_at_any_time_stands_apart(before: str, by: str, of: tuple[str, ...]) -> None:
    search = (
        f"* {before} | {SINGLE} | eventstats earliest(ip) as home by {by} | where ip!=home | stats count by {by} ip"
    )
    assert apart(search).of == of


def test_parts_whose_fields_are_not_in_the_rows_found_nothing() -> None:
    search = EVENTSTATS + "ip!=home" + STATS
    assert apart(f"{search} | fields - pod").of == ()
    assert apart(f"{search} | eval user=lower(user)").of == ()


def of_groups(name: str, at: str, ip: str, *groups: str) -> dict[str, Any]:
    return event(name, at=at, user={"username": "alice", "groups": list(groups)}, sourceIPs=[ip], verb="get")


@pytest.mark.parametrize(
    "search",
    [
        f"verb=get | {SINGLE}, grp='user.groups{{}}' | eventstats earliest(ip) as home dc(ip) as ips by grp "
        "| where ip!=home | stats count max(ips) as ips by grp",
        f"verb=get | where _time > now() - 900 | {SINGLE}, grp=mvindex('user.groups{{}}', 0) "
        "| eventstats earliest(ip) as home by grp | where ip!=home | stats count by grp",
        f"verb=get | {SINGLE}, grp=mvindex('user.groups{{}}', 0) "
        "| eventstats earliest(ip) as home by grp | where ip!=home | stats count by grp ip | fields - grp",
    ],
    ids=["several groups", "the clock", "not in the rows"],
)
def test_parts_lost_findings(search: str, tmp_path: Path) -> None:
    """A row of several groups had results of a part of one; the parts were those at a time of no window; rows without
    the fields of their part were in none."""
    log = write(
        tmp_path / "audit.log",
        of_groups("a", "10:00:00.0", "10.0.0.1", "dev"),
        of_groups("b", "10:04:00.0", "10.0.0.2", "dev", "ops"),
        of_groups("c", "10:05:00.0", "10.0.0.3", "ops", "dev"),
        of_groups("d", "11:00:00.0", "10.0.0.4", "ops"),
    )
    parts = detection(search, name="Parts", id="1", deployment=HALF_AN_HOUR)
    whole = detection(f"{search} | sort 0 count", name="Whole", id="2", deployment=HALF_AN_HOUR)
    found = run(log, parts, whole).found.findings
    own = [[one for one in found if one.detection.name == name] for name in ("Parts", "Whole")]
    assert told(own[0]) == told(own[1]) != []
