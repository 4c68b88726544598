"""The migrations of the SQL database, from one version of the schema to the next.

A migration is a function that changes the schema by one version, in a transaction; the list only ever grows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final

import msgspec
import sqlalchemy as sql
from sqlalchemy.engine import Connection

from podhawk.content.model import Detection
from podhawk.detect.evaluate.recall import kept_for
from podhawk.detect.report.finding_json import from_record
from podhawk.detect.requests.collected import key_with_id
from podhawk.detect.requests.request import Request
from podhawk.errors import StoreError
from podhawk.store.intact import finding_record, intact, kept_event
from podhawk.store.kept_findings import before_passes, packed
from podhawk.store.keys import chunks, column_text
from podhawk.store.schema import (
    ALIASES,
    CELLS,
    COUNTS,
    CURRENT,
    DETECTIONS,
    EVENTS,
    FINDINGS,
    HOMES,
    ISSUED,
    METADATA,
    RISK,
    SERIES,
    TRIAGE,
    VERSION,
    WANTED,
    WINDOWS,
    WRITES,
    version_of,
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


def _third(connection: Connection) -> None:
    """Version 3: what increments ask for by key. The next run evaluates what is kept again, because an older podhawk
    did not say what its findings depend on."""
    METADATA.create_all(connection, tables=[WANTED, WRITES, ISSUED, HOMES, SERIES, DETECTIONS])
    for table in (EVENTS, FINDINGS, RISK):
        _complete(connection, table)
    _third_events(connection)
    _third_findings(connection)


def _third_events(connection: Connection) -> None:
    query = sql.select(EVENTS.c.fingerprint, EVENTS.c.data).where(EVENTS.c.request == "")
    for fingerprint, data in connection.execute(query).fetchall():
        event = kept_event(fingerprint, data)
        one = kept_for(Request(key_with_id(event), (event,)), event)
        connection.execute(
            EVENTS.update()
            .where(EVENTS.c.fingerprint == fingerprint)
            .values(request=one.request, place=one.place, credential=one.credential, component=one.component)
        )


def _third_findings(connection: Connection) -> None:
    query = sql.select(FINDINGS.c.finding_id, FINDINGS.c.record, FINDINGS.c.masked).where(FINDINGS.c.kept.is_(None))
    detections: dict[str, Detection] = {}
    for id_, text, masked in connection.execute(query).fetchall():
        with intact(f"finding {id_}"):
            finding = from_record(finding_record(id_, text))
        detections[column_text(finding.detection.key, 255)] = finding.detection
        raw, known, verdicts = before_passes(finding, masked=bool(masked))
        connection.execute(
            FINDINGS.update()
            .where(FINDINGS.c.finding_id == id_)
            .values(
                kept=packed(raw, known, verdicts),
                cluster=column_text(finding.cluster, 255),
                last_time=finding.last_time,
                request=known.request,
            )
        )
    rows = [
        {"detection_id": key, "digest": "", "since": 0.0, "data": msgspec.msgpack.encode(one)}
        for key, one in detections.items()
    ]
    if rows:
        connection.execute(DETECTIONS.insert(), [*rows, {"detection_id": "", "digest": "", "since": 0.0, "data": b""}])


def _fourth(connection: Connection) -> None:
    """Version 4: the windows of findings, the share of risk events under the daily cap, counts. The next run evaluates
    everything again, because no finding tells its windows."""
    METADATA.create_all(connection, tables=[COUNTS, WINDOWS, CELLS])
    for name in _OLD_INDEXES:
        connection.execute(sql.text(f"DROP INDEX IF EXISTS {name}"))
    for table in (EVENTS, WANTED, FINDINGS, RISK):
        _complete(connection, table)
    scores = sql.case((RISK.c.applied > 0, 2), (RISK.c.full > 0, 1), else_=0)
    connection.execute(RISK.update().values(share=scores))
    findings = connection.execute(sql.select(sql.func.count()).select_from(FINDINGS)).scalar() or 0
    connection.execute(COUNTS.delete())
    connection.execute(COUNTS.insert(), [{"name": "findings", "number": findings}, {"name": "generation", "number": 0}])
    connection.execute(DETECTIONS.update().where(DETECTIONS.c.detection_id != "").values(digest=""))


def _fifth(connection: Connection) -> None:
    """Version 5: by-keys of findings and of what aggregate plans want. The next run evaluates everything again."""
    if "by_key" not in _columns(connection, WANTED):
        old = sql.table("podhawk_wanted_before", *(sql.column(name) for name in _WANTED_BEFORE))
        connection.execute(sql.text("DROP INDEX IF EXISTS podhawk_wanted_of_clusters"))
        connection.execute(sql.text(f"ALTER TABLE {WANTED.name} RENAME TO {old.name}"))
        WANTED.create(connection)
        new = sql.select(*old.columns, sql.literal(""), sql.literal(""))
        connection.execute(WANTED.insert().from_select([*_WANTED_BEFORE, "by_key", "alike"], new))
        connection.execute(sql.text(f"DROP TABLE {old.name}"))
    connection.execute(sql.text("DROP INDEX IF EXISTS podhawk_findings_of_windows"))
    for table in (FINDINGS, DETECTIONS):
        _complete(connection, table)
    connection.execute(DETECTIONS.update().where(DETECTIONS.c.detection_id != "").values(digest=""))


def _sixth(connection: Connection) -> None:
    """Version 6: the index of risk by risk objects holds kinds and points too."""
    connection.execute(sql.text("DROP INDEX IF EXISTS podhawk_risk_of_entities"))
    _complete(connection, RISK)


_WANTED_BEFORE: Final = ("detection_id", "cluster", "time", "fingerprint", "request")
_OLD_INDEXES: Final = (
    "ix_podhawk_events_cluster",
    "podhawk_findings_of_detections",
    "podhawk_risk_of_days",
    "podhawk_risk_of_entities",
)


def _complete(connection: Connection, table: sql.Table) -> None:
    """Add the columns and indexes that an older table lacks."""
    known = _columns(connection, table)
    for column in table.columns:
        if column.name not in known:
            text = sql.schema.CreateColumn(column).compile(dialect=connection.dialect)
            connection.execute(sql.text(f"ALTER TABLE {table.name} ADD COLUMN {text}"))
    for index in table.indexes:
        index.create(connection, checkfirst=True)


def _columns(connection: Connection, table: sql.Table) -> set[str]:
    return {column["name"] for column in sql.inspect(connection).get_columns(table.name)}


MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (_first, _second, _third, _fourth, _fifth, _sixth)


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
