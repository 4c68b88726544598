"""What is remembered of an event gives, for the next, what the search would have given."""

from __future__ import annotations

from pathlib import Path

import pytest

from detect.test_corpora import _plain, content
from podhawk import api
from podhawk.commands.context import Context
from podhawk.detect.evaluate.entities import risk_objects, threat_objects
from podhawk.detect.evaluate.evaluation import Evaluation, shown
from podhawk.detect.evaluate.prepare import prepare
from podhawk.detect.evaluate.row_template import identities
from podhawk.detect.evaluate.titles import title_of, with_outcome
from podhawk.engine.options import EngineOptions
from podhawk.engine.plan.planner import make_plan, read_search
from support.findings import detection, event, run, write
from support.sessions import session_with

HANDS = "verb=create | fillnull | stats count by auditID requestReceivedTimestamp user.username | rename auditID as id"


@pytest.mark.parametrize(
    ("search", "names"),
    [
        (HANDS, {"auditID", "requestReceivedTimestamp"}),
        ("verb=create | stats values(auditID) as ids by user.username", {"auditID"}),
        ("verb=create | table user.username", set()),
        ("auditID=a* | table auditID", None),
        ('verb=create | eval x=auditID."!" | table x', None),
        ('verb=create | rename auditID as id | where id!="a" | table id', None),
        ("verb=create | stats dc(auditID) as n by verb", None),
        ("verb=create | stats max(_time) as t by verb", None),
        ("verb=create", None),
        ("verb=create word | table verb", None),
    ],
)
def test_only_searches_that_hand_the_identity_through_are_remembered(search: str, names: set[str] | None) -> None:
    assert identities(make_plan(read_search(search, {}), Context())) == (None if names is None else frozenset(names))


def test_each_request_gets_its_own_identity_back(tmp_path: Path) -> None:
    log = write(tmp_path / "a.log", *(event(f"r{number}", at=f"10:00:{number:02}.000001") for number in range(5)))
    found = list(run(log, detection(HANDS, message="$user.username$ $id$")))
    rows = [one.rows[0] for one in found if one.kind != "incident"]
    assert [row["id"] for row in rows] == [f"r{number}" for number in range(5)]
    assert [row["requestReceivedTimestamp"][17:19] for row in rows] == [f"{number:02}" for number in range(5)]
    assert [one.title for one in found if one.kind != "incident"] == [f"alice r{number}" for number in range(5)]


@pytest.mark.parametrize("message", ["$user.username$ did it", "$auditID$", "$sourceIPs{}$"])
def test_what_no_row_has_came_from_the_first_event_that_looked_alike(message: str, tmp_path: Path) -> None:
    """The address of another request was named as where the threat came from."""
    log = write(
        tmp_path / "a.log",
        *(event(f"r{number}", at=f"10:00:0{number}.0", sourceIPs=[f"10.0.0.{number % 3}"]) for number in range(6)),
    )
    found = [
        one
        for one in run(log, detection("verb=create | table user.username", message=message))
        if one.kind != "incident"
    ]
    addresses = [f"10.0.0.{number % 3}" for number in range(6)]
    assert [one.threat_objects[0].value for one in found] == addresses
    titles = {"$auditID$": [f"r{number}" for number in range(6)], "$sourceIPs{}$": addresses}
    assert [one.title for one in found] == titles.get(message, ["alice did it"] * 6)


@pytest.mark.parametrize("which", ["published", "pack"])
@pytest.mark.parametrize("corpus", ["A-metadata", "D-background-1"])
def test_remembering_changes_no_finding(shared: Path, which: str, corpus: str) -> None:
    loaded, chosen = content(which, shared)
    path = shared / "audit" / "corpus" / f"{corpus}.log.gz"
    around = session_with(now="2026-11-25T12:00:00Z")
    found = api.run(loaded, path, detections=chosen, session=around)
    # Each event decoded by itself, and each row made.
    plainly = session_with(EngineOptions(row_filters=False), line_templates=0, now="2026-11-25T12:00:00Z")
    assert [_plain(one) for one in api.run(loaded, path, detections=chosen, session=plainly)] == [
        _plain(one) for one in found
    ]
    evaluations: dict[str, Evaluation] = {}
    for match in found.found.matches:
        finding = match.finding
        if found.found.kinds.get(finding.detection.name) != "request":
            continue
        if finding.detection.name not in evaluations:
            prepared = prepare(finding.detection, loaded, around, around.lookups(loaded))
            evaluations[finding.detection.name] = Evaluation(prepared)
        evaluation = evaluations[finding.detection.name]
        events = [event for event in match.requests[0].events if evaluation.wants(event)]
        table = evaluation.rows(events)  # what the search gives, with nothing remembered
        fields = evaluation.fields(table.rows, events)
        assert (finding.row_count, list(finding.rows)) == (len(table), [shown(row, table) for row in table.rows[:50]])
        assert finding.title == with_outcome(title_of(finding.detection, fields), finding.outcome)
        assert finding.risk_objects == risk_objects(finding.detection, fields)
        assert finding.threat_objects == threat_objects(finding.detection, fields)
    assert evaluations
