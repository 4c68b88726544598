"""An increment is evaluated while others may write to the state, and evaluated again if somebody has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from podhawk import api
from podhawk.detect.findings import TRIES
from podhawk.store.state import SqlState
from podhawk.store.triage import Triage, set_triage
from store.test_increments import pieces, told
from support.findings import NOW, run, write
from support.histories import DETECTIONS
from support.states import NewState, at_statement

_EVALUATES = "SELECT podhawk_detections.detection_id, podhawk_detections.digest"
"""How a statement begins that an increment asks while it is evaluated, once."""


@contextmanager
def while_evaluating(act: Callable[[], object], times: int) -> Iterator[list[int]]:
    """Act while increments are evaluated, so many times at most; gives how many were begun."""
    begun = [0]
    acting = False

    def once() -> None:
        nonlocal acting
        if acting:
            return
        begun[0] += 1
        if begun[0] <= times:
            acting = True
            act()
            acting = False

    with at_statement(_EVALUATES, once):
        yield begun


@pytest.mark.parametrize("times", [1, TRIES])
def test_another_run_while_an_increment_is_evaluated(times: int, tmp_path: Path, new_state: NewState) -> None:
    state, parts = new_state(), pieces(911, 2 + times)
    logs = [write(tmp_path / f"{number}.log", *part) for number, part in enumerate(parts)]
    run(logs[0], *DETECTIONS, state=state)
    others = iter(logs[2:])
    with while_evaluating(lambda: run(next(others), *DETECTIONS, state=state), times) as begun:
        run(logs[1], *DETECTIONS, state=state)
    assert begun[0] == times + 1
    assert next(others, None) is None
    assert told(SqlState(state).known()) == told(run(logs, *DETECTIONS))


def test_triage_and_readers_waited_for_an_evaluation(tmp_path: Path, new_state: NewState) -> None:
    state, parts = new_state(), pieces(912)
    logs = [write(tmp_path / f"{number}.log", *part) for number, part in enumerate(parts)]
    first = next(one for one in run(logs[0], *DETECTIONS, state=state) if one.kind != "incident")
    statuses = []

    def works() -> None:
        set_triage(state, first.finding_id, Triage(status="in_progress"))
        search = f'| from datamodel:Findings.All_Findings | where finding_id="{first.finding_id}" | table status'
        statuses.append([row["status"] for row in api.search(search, state=state, now=NOW)])

    with while_evaluating(works, 1) as begun:
        run(logs[1], *DETECTIONS, state=state)
    assert statuses == [["in_progress"]]
    assert begun[0] == 1, "triage repeats no evaluation"
    assert told(SqlState(state).known()) == told(run(logs, *DETECTIONS))
