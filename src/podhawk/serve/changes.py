"""The table of changes: what became of findings, in the order in which it was committed.

A row is written in the transaction that writes the finding, so the table tells neither too much nor too little, and a
reader that knows the number of the last row it saw goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sql
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from podhawk.detect.finding import Finding
from podhawk.detect.increment.state import Written
from podhawk.serve.shadow import SHADOW_OWNER
from podhawk.store.database import open_engine, reading, transaction
from podhawk.store.keys import column_text

METADATA: Final = sql.MetaData()
CHANGES: Final = sql.Table(
    "podhawk_serve_changes",
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("cluster", sql.String(255), nullable=False),
    sql.Column("data", sql.LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
KEPT: Final = 100_000
"""Rows that are kept. Who was away for longer reads all findings again."""
SINKS: Final = sql.Table(
    "podhawk_serve_sinks",
    METADATA,
    sql.Column("name", sql.String(63), primary_key=True),
    sql.Column("cursor", sql.Integer, nullable=False),
    sql.Column("data", sql.LargeBinary, nullable=False),
)
"""How far each sink has read this table; see `podhawk.serve.sinks.kept`."""
KEPT_FOR_SINKS: Final = 1_000_000
"""Rows that are kept at most while a sink has not read them."""


class LoggedChange(Struct, frozen=True, omit_defaults=True):
    """What became of a finding: new, revised, gone, or triage. `rose` says that it calls for attention: it is new,
    newly visible, or of a higher severity or priority than before. Of one that is gone only the ids are known.
    `backfill` says that it was found by a backfill over the lake."""

    change: str
    finding_id: str
    time: float
    cluster: str
    kind: str | UnsetType = UNSET
    detection: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    severity: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    visible: bool | UnsetType = UNSET
    shadow: bool | UnsetType = UNSET
    rose: bool | UnsetType = UNSET
    status: str | UnsetType = UNSET
    backfill: bool = False


class NumberedChange(Struct, frozen=True):
    """A change and its number."""

    id: int
    change: LoggedChange


def make_tables(state: str) -> None:
    """Make the table in a state."""
    with transaction(open_engine(state)) as connection:
        METADATA.create_all(connection)


def change_of(kind: str, one: Finding, now: float, *, rose: bool = True) -> LoggedChange:
    """A change of a finding."""
    return LoggedChange(
        kind,
        one.finding_id,
        now,
        one.cluster,
        one.kind,
        one.detection.name,
        one.title,
        one.severity,
        one.priority,
        one.visible,
        one.suppressed_by is not None and one.suppressed_by.owner == SHADOW_OWNER,
        rose,
    )


def changes_of(written: Iterable[Written], now: float, *, backfill: bool = False) -> list[LoggedChange]:
    """What was written, as changes."""
    found = []
    for some in written:
        for match in some.matches:
            change = some.changes.get(match.finding.finding_id)
            if change is not None:
                found.append(change_of(change.kind, match.finding, now, rose=change.rose))
        found += [gone(record, now) for record in some.gone]
    return [replace(one, backfill=True) for one in found] if backfill else found


def gone(record: Mapping[str, Any], now: float) -> LoggedChange:
    """A finding that is no more."""
    return LoggedChange("gone", record["finding_id"], now, record["cluster"])


def put(connection: Connection, changes: Sequence[LoggedChange]) -> None:
    """Add changes, within the transaction that makes them."""
    if not changes:
        return
    rows = [{"cluster": column_text(one.cluster, 255), "data": msgspec.json.encode(one)} for one in changes]
    connection.execute(CHANGES.insert(), rows)
    last = connection.execute(sql.select(sql.func.max(CHANGES.c.number))).scalar() or 0
    unread = connection.execute(sql.select(sql.func.min(SINKS.c.cursor))).scalar()
    end = last - KEPT if unread is None else min(last - KEPT, max(unread, last - KEPT_FOR_SINKS))
    connection.execute(CHANGES.delete().where(CHANGES.c.number <= end))


def put_triage(state: str, finding_id: str, cluster: str, status: str) -> None:
    """Add the change of a triage."""
    with transaction(open_engine(state)) as connection:
        put(connection, [LoggedChange("triage", finding_id, time.time(), cluster, status=status)])


class Changes(Struct, frozen=True):
    """Changes after a number. `missed` says that some after it are not kept any more; `last` is the number to go on
    from."""

    changes: list[NumberedChange]
    last: int
    missed: bool = False


def changes_after(state: str, after: int | None, clusters: Sequence[str], limit: int) -> Changes:
    """The changes of clusters (`*` for all) after a number; None for those that come from now on."""
    with reading(state) as connection:
        if connection is None or not sql.inspect(connection).has_table(CHANGES.name):
            return Changes([], after or 0)
        bounds = sql.select(sql.func.min(CHANGES.c.number), sql.func.max(CHANGES.c.number))
        first, newest = connection.execute(bounds).one()
        if newest is None or after is None or after > newest:
            return Changes([], newest or 0, missed=after is not None and after > (newest or 0))
        query = sql.select(CHANGES.c.number, CHANGES.c.data).where(CHANGES.c.number > after)
        if "*" not in clusters:
            query = query.where(CHANGES.c.cluster.in_(clusters))
        rows = list(connection.execute(query.order_by(CHANGES.c.number).limit(limit)))
    found = [NumberedChange(number, msgspec.json.decode(data, type=LoggedChange)) for number, data in rows]
    last = found[-1].id if len(found) == limit else newest
    return Changes(found, last, missed=after + 1 < first)
