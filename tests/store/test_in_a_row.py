"""Increments in a row: what one costs does not follow what is kept."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median

import pytest

from store.test_exceptions_beside import counted
from support.findings import event, run, write
from support.histories import DETECTIONS

INCREMENTS = 1_000 if os.environ.get("PODHAWK_EFFORT") == "full" else 40


@pytest.mark.slow
def test_many_increments_in_a_row(tmp_path: Path) -> None:
    costs = []
    for number in range(INCREMENTS):
        user = {"username": f"user{number}", "groups": ["system:authenticated"]}
        second = number * 60
        at = f"{second // 3600:02}:{second // 60 % 60:02}:00.0"
        made = [
            event(f"e{number}.{each}", at=at, user=user, verb=verb, objectRef={"resource": "pods", "namespace": "shop"})
            for each, verb in enumerate(("create", "create", "create", "create", "delete", "get"))
        ]
        with counted() as steps:
            run(write(tmp_path / "piece.log", *made), *DETECTIONS, state=str(tmp_path / "state"))
        costs.append(steps[0])
    part = INCREMENTS // 4
    assert median(costs[-part:]) < 1.3 * median(costs[part : 2 * part]), costs
