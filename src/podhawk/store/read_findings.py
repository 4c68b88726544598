"""Findings of a state as it tells them: their records, and whether their detections have left the content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sql
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from podhawk.detect.finding import Finding
from podhawk.detect.report.finding_json import from_record
from podhawk.store.intact import finding_record
from podhawk.store.schema import DETECTIONS, FINDINGS

IS_RETIRED: Final = sql.exists().where(
    DETECTIONS.c.detection_id == FINDINGS.c.detection_id, DETECTIONS.c.retired.is_(True)
)
"""Whether the detection of a finding has left the content."""


def read_findings(connection: Connection, *where: Any) -> Iterator[Finding]:
    """Findings, in no order. Raises StoreError if a record is damaged."""
    query = sql.select(FINDINGS.c.finding_id, FINDINGS.c.record, IS_RETIRED.label("retired")).where(*where)
    for id_, text, retired in connection.execute(query):
        finding = from_record(finding_record(id_, text))
        yield replace(finding, retired=True) if retired else finding
