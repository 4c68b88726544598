"""What is proposed as an exception, and what it would hide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from podhawk.detect.match import Match
from podhawk.detect.report.tuning import blast_radius, exception_for, proposals
from support.findings import detection, event, received, run, write

PODS = "verb=create objectRef.resource=pods"
NOW = 1_795_600_000.0


def matches(tmp_path: Path, *events: dict[str, Any], search: str = PODS) -> list[Match]:
    found = run(write(tmp_path / "a.log", *events), detection(search)).found.matches
    return [match for match in found if match.finding.kind != "incident"]


def pod(
    name: str, user: str = "alice", image: str = "nginx", agent: str = "kubectl/v1", day: int = 25, **members: Any
) -> dict[str, Any]:
    body = {"spec": {"containers": [{"image": image}]}}
    when = {"requestReceivedTimestamp": f"2026-11-{day}T10:00:00.1Z", "stageTimestamp": f"2026-11-{day}T10:00:00.2Z"}
    return event(
        name,
        user={"username": user, "groups": []},
        userAgent=agent,
        level="Request",
        requestObject=body,
        **when,
        **members,
    )


def conditions(tmp_path: Path, *events: dict[str, Any], search: str = PODS) -> dict[str, int]:
    return {one.when: one.count for one in proposals(matches(tmp_path, *events, search=search))}


def test_one_account_that_makes_all_the_noise_is_proposed(tmp_path: Path) -> None:
    """Regression: a group that was all there is was left out, and nothing was proposed at all."""
    (made,) = proposals(matches(tmp_path, *(pod(f"r{number}", "ci", day=20 + number) for number in range(5))))
    assert (made.when, made.count, made.share, made.days) == ('user.username="ci"', 5, 1.0, 5)


def test_of_conditions_for_the_same_group_the_one_that_is_hardest_to_forge_is_proposed(tmp_path: Path) -> None:
    found = conditions(tmp_path, pod("1", "ci", agent="ci/1"), pod("2", "ci", agent="ci/1"), pod("3"), pod("4"))
    assert 'user.username="ci"' in found
    assert not [when for when in found if "userAgent" in when]


def test_a_condition_on_the_user_agent_alone_carries_a_caution(tmp_path: Path) -> None:
    events = (pod("1", "ann", agent="ci/1 (linux)"), pod("2", "ben", agent="ci/1 (arm)"), pod("3"), pod("4", "bob"))
    by_agent = next(one for one in proposals(matches(tmp_path, *events)) if one.when == 'userAgent="ci/1 *"')
    assert by_agent.caution
    assert not [one for one in proposals(matches(tmp_path, *events)) if "user.username" in one.when and one.caution]


def test_an_image_is_proposed_only_where_the_search_matches_stages_that_name_it(tmp_path: Path) -> None:
    """Regression: it was proposed for searches that match RequestReceived too, where no exception to it holds."""
    late = {"requestReceivedTimestamp": "2026-11-25T10:00:00.1Z", "stageTimestamp": "2026-11-25T10:00:00.1Z"}
    events = [
        stage
        for number, user in enumerate(("ann", "ben"))
        for stage in (
            received(f"r{number}", user={"username": user, "groups": []}, userAgent="kubectl/v1", **late),
            pod(f"r{number}", user, "ci/build"),
        )
    ] + [pod("x", "eve", "evil")]
    by_image = 'requestObject.spec.containers{}.image="ci/build"'
    assert by_image not in conditions(tmp_path, *events)
    assert by_image in conditions(tmp_path, *events, search=f"{PODS} stage=ResponseComplete")


def test_a_value_with_a_wildcard_is_no_part_of_a_condition(tmp_path: Path) -> None:
    found = conditions(tmp_path, *(pod(f"r{number}", "a*", agent="b*") for number in range(2)), pod("x"))
    assert not [when for when in found if "*" in when]


def test_attacks_that_were_logged_without_the_body_that_is_asked_for_cannot_be_judged(tmp_path: Path) -> None:
    bare = matches(tmp_path, event("bare"))
    full = matches(tmp_path, pod("full", image="alpine"))

    def radius(when: str, attacks: list[Match]) -> tuple[int, int]:
        found = blast_radius(exception_for(detection(PODS), when, "", "", NOW), [], attacks, NOW)
        return len(found.attacks), len(found.unjudged)

    by_image = "requestObject.spec.containers{}.image=alpine"
    assert radius(by_image, full) == (1, 0)
    assert radius(by_image, bare) == (0, 1)
    assert radius(f"user.username=bob {by_image}", bare) == (0, 0)
    assert radius("user.username=alice", bare) == (1, 0)
