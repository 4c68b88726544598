"""Which plans are about single requests, which about windows, which about the whole input."""

from __future__ import annotations

import pytest

from podhawk.commands.context import Context
from podhawk.content import load_content, shipped_pack
from podhawk.detect.evaluate.monotone import is_monotone
from podhawk.detect.evaluate.plan_kind import plan_kind
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.engine.plan.runnable import content_context


@pytest.mark.parametrize(
    ("search", "kind"),
    [
        ("verb=create", "request"),
        ("verb=create | table user.username verb", "request"),
        ("verb=create | fillnull | stats count by user.username verb | rename user.username as user", "request"),
        ("verb=create | stats count by user.username | search user.username=a*", "request"),
        ("verb=create | stats count by user.username | eval n=count*2 | table user.username n", "request"),
        ("verb=create | stats count by user.username | sort - count", "request"),
        ("verb=create | stats min(_time) as first by user.username | convert ctime(first)", "request"),
        ("verb=create | where count>3 | stats count by user.username", "request"),
        ("verb=create | stats count by user.username | where count > 3", "aggregate"),
        ("verb=create | stats count as n by user.username | rename n as number | search number > 3", "aggregate"),
        ("verb=create | stats count by user.username | eval n=count*2 | where n > 3", "aggregate"),
        ("verb=create | eventstats dc(verb) as verbs by user.username | where verbs > 2", "aggregate"),
        ("verb=create | stats count by user.username | stats dc(user.username) by count", "aggregate"),
        ("verb=create | dedup user.username", "aggregate"),
        ("verb=create | top user.username", "aggregate"),
        ("verb=create | head 5", "aggregate"),
        ("verb=create | stats count by user.username | sort 5 - count", "aggregate"),
        ("verb=create | streamstats count by user.username | where count > 3", "aggregate"),
        ("verb=create | append [search verb=delete]", "whole"),
        ("verb=create [search verb=delete | fields user.username]", "whole"),
        ("| makeresults", "whole"),
    ],
)
def test_a_plan_is_about_requests_unless_a_row_depends_on_an_aggregate(search: str, kind: str) -> None:
    context = Context()
    assert plan_kind(make_plan(read_search(search, {}), context)) == kind


@pytest.mark.parametrize(
    ("search", "grows"),
    [
        ("verb=get | stats count by user.username | where count > 3", True),
        ("verb=get | stats count dc(verb) as verbs by user.username | search count >= 3 verbs > 1", True),
        ("verb=get | stats count as n by user.username | rename n as m | where 3 < m", True),
        ("verb=get | stats count by user.username | where count < 3", False),
        ("verb=get | stats count by user.username | where count = 3", False),
        ("verb=get | stats avg(x) as a by user.username | where a > 3", False),
        ("verb=get | stats count by user.username | eval count=10-count | where count > 3", False),
        ("verb=get | stats count by user.username | where NOT count > 3", False),
        ("verb=get | dedup user.username", False),
    ],
)
def test_only_thresholds_on_what_grows_fire_at_once(search: str, grows: bool) -> None:
    assert is_monotone(make_plan(read_search(search, {}), Context())) is grows


@pytest.mark.parametrize(
    ("search", "grows"),
    [
        ("verb=get | stats count by verb | where count > 3 | search *", True),
        ("verb=get | stats count by verb | search * | where count > 3", True),
        ("verb=get | stats count by verb | where count < 3 | search *", False),
        ("verb=get | stats count by verb | where count > 3 | search verb=x", True),
        (
            "verb=get | stats count by user.username | where count > 3 | rename user.username as u | search NOT u=x",
            True,
        ),
        ('verb=get | stats count by verb | where count > 3 | eval v=lower(verb) | where v!="x" OR count>9', False),
        ('verb=get | stats count by verb | where count > 3 | eval v=lower(verb) | where v!="x"', True),
        ("verb=get | stats count values(stage) as stage by verb | where count > 3 | search NOT stage=x", False),
        ("verb=get | stats count by verb | where count > 3 | eval verb=count | search verb=x", False),
        ("verb=get | stats count by verb | where count > 3 | search NOT c*=4", False),
        ("verb=get | stats count by verb | where count > 3 | search NOT word", False),
        ("verb=get | stats count by verb | where count > 3 | eval t=now() | where t>5", False),
        ('verb=get | stats count by verb | where count > 3 | where verb="x" AND now()>5', False),
        ("verb=get | stats count by verb | where count > 3 | sort 1 verb", False),
    ],
)
def test_filters_that_cannot_take_rows_away_made_a_detection_wait_for_its_schedule(search: str, grows: bool) -> None:
    assert is_monotone(make_plan(read_search(search, {}), Context())) is grows


def test_the_aggregate_detections_of_the_pack_fire_at_once_or_on_a_schedule_of_their_own() -> None:
    """What asks which address came first, or what is missing, can be told only over a whole window; such a detection
    has a schedule of its own."""
    content = load_content([shipped_pack()])
    context = content_context(content)
    plans = {one.stem: make_plan(read_search(one.search, content.macros), context) for one in content.detections}
    late = {stem for stem, plan in plans.items() if plan_kind(plan) == "aggregate" and not is_monotone(plan)}
    assert late == {
        "kubernetes_issued_token_used_from_two_addresses",
        "kubernetes_pod_that_nobody_created",
        "kubernetes_service_account_used_from_second_address",
    }
    schedules = {one.stem: content.deployment_for(one) for one in content.detections if one.stem in late}
    assert {one.cron_schedule for one in schedules.values() if one is not None} == {"*/10 * * * *", "*/30 * * * *"}
