"""Detections and questions for tests of states."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Engine

from podhawk import api
from podhawk.detect.report.finding_json import to_record
from support.findings import NOW, detection, event, received

NewState = Callable[[], str]
PODS = "verb=create objectRef.resource=pods | stats count by user.username stage"
MANY = "verb=create | stats count by user.username | where count > 3"
DETECTIONS = (detection(PODS), detection(MANY, name="Many", id="2"))


def requests(count: int) -> list[dict[str, Any]]:
    return [
        made(
            f"r{number}", at=f"10:{number:02}:00.000001", user={"username": f"user{number % 3}", "groups": ["g1", "g2"]}
        )
        for number in range(count)
        for made in (received, event)
    ]


@contextmanager
def at_statement(start: str, act: Callable[[], object]) -> Iterator[None]:
    """Act when the database is about to run a statement that starts so."""

    def before(connection: Any, cursor: Any, statement: str, *more: object) -> None:
        if statement.startswith(start):
            act()

    sql.event.listen(Engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        sql.event.remove(Engine, "before_cursor_execute", before)


def plain(findings: Any) -> list[dict[str, Any]]:
    """Findings without what depends on how often they were seen."""
    found = [to_record(one) for one in findings]
    for one in found:
        for request in one["requests"]:
            request.pop("source")
        for name in ("revision", "replaces"):
            one.pop(name)
    return found


def risk_of(state: str) -> list[str]:
    """The points of all risk events of a state."""
    rows = api.search(
        "| from datamodel Risk.All_Risk | sort finding_id | table calculated_risk_score", state=state, now=NOW
    )
    return [str(row["calculated_risk_score"]) for row in rows]


def known(state: str, columns: str = "source", where: str = "*") -> list[Any]:
    """What a state knows of findings, incidents left out."""
    rows = api.search(
        f"| from datamodel:Findings.All_Findings | search {where} NOT kind=incident | sort finding_id "
        f"| table {columns}",
        state=state,
        now=NOW,
    )
    return [row.get(columns, row) for row in rows]
