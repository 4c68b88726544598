"""The data models Risk and Findings of a state, for searches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sql

from podhawk.detect.report.finding_json import epoch_seconds
from podhawk.detect.risk.dataset import REQUEST
from podhawk.rows import OrderKey, Row
from podhawk.store.database import reading
from podhawk.store.intact import finding_record, risk_record
from podhawk.store.schema import FINDINGS, RISK
from podhawk.store.triage import Triage, triage_of


class SqlDatasets:
    """What runs have written to a state; read anew for each search."""

    def __init__(self, state: str) -> None:
        self._state = state

    def rows(self, model: str, dataset: str) -> Iterable[Row]:
        """The rows of a dataset, newest first."""
        return list(self._risk() if model == "Risk" else self._findings(dataset == "Incidents"))

    def _risk(self) -> Iterator[Row]:
        query = sql.select(RISK.c.finding_id, RISK.c.record).order_by(
            RISK.c.time.desc(), RISK.c.finding_id, RISK.c.object
        )
        with reading(self._state) as connection:
            found = [risk_record(*row) for row in connection.execute(query)] if connection is not None else []
        for number, cells in enumerate(found):
            cells.pop(REQUEST, None)
            yield _row(cells, float(cells["_time"]), number)

    def _findings(self, incidents: bool) -> Iterator[Row]:
        query = sql.select(FINDINGS.c.finding_id, FINDINGS.c.record).order_by(
            FINDINGS.c.first_time.desc(), FINDINGS.c.finding_id
        )
        if incidents:
            query = query.where(FINDINGS.c.kind == "incident")
        with reading(self._state) as connection:
            found = [finding_record(*row) for row in connection.execute(query)] if connection is not None else []
            triages = triage_of(connection) if connection is not None else {}
        for number, one in enumerate(found):
            triage = triages.get(one["finding_id"], Triage())
            one |= {
                "status": triage.status,
                "disposition": triage.disposition,
                "assignee": triage.assignee,
                "note": triage.note,
            }
            time = epoch_seconds(one["first_time"])
            cells = {
                "_time": f"{time:.6f}",
                "index": "notable" if one["kind"] == "incident" else "findings",
                "source": one["detection"]["name"],
                **flattened(one),
            }
            cells.pop("rows", None)
            yield _row(cells, time, number)


def _row(cells: Mapping[str, Any], time: float, number: int) -> Row:
    return Row(
        {name: tuple(cell) if isinstance(cell, list) else cell for name, cell in cells.items() if cell != []},
        OrderKey(-time, 0.0, (number,)),
    )


def flattened(value: Any, name: str = "") -> dict[str, Any]:
    """Plain data under dotted names, as JSON becomes fields: lists of plain values are multivalue fields."""
    if isinstance(value, dict):
        return {
            inner: cell
            for key, item in value.items()
            for inner, cell in flattened(item, f"{name}.{key}" if name else key).items()
        }
    if isinstance(value, list):
        if value and all(isinstance(item, dict) for item in value):
            found: dict[str, list[str]] = {}
            for item in value:
                for inner, cell in flattened(item, f"{name}{{}}").items():
                    found.setdefault(inner, []).extend(cell if isinstance(cell, list) else [cell])
            return {inner: cells[0] if len(cells) == 1 else cells for inner, cells in found.items()}
        texts = [_text(item) for item in value if item is not None]
        return {name: texts[0] if len(texts) == 1 else texts} if texts else {}
    return {name: _text(value)} if value is not None and value != "" else {}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
