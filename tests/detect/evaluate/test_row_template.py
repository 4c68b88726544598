"""What is remembered of an event gives, for the next, what the search would have given."""

from __future__ import annotations

from pathlib import Path

import pytest

from detect.test_corpora import _plain, content
from podhawk import api
from podhawk.commands.context import Context
from podhawk.detect.evaluate.evaluation import Evaluation
from podhawk.detect.evaluate.row_template import identities
from podhawk.engine.fastpath import dispatch as serving
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.events import kept
from support.findings import detection, event, run, write

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


@pytest.mark.parametrize("which", ["published", "pack"])
@pytest.mark.parametrize("corpus", ["A-metadata", "D-background-1"])
def test_remembering_changes_no_finding(shared: Path, monkeypatch: pytest.MonkeyPatch, which: str, corpus: str) -> None:
    loaded, chosen = content(which, shared)
    path = shared / "audit" / "corpus" / f"{corpus}.log.gz"

    def found() -> list[dict[str, object]]:
        return [_plain(one) for one in api.run(loaded, path, detections=chosen, now="2026-11-25T12:00:00Z", jobs=1)]

    with_memory = found()
    before = Evaluation.__init__

    def forgetful(self: Evaluation, *arguments: object) -> None:
        before(self, *arguments)  # type: ignore[arg-type]
        self._identities = None

    with monkeypatch.context() as patched:
        patched.setattr(Evaluation, "__init__", forgetful)
        assert found() == with_memory
    monkeypatch.setattr(kept, "split", lambda text: None)  # each event is decoded by itself
    monkeypatch.setattr(serving, "gate_of", lambda *about: None)  # and no filter asked beforehand
    assert found() == with_memory
