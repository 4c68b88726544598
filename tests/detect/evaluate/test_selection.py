"""Which searches want a kept event: few are asked, and the answer is that of all."""

from __future__ import annotations

from pathlib import Path

from podhawk.content.load import load_content, shipped_pack
from podhawk.detect.evaluate.evaluation import Evaluation
from podhawk.detect.evaluate.prepare import prepare
from podhawk.detect.evaluate.selection import SearchSelection
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.read import read_events
from support.findings import event, write
from support.histories import History
from support.sessions import session_with

ODD = (
    event("o1", verb="Create"),
    event("o2", verb=""),
    event("o3", verb=["create"]),
    event("o4", objectRef="pods"),
    event("o5", **{"objectRef.resource": "secrets", "verb": "get"}),
    event("o6", user={"username": None}),
)


def test_the_searches_that_want_an_event_are_those_whose_clause_it_matches(tmp_path: Path) -> None:
    content, session = load_content([shipped_pack()]), session_with()
    prepared = [prepare(one, content, session, session.lookups(content)) for one in content.detections]
    searches = [Evaluation(one) for one in prepared if one.request is not None]
    selection = SearchSelection(searches)
    log = write(tmp_path / "a.log", *History(1).events(60), *ODD)
    wanted = 0
    for one in read_events([str(log)], ReadOptions(), InputReport()):
        expected = [number for number, each in enumerate(searches) if each.wants(one)]
        wanted += len(expected)
        assert selection.of(one) == expected
        assert selection.of(one, {0, 3, 8}) == [number for number in expected if number in {0, 3, 8}]
    assert wanted > 60
