"""What a run says nothing of stays: findings of other detections, triage, whatever became of an id."""

from __future__ import annotations

from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.model import Deployment
from podhawk.errors import UsageError
from podhawk.store.triage import Triage, set_triage
from support.findings import NOW, detection, event, run, write
from support.states import DETECTIONS, MANY, NewState, known, plain


def test_findings_of_detections_that_a_run_leaves_out_stay(tmp_path: Path, new_state: NewState) -> None:
    """They were deleted, with their risk."""
    state = new_state()
    deleting = detection("verb=delete | stats count by user.username", name="Deletes", id="3")
    log = write(tmp_path / "a.log", event("a"), event("b", verb="delete", at="10:01:00.0"))
    run(log, DETECTIONS[0], deleting, state=state)
    run(log, deleting, state=state)
    run(write(tmp_path / "none.log", event("c", verb="get")), detection("verb=patch", id="4"), state=state)
    assert sorted(known(state)) == ["Deletes", "Test Detection"]
    risk = api.search("| from datamodel Risk.All_Risk | stats sum(calculated_risk_score) as risk", state=state, now=NOW)
    assert list(risk) == [{"risk": "98"}]


def test_a_finding_that_is_no_more_goes(tmp_path: Path, new_state: NewState) -> None:
    state, log = new_state(), write(tmp_path / "a.log", event())
    run(log, DETECTIONS[0], state=state)
    run(log, detection("verb=create objectRef.resource=secrets"), state=state)
    assert known(state) == []


def test_findings_over_the_whole_input_of_one_run_stay_in_the_next(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    both = detection("verb=create | stats count by user.username | append [search verb=x | table user.username]")
    run(write(tmp_path / "a.log", event("a")), both, state=state)
    run(write(tmp_path / "b.log", event("b", user={"username": "bob"})), both, state=state)
    assert sorted(known(state, "title")) == ["alice did it", "bob did it"]


def test_incidents_count_what_runs_of_other_detections_found(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    made = [detection(f"verb={verb} | table user.username", name=verb, id=verb) for verb in ("create", "delete")]
    log = write(
        tmp_path / "a.log",
        *(
            event(f"{verb}{number}", verb=verb, at=f"10:0{number}:00.0")
            for verb in ("create", "delete")
            for number in range(2)
        ),
    )
    assert [one.kind for one in run(log, made[0], state=state)] == ["intermediate"] * 2
    (incident,) = (one for one in run(log, made[1], state=state) if one.kind == "incident")
    assert (incident.risk_score, incident.request_count) == (196, 4)
    (again,) = (one for one in run(log, made[0], state=state) if one.kind == "incident")
    assert (again.finding_id, again.revision) == (incident.finding_id, 1)
    assert plain(run(log, *made, state=state)) == plain(run(log, *made))


def test_the_id_of_an_episode_that_joins_an_earlier_one_leads_to_that(tmp_path: Path, new_state: NewState) -> None:
    state = new_state()
    bursts = [event(f"r{number}", at=f"{8 + 2 * (number // 4):02}:0{number % 4}:00.0") for number in range(8)]
    between = [event(f"b{number}", at=f"09:{10 * number:02}:00.0") for number in range(6)]
    many = detection(MANY, name="Many", id="2", deployment=Deployment("d", earliest_time="-60m@m", latest_time="now"))
    first, second = run(write(tmp_path / "bursts.log", *bursts), many, state=state)
    set_triage(state, second.finding_id, Triage("closed", "benign", "carol", 1.0))
    (joined,) = run(write(tmp_path / "between.log", *between), many, state=state)
    assert (joined.finding_id, joined.replaces, joined.revision) == (first.finding_id, (second.finding_id,), 2)
    (said,) = api.search(
        "| from datamodel:Findings | table finding_id status disposition assignee", state=state, now=NOW
    )
    assert said == {"finding_id": first.finding_id, "status": "closed", "disposition": "benign", "assignee": "carol"}
    assert set_triage(state, second.finding_id, Triage("resolved", changed=2.0)) == first.finding_id
    assert known(state, "status") == ["resolved"]


@pytest.mark.parametrize(("id_", "status"), [("nobody", "closed"), (None, "clsed")])
def test_triage_of_what_is_not_there_is_refused(
    tmp_path: Path, new_state: NewState, id_: str | None, status: str
) -> None:
    state = new_state()
    (finding,) = run(write(tmp_path / "a.log", event()), DETECTIONS[0], state=state)
    with pytest.raises(UsageError):
        set_triage(state, id_ or finding.finding_id, Triage(status))


def test_stages_are_told_alike_however_a_log_was_cut(tmp_path: Path, new_state: NewState) -> None:
    """A state showed stages that no search wants, where they stood in a piece without the request's end."""
    one = detection("verb=create stage!=RequestReceived | table user.username")
    stages = [event("a", stage="RequestReceived"), event("a", stage="ResponseStarted", after=0.001), event("a")]
    state = new_state()
    for number, cut in enumerate((stages[:2], stages[2:])):
        pieces = run(write(tmp_path / f"{number}.log", *cut), one, state=state)
    whole = run(write(tmp_path / "whole.log", *stages), one)
    told = ("ResponseStarted", "ResponseComplete")
    assert [finding.requests[0].stages for finding in (*pieces, *whole)] == [told] * 2
