"""Which clusters are being imported: old logs are pointed at the service, and nobody is to be woken by them.

A cluster whose first events are more than a day old is imported until an event comes that is less than an hour old;
from then on it never is again. Only who sends the log of a cluster from its beginning can make it look so, and findings
are the same in either case. An attacker who delays the log of a cluster that has sent in time, or delays that of a new
one by hours, changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from podhawk.events.time import parse_rfc3339
from podhawk.serve.changes import METADATA
from podhawk.store.keys import column_text
from podhawk.store.rows import insert

CLUSTERS: Final = sql.Table(
    "podhawk_serve_clusters",
    METADATA,
    sql.Column("cluster", sql.String(255), primary_key=True),
    sql.Column("imported", sql.Boolean, nullable=False),
)
OLD: Final = 86400.0
"""Seconds: the age of the newest event that came first of an imported cluster, at least."""
CURRENT: Final = 3600.0
"""Seconds: the age of an event that ends an import."""
_STAGE_TIME: Final = re.compile(rb'"stageTimestamp"\s*:\s*"([^"\\]{20,40})"')


class ImportWatch:
    """Watches the events of each cluster until it is not imported any more."""

    def __init__(self) -> None:
        self._current: set[str] = set()

    def observe(self, connection: Connection, cluster: str, text: bytes, received: Sequence[tuple[float, int]]) -> None:
        """Look at the lines of an increment, in its transaction. `received` is when they came."""
        key = column_text(cluster, 255)
        if key in self._current or not received:
            return
        times = map(parse_rfc3339, {one.decode("ascii", "replace") for one in _STAGE_TIME.findall(text)})
        newest = max((one for one in times if one is not None), default=0.0)
        if not newest:
            return
        age = max(moment for moment, _ in received) - newest
        row = connection.execute(sql.select(CLUSTERS.c.imported).where(CLUSTERS.c.cluster == key)).first()
        if row is None:
            first = insert(connection, CLUSTERS).values(cluster=key, imported=age > OLD)
            connection.execute(first.on_conflict_do_nothing())
        elif not row.imported:
            self._current.add(key)  # what was committed before, so this holds whatever becomes of this increment
        elif age <= CURRENT:
            connection.execute(CLUSTERS.update().where(CLUSTERS.c.cluster == key).values(imported=False))


def imported_clusters(connection: Connection) -> set[str]:
    """The clusters that are being imported."""
    return set(connection.execute(sql.select(CLUSTERS.c.cluster).where(CLUSTERS.c.imported)).scalars())
