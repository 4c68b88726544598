"""How much detections find, and what exceptions hide, from the narrow table of the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sql
from msgspec import Struct

from podhawk.serve.console.queue_index import QUEUE
from podhawk.store.database import reading

_C = QUEUE.c


class DetectionVolume(Struct, frozen=True):
    """How many findings of a detection are known, how many of them are visible, and when the last one was, in epoch
    seconds."""

    total: int = 0
    visible: int = 0
    last: float = 0.0


def volumes(state: str, clusters: Sequence[str]) -> Mapping[str, DetectionVolume]:
    """The volume of each detection, by its key. One pass over an index that has all that is needed."""
    query = sql.select(_C.detection_id, sql.func.count(), sql.func.sum(_C.shown), sql.func.max(_C.last_time))
    rows = _rows(state, query.where(_seen(clusters)).group_by(_C.detection_id))
    return {key: DetectionVolume(total, visible or 0, last or 0.0) for key, total, visible, last in rows}


def hidden_by_exception(state: str, clusters: Sequence[str]) -> Mapping[str, int]:
    """How many findings each exception hides, by its name."""
    hidden = sql.and_(_C.shown == 0, _C.hidden_by == "exception", _seen(clusters))
    return dict(_rows(state, sql.select(_C.hiding, sql.func.count()).where(hidden).group_by(_C.hiding)))


def _seen(clusters: Sequence[str]) -> sql.ColumnElement[bool]:
    return sql.true() if "*" in clusters else _C.cluster.in_(clusters)


def _rows(state: str, query: Any) -> list[Any]:
    with reading(state) as connection:
        if connection is None or not sql.inspect(connection).has_table(QUEUE.name):
            return []
        return [tuple(row) for row in connection.execute(query)]
