"""One finding for each request and detection, whatever number of rows, stages and copies it has."""

from __future__ import annotations

from pathlib import Path

from podhawk.detect.report.finding_json import to_record
from support.findings import detection, event, received, run, write

SEED = (
    "verb=create objectRef.resource=pods | fillnull | stats count by objectRef.name user.groups{} user.username "
    "user.uid stage | rename user.username as user"
)


def test_stages_and_groups_of_a_request_are_one_finding_with_all_its_rows(tmp_path: Path) -> None:
    found = run(write(tmp_path / "a.log", received(), event()), detection(SEED, message="$user$ made $objectRef.name$"))
    (finding,) = found
    assert finding.row_count == 4
    assert finding.requests[0].stages == ("RequestReceived", "ResponseComplete")
    assert finding.outcome == "success"
    assert finding.title == "alice made web"
    assert [one.value for one in finding.risk_objects] == ["alice"]


def test_an_attacker_who_repeats_the_audit_id_of_another_request_does_not_vanish(tmp_path: Path) -> None:
    log = write(
        tmp_path / "a.log",
        event("same"),
        event("same", at="10:00:01.000001"),
        event("same", user={"username": "mallory"}),
        event("same", requestURI="/api/v1/namespaces/x/pods"),
    )
    assert len(run(log, detection(SEED))) == 4
    assert len({one.finding_id for one in run(log, detection(SEED))}) == 4


def test_exact_repeats_count_once_whatever_a_carrier_put_around_them(tmp_path: Path) -> None:
    bare = event()
    bare.pop("kind")
    log = write(tmp_path / "a.log", event(), event(), bare, {"time": 1, "event": event()})
    (finding,) = run(log, detection(SEED))
    assert finding.row_count == 2
    assert [row["count"] for row in finding.rows] == ["1", "1"]


def test_events_without_an_audit_id_are_requests_of_their_own_and_were_glued_together(tmp_path: Path) -> None:
    lines = [{"verb": "create", "user": {"username": name}, "objectRef": {"resource": "pods"}} for name in "abc"]
    assert len(run(write(tmp_path / "a.log", *lines), detection(SEED), input_format="json")) == 3


def test_the_same_events_in_any_order_and_pieces_give_the_same_findings(tmp_path: Path) -> None:
    events = [
        made(
            f"r{number}", at=f"10:00:{number:02}.000001", user={"username": f"user{number % 4}", "groups": ["g1", "g2"]}
        )
        for number in range(30)
        for made in (received, event)
    ]
    detections = [
        detection(SEED),
        detection("verb=create | stats count by user.username | where count > 3", name="Many", id="2"),
    ]
    whole = [_plain(one) for one in run(write(tmp_path / "whole.log", *events), *detections)]
    assert [one["kind"] for one in whole] == ["intermediate"] * 34 + ["incident"] * 4
    shuffled = events[::-1][::2] + events[::2]
    pieces = [write(tmp_path / f"{number}.log", one) for number, one in enumerate(shuffled)]
    assert [_plain(one) for one in run(pieces, *detections)] == whole


def test_the_end_of_a_request_is_found_though_the_search_wants_only_its_beginning(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", received(), event(responseStatus={"code": 403}))
    (finding,) = run(log, detection("verb=create stage=RequestReceived"))
    assert finding.outcome == "denied"
    assert finding.target.name == "web"
    assert finding.row_count == 1


def test_what_fillnull_put_in_is_none_and_no_risk_object(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event(user={}, stage="ResponseStarted", responseStatus={"code": 401}))
    made = detection(
        "verb=create | fillnull | stats count by user.username verb | rename user.username as user",
        message="$user$ from $src_ip$",
    )
    (finding,) = run(log, made)
    assert finding.rows[0]["user"] == "0"
    assert finding.title == "Attempt, denied: (none) from (no src_ip)"
    assert finding.risk_objects == ()
    assert finding.actor.kind == "unauthenticated"
    assert finding.outcome == "denied"


def test_a_user_who_is_called_0_is_somebody(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", event(user={"username": "0"}))
    (finding,) = run(log, detection("verb=create | fillnull | stats count by user.username verb"))
    assert finding.title == "0 did it"
    assert [one.value for one in finding.risk_objects] == ["0"]


def test_tokens_are_filled_from_the_rows_their_old_names_and_the_event(tmp_path: Path) -> None:
    made = detection(
        "verb=create | stats count by user.username user.groups{} sourceIPs{} | rename sourceIPs{} as src_ip, "
        "user.username as who",
        message="$who$/$user.username$ $user.groups{}$ $result.src_ip$ $objectRef.namespace$ $Country$ costs $5",
    )
    groups = [f"g{number}" for number in range(8)]
    (finding,) = run(write(tmp_path / "a.log", event(user={"username": "eve", "groups": groups})), made)
    assert finding.title == "eve/eve g0, g1, g2, g3, g4 and 3 more 10.0.0.7 default (no Country) costs $5"


def test_hunting_makes_rows_and_no_findings(tmp_path: Path) -> None:
    assert len(run(write(tmp_path / "a.log", event()), detection(SEED, type="Hunting"))) == 0


def test_a_finding_is_printed_field_for_field_as_the_contract_says(tmp_path: Path) -> None:
    (finding,) = run(write(tmp_path / "a.log", event()), detection(SEED, mitre_attack_id=("T1610",)))
    made = to_record(finding)
    assert list(made) == [
        "schema",
        "finding_id",
        "revision",
        "replaces",
        "kind",
        "detection",
        "first_time",
        "last_time",
        "title",
        "severity",
        "risk_score",
        "priority",
        "priority_reasons",
        "actor",
        "target",
        "outcome",
        "risk_objects",
        "threat_objects",
        "attack",
        "annotations",
        "noise",
        "suppressed_by",
        "throttled",
        "visible",
        "evaluable",
        "request_count",
        "requests",
        "findings",
        "row_count",
        "rows",
        "cluster",
        "status",
        "disposition",
        "assignee",
    ]
    assert made["first_time"] == "2026-11-25T10:00:00.000001Z"
    assert made["attack"][0]["name"] == "Deploy Container"
    assert made["requests"][0]["source"].endswith("a.log:1")


def _plain(finding: object) -> object:
    made = to_record(finding)  # type: ignore[arg-type]
    for request in made["requests"]:
        request.pop("source")
    return made
