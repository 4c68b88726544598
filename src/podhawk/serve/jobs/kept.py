"""What the state knows of jobs: when each scheduled search ran last, and how far each backfill has come. Both are
written in the transaction of what the job finds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.store.database import open_engine, reading, transaction
from podhawk.store.rows import insert
from podhawk.store.schema import DETECTIONS

METADATA: Final = sql.MetaData()
SCHEDULED: Final = sql.Table(
    "podhawk_serve_scheduled",
    METADATA,
    sql.Column("detection_id", sql.String(255), primary_key=True),
    sql.Column("last_run", sql.Float, nullable=False),
    sql.Column("attempts", sql.Integer, nullable=False),
)
BACKFILLS: Final = sql.Table(
    "podhawk_serve_backfills",
    METADATA,
    sql.Column("detection_id", sql.String(255), primary_key=True),
    sql.Column("digest", sql.String(32), nullable=False),
    sql.Column("first", sql.Integer, nullable=False),
    sql.Column("line", sql.Integer, nullable=False),
    sql.Column("attempts", sql.Integer, nullable=False),
    sql.Column("ended", sql.Float),
)
MOST_ATTEMPTS: Final = 3
"""Attempts without progress after which a job is given up: it ends its process, or takes too long."""


class Backfill(Struct, frozen=True):
    """A backfill: of which detection, and how far it has come. `first` is the number of the first body of the file of
    the lake that was read last, `line` how many of its lines were read."""

    detection_id: str
    digest: str
    first: int = 0
    line: int = 0
    attempts: int = 0


def make_job_tables(state: str) -> None:
    """Make the tables of this module in a state."""
    with transaction(open_engine(state)) as connection:
        METADATA.create_all(connection)


def last_runs(state: str) -> Mapping[str, tuple[float, int]]:
    """When each scheduled search ran last, and how often it was begun since without an end."""
    with reading(state) as connection:
        if connection is None or not sql.inspect(connection).has_table(SCHEDULED.name):
            return {}
        return {row[0]: (row[1], row[2]) for row in connection.execute(sql.select(SCHEDULED))}


def note_run(connection: Connection, detection_id: str, last_run: float, attempts: int = 0) -> None:
    """Write down that a scheduled search ran, or is begun."""
    statement = insert(connection, SCHEDULED).values(detection_id=detection_id, last_run=last_run, attempts=attempts)
    changed = {"last_run": statement.excluded.last_run, "attempts": statement.excluded.attempts}
    connection.execute(statement.on_conflict_do_update(index_elements=["detection_id"], set_=changed))


def pending(state: str) -> list[Backfill]:
    """The backfills that are to be done: of detections that came later than others or have changed, and have not been
    read over the lake since, as they are now. Those that have left the content are none. A state without any event
    of interest says of no detection that it came later; so whatever is not among those that are known counts too."""
    with reading(state) as connection:
        if connection is None or not sql.inspect(connection).has_table(BACKFILLS.name):
            return []
        known = {row.detection_id: row for row in connection.execute(sql.select(BACKFILLS))}
        found = []
        for row in connection.execute(
            sql.select(DETECTIONS).where(DETECTIONS.c.detection_id != "", ~DETECTIONS.c.retired)
        ):
            one = known.get(row.detection_id)
            if one is None or one.digest != row.digest:
                if known or row.since:
                    found.append(Backfill(row.detection_id, row.digest))
            elif one.ended is None and one.attempts < MOST_ATTEMPTS:
                found.append(Backfill(one.detection_id, one.digest, one.first, one.line, one.attempts))
        return found


def given_up(state: str) -> list[Backfill]:
    """The backfills that are not tried again and have not been noted as ended."""
    query = sql.select(BACKFILLS).where(BACKFILLS.c.ended.is_(None), BACKFILLS.c.attempts >= MOST_ATTEMPTS)
    with transaction(open_engine(state), alone=False) as connection:
        found = connection.execute(query).fetchall()
    return [Backfill(one.detection_id, one.digest, one.first, one.line, one.attempts) for one in found]


def note_known(state: str) -> None:
    """The first time, take the detections that have been there from the first event on for known."""
    with transaction(open_engine(state)) as connection:
        if connection.execute(sql.select(sql.func.count()).select_from(BACKFILLS)).scalar():
            return
        query = sql.select(DETECTIONS).where(DETECTIONS.c.detection_id != "", DETECTIONS.c.since == 0.0)
        for row in connection.execute(query).fetchall():
            statement = insert(connection, BACKFILLS).values(
                detection_id=row.detection_id, digest=row.digest, first=0, line=0, attempts=0, ended=time.time()
            )
            connection.execute(statement.on_conflict_do_nothing())


def note_backfill(connection: Connection, one: Backfill, ended: float | None = None) -> None:
    """Write down how far a backfill has come."""
    values = {"digest": one.digest, "first": one.first, "line": one.line, "attempts": one.attempts, "ended": ended}
    statement = insert(connection, BACKFILLS).values(detection_id=one.detection_id, **values)
    changed = {name: getattr(statement.excluded, name) for name in values}
    connection.execute(statement.on_conflict_do_update(index_elements=["detection_id"], set_=changed))


def note_since(connection: Connection, detection_id: str, since: float) -> None:
    """Write down from which time of events on a detection has been evaluated."""
    table = DETECTIONS
    earlier = (table.c.detection_id == detection_id) & (table.c.since > since)
    connection.execute(table.update().where(earlier).values(since=since))
