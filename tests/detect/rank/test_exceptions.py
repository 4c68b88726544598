"""Exceptions mark, end, and never remove."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk.detect.findings import Policies
from podhawk.detect.rank.exceptions import load_exceptions
from podhawk.errors import ContentError
from support.findings import detection, event, received, run, write

GOOD = """name: ci makes pods
detection: Test *
when: user.username=alice objectRef.namespace=default
owner: platform
reason: the build makes them
expires: 2026-12-31
"""
PODS = "verb=create objectRef.resource=pods"


def policies(tmp_path: Path, text: str) -> Policies:
    (tmp_path / "exceptions.yml").write_text(text)
    return Policies(exceptions=load_exceptions([tmp_path / "exceptions.yml"]))


def test_an_exception_marks_what_it_means_and_only_that(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("1"), event("2", user={"username": "bob"}))
    result = run(log, detection(PODS), policies=policies(tmp_path, GOOD))
    alice, bob = sorted((one for one in result if one.kind != "incident"), key=lambda one: one.actor.user)
    assert alice.suppressed_by is not None
    assert (alice.suppressed_by.name, alice.suppressed_by.expires) == ("ci makes pods", "2026-12-31")
    assert not alice.visible
    assert bob.suppressed_by is None
    assert [(one.object, one.applied > 0) for one in result.found.risk] == [("alice", False), ("bob", True)]
    assert ("exception", "ci makes pods", 1) in list(result.found.hidden())


def test_every_stage_of_the_request_must_match(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", received(), event())
    by_name = GOOD.replace("objectRef.namespace=default", "objectRef.name=web")
    assert next(iter(run(log, detection(PODS), policies=policies(tmp_path, by_name)))).suppressed_by is None
    assert next(iter(run(log, detection(PODS), policies=policies(tmp_path, GOOD)))).suppressed_by is not None


def test_only_the_stages_that_the_search_matches_are_asked(tmp_path: Path) -> None:
    """An image stands in the last stage only, and so does what this search is after."""
    body = {"spec": {"containers": [{"image": "ci/build", "securityContext": {"privileged": True}}]}}
    log = write(tmp_path / "a.log", received(), event(requestObject=body))
    by_image = GOOD.replace("objectRef.namespace=default", "requestObject.spec.containers{}.image=ci/*")
    for search in (
        f"{PODS} requestObject.spec.containers{{}}.securityContext.privileged=true",
        f"{PODS} | where 'requestObject.spec.containers{{}}.securityContext.privileged'=\"true\"",
    ):
        made = run(log, detection(search), policies=policies(tmp_path, by_image))
        assert next(iter(made)).suppressed_by is not None, search


def test_rows_that_a_finding_does_not_carry_match_nothing(tmp_path: Path) -> None:
    """A finding carries 50 rows; what the others say is not known when exceptions are asked."""
    users = [{"username": f"user-{number:02}"} for number in range(60)]
    log = write(
        tmp_path / "a.log",
        *(event(f"r{number}", at=f"10:00:{number:02}.1", user=user) for number, user in enumerate(users)),
    )
    made = detection("verb=create | eventstats count by verb | where count > 3 | table verb user.username")
    by_row = GOOD.replace("user.username=alice objectRef.namespace=default", "NOT user.username=user-59")
    found = next(iter(run(log, made, policies=policies(tmp_path, by_row))))
    assert found.row_count > len(found.rows)
    assert found.suppressed_by is None


def test_an_exception_about_no_detection_is_told(tmp_path: Path) -> None:
    result = run(
        write(tmp_path / "a.log", event()),
        detection(PODS),
        policies=policies(tmp_path, GOOD.replace("Test *", "Tset *")),
    )
    assert [one.name for one in result.aimless()] == ["ci makes pods"]
    assert (
        run(
            write(tmp_path / "a.log", event()),
            detection(PODS, name="Pods [new]"),
            policies=policies(tmp_path, GOOD.replace("Test *", "pods [NEW]")),
        ).aimless()
        == []
    )


def test_an_expired_exception_is_inert_and_reported(tmp_path: Path) -> None:
    old = policies(tmp_path, GOOD.replace("2026-12-31", "2026-11-25"))
    result = run(write(tmp_path / "a.log", event()), detection(PODS), policies=old)
    assert next(iter(result)).suppressed_by is None
    assert [one.name for one in result.expired()] == ["ci makes pods"]


def test_aggregate_plans_are_matched_by_their_rows(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(event(f"r{number}", at=f"10:00:0{number}.1") for number in range(5)))
    made = detection("verb=create | stats count by user.username | where count > 3")
    by_row = GOOD.replace("objectRef.namespace=default", "count<10")
    assert next(iter(run(log, made, policies=policies(tmp_path, by_row)))).suppressed_by is not None
    assert next(iter(run(log, made, policies=policies(tmp_path, by_row.replace("10", "2"))))).suppressed_by is None


def test_thirty_days_are_preset(tmp_path: Path) -> None:
    found = policies(tmp_path, GOOD.replace("expires: 2026-12-31", "created: 2026-11-01")).exceptions
    assert found[0].expires.isoformat() == "2026-12-01"


def test_a_file_may_hold_several(tmp_path: Path) -> None:
    listed = "".join(f"- {GOOD.replace(chr(10), chr(10) + '  ').rstrip()}\n" for _ in range(2))
    assert len(policies(tmp_path, listed).exceptions) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD.replace("owner: platform\n", ""), "owner"),
        (GOOD.replace("reason:", "reasons:"), "reasons"),
        (GOOD.replace("=alice", "=(alice"), "when"),
        (GOOD.replace("expires: 2026-12-31\n", ""), "expiry date"),
        (GOOD.replace("2026-12-31", "soon"), "soon"),
        (GOOD.replace("2026-12-31", "2026-12-31 or so"), "or so"),
        (GOOD.replace("=default", "=[ search x ]"), "when"),
        (GOOD.replace("user.username=alice objectRef.namespace=default", "'*'"), "--exclude"),
        ("- 3\n", "mapping"),
    ],
)
def test_faults_are_told_with_their_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ContentError, match=told) as error:
        policies(tmp_path, text)
    assert "exceptions.yml" in str(error.value)


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(ContentError, match="no such file"):
        load_exceptions(["nowhere"])


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ("user=alice", "user.username"),
        ("user.usrname=alice", "user.username"),
        ("NOT (verb=get sourceIPs=10.0.0.7)", "sourceIPs{}"),
        ("count>5", ""),
    ],
)
def test_an_unknown_field_in_an_exception_hid_nothing_and_was_not_told(tmp_path: Path, wrong: str, remedy: str) -> None:
    log = write(tmp_path / "a.log", event("1"))
    text = GOOD.replace("user.username=alice objectRef.namespace=default", wrong)
    with pytest.raises(ContentError, match="audit events have no field") as told:
        run(log, detection(f"{PODS} | stats count by user.username"), policies=policies(tmp_path, text))
    assert told.value.place is not None
    assert (told.value.place.line, remedy in told.value.remedy) == (3, True)


def test_the_rows_of_an_aggregate_plan_have_fields_of_their_own(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(event(str(number)) for number in range(6)))
    text = GOOD.replace("user.username=alice objectRef.namespace=default", "who=alice count>5")
    search = f"{PODS} | stats count by user.username | where count>5 | rename user.username as who"
    (found,) = run(log, detection(search), policies=policies(tmp_path, text))
    assert found.suppressed_by is not None
    with pytest.raises(ContentError, match="no field 'wo'"):
        run(log, detection(search), policies=policies(tmp_path, text.replace("who=", "wo=")))


def test_an_exception_for_another_detection_is_not_looked_at(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event("1"))
    text = GOOD.replace("Test *", "Other").replace("user.username=alice", "user=alice")
    assert len(run(log, detection(PODS), policies=policies(tmp_path, text)).aimless()) == 1
