"""The tables of the SQL database, and the migrations that lead to them.

A migration is a function that changes the schema by one version, in a transaction; the list only ever grows. The same
tables serve SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from podhawk.errors import StoreError
from podhawk.store.intact import kept_event
from podhawk.store.keys import chunks, column_text

METADATA: Final = sql.MetaData()

VERSION: Final = sql.Table("podhawk_schema", METADATA, sql.Column("version", sql.Integer, nullable=False))

EVENTS: Final = sql.Table(
    "podhawk_events",
    METADATA,
    sql.Column("fingerprint", sql.String(64), primary_key=True),
    sql.Column("time", sql.Float, nullable=False, index=True),
    sql.Column("data", sql.LargeBinary, nullable=False),
    sql.Column("cluster", sql.String(255), nullable=False, server_default="", index=True),
)

FINDINGS: Final = sql.Table(
    "podhawk_findings",
    METADATA,
    sql.Column("finding_id", sql.String(64), primary_key=True),
    sql.Column("detection_id", sql.String(255), nullable=False, index=True),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("first_time", sql.Float, nullable=False, index=True),
    sql.Column("visible", sql.Boolean, nullable=False),
    sql.Column("priority", sql.Integer, nullable=False),
    sql.Column("revision", sql.Integer, nullable=False),
    sql.Column("record", sql.Text, nullable=False),
    sql.Column("masked", sql.Boolean, nullable=False, server_default=sql.false()),
)

ALIASES: Final = sql.Table(
    "podhawk_aliases",
    METADATA,
    sql.Column("old_id", sql.String(64), primary_key=True),
    sql.Column("finding_id", sql.String(64), nullable=False, index=True),
)

RISK: Final = sql.Table(
    "podhawk_risk",
    METADATA,
    sql.Column("finding_id", sql.String(64), primary_key=True),
    sql.Column("object_type", sql.String(32), primary_key=True),
    sql.Column("object", sql.String(1024), primary_key=True),
    sql.Column("time", sql.Float, nullable=False, index=True),
    sql.Column("applied", sql.Float, nullable=False),
    sql.Column("record", sql.Text, nullable=False),
)

TRIAGE: Final = sql.Table(
    "podhawk_triage",
    METADATA,
    sql.Column("finding_id", sql.String(64), primary_key=True),
    sql.Column("status", sql.String(32), nullable=False),
    sql.Column("disposition", sql.String(64)),
    sql.Column("assignee", sql.String(255)),
    sql.Column("changed", sql.Float, nullable=False),
    sql.Column("note", sql.Text),
)


def _first(connection: Connection) -> None:
    """Version 1: events, findings, aliases, risk, triage."""
    METADATA.create_all(connection, tables=[EVENTS, FINDINGS, ALIASES, RISK, TRIAGE])


def _second(connection: Connection) -> None:
    """Version 2: triage has a note; findings say whether they rest on masked events; events say their cluster, so that
    each cluster has a horizon of its own."""
    if "note" not in _columns(connection, TRIAGE):
        connection.execute(sql.text(f"ALTER TABLE {TRIAGE.name} ADD COLUMN note TEXT"))
    if "masked" not in _columns(connection, FINDINGS):
        connection.execute(sql.text(f"ALTER TABLE {FINDINGS.name} ADD COLUMN masked BOOLEAN DEFAULT FALSE NOT NULL"))
    if "cluster" in _columns(connection, EVENTS):
        return
    connection.execute(sql.text(f"ALTER TABLE {EVENTS.name} ADD COLUMN cluster VARCHAR(255) DEFAULT '' NOT NULL"))
    for index in EVENTS.indexes:
        index.create(connection, checkfirst=True)
    clusters: defaultdict[str, list[str]] = defaultdict(list)
    for fingerprint, data in connection.execute(sql.select(EVENTS.c.fingerprint, EVENTS.c.data)):
        clusters[column_text(kept_event(fingerprint, data).cluster, 255)].append(fingerprint)
    for cluster, fingerprints in clusters.items():
        for chunk in chunks(fingerprints):
            connection.execute(EVENTS.update().where(EVENTS.c.fingerprint.in_(chunk)).values(cluster=cluster))


def _columns(connection: Connection, table: sql.Table) -> set[str]:
    return {column["name"] for column in sql.inspect(connection).get_columns(table.name)}


MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (_first, _second)
CURRENT: Final = len(MIGRATIONS)


def version_of(connection: Connection) -> int | None:
    """The version of a database; None for one that podhawk has not written to. Raises StoreError for anything else."""
    if not sql.inspect(connection).has_table(VERSION.name):
        return None
    version = connection.execute(sql.select(VERSION.c.version)).scalar()
    if version is not None and (type(version) is not int or version < 0):  # SQLite keeps text in columns of numbers
        raise StoreError(
            f"the state has the unknown version {version!r}", remedy="Restore it from a backup, or use another --state."
        )
    return version


def migrate(connection: Connection) -> None:
    """Bring a database to the current version. Raises StoreError for one that a newer podhawk made."""
    VERSION.create(connection, checkfirst=True)
    version = version_of(connection)
    if version is None:
        connection.execute(VERSION.insert().values(version=0))
        version = 0
    if version > CURRENT:
        raise StoreError(
            f"the state has version {version}, which a newer podhawk wrote; this podhawk reads up to version {CURRENT}",
            remedy="Use the newer podhawk, or another --state.",
        )
    for step in MIGRATIONS[version:]:
        step(connection)
    if version < CURRENT:
        connection.execute(VERSION.update().values(version=CURRENT))
