"""What a state holds, in numbers."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sql
from sqlalchemy.engine import Connection

from podhawk.content.model import Detection
from podhawk.detect.report.finding_json import rfc3339
from podhawk.store.database import reading
from podhawk.store.intact import intact
from podhawk.store.schema import CURRENT, DETECTIONS, EVENTS, FINDINGS, RISK, TRIAGE, version_of
from podhawk.store.triage import STATUSES


def holdings(state: str) -> dict[str, str]:
    """Numbers and times of a state, each with what it counts. Raises StoreError if the state cannot be read."""
    with reading(state) as connection:
        if connection is None:
            return {"schema version": str(CURRENT), "events kept": "0", "findings": "0", "incidents": "0"}
        first, last, events = connection.execute(
            sql.select(sql.func.min(EVENTS.c.time), sql.func.max(EVENTS.c.time), sql.func.count())
        ).one()
        incident = FINDINGS.c.kind == "incident"
        return {
            "schema version": str(version_of(connection)),
            "events kept": str(events),
            "first event": rfc3339(first) if first else "",
            "last event": rfc3339(last) if last else "",
            "findings": _count(connection, FINDINGS, ~incident),
            "findings visible": _count(connection, FINDINGS, ~incident & FINDINGS.c.visible),
            "incidents": _count(connection, FINDINGS, incident),
            "risk events": _count(connection, RISK),
            **_work(connection),
            **_begun(connection),
        }


def _begun(connection: Connection) -> dict[str, str]:
    """The detections that began after the state had read events: what they would have found before is not known; and
    those that have left the content."""
    rows = connection.execute(
        sql.select(DETECTIONS.c.detection_id, DETECTIONS.c.since, DETECTIONS.c.data, DETECTIONS.c.retired).where(
            (DETECTIONS.c.since > 0) | DETECTIONS.c.retired
        )
    )
    told = {}
    for key, since, data, retired in rows:
        with intact(f"detection {key!r}"):
            name = msgspec.msgpack.decode(data, type=Detection).name
        told[f"{name} retired" if retired else f"{name} since"] = "yes" if retired else rfc3339(since)
    return dict(sorted(told.items()))


def _count(connection: Connection, table: sql.Table, *where: Any) -> str:
    return str(connection.execute(sql.select(sql.func.count()).select_from(table).where(*where)).scalar())


def _work(connection: Connection) -> dict[str, str]:
    """How many findings and incidents have each status; those that nobody has touched are new."""
    joined = FINDINGS.outerjoin(TRIAGE, TRIAGE.c.finding_id == FINDINGS.c.finding_id)
    status = sql.func.coalesce(TRIAGE.c.status, "new")
    rows = connection.execute(sql.select(status, sql.func.count()).select_from(joined).group_by(status))
    counts = {str(name): int(count) for name, count in rows}
    return {f"status {name}": str(counts.get(name, 0)) for name in STATUSES}
