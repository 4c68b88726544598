"""A tripwire as a finding, and how it gets into the state.

It is no detection's: policies, exceptions and re-evaluation do not touch it, and nothing it is about can hide it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.content.model import Detection, Severity
from podhawk.detect.finding import Finding
from podhawk.detect.report.finding_json import to_record
from podhawk.store.keys import chunks, column_text
from podhawk.store.rows import insert
from podhawk.store.schema import COUNTS, FINDINGS


class TripwireKind(Struct, frozen=True):
    """A kind of tripwire: its id and name as a detection's, what it means, how severe and how urgent it is."""

    id: str
    name: str
    description: str
    severity: Severity
    priority: int

    @property
    def detection(self) -> Detection:
        return Detection(
            name=self.name, search="", id=self.id, type="TTP", description=self.description, severity=self.severity
        )


QUIET: Final = TripwireKind(
    "tripwire-sender-quiet",
    "Tripwire: Sender Gone Quiet",
    "A sender that sent regularly sends nothing any more.",
    "high",
    80,
)
GAP: Final = TripwireKind(
    "tripwire-gap",
    "Tripwire: Gap in the Audit Log",
    "Kubelets renew their leases every ten seconds. Renewals are missing that others before and after them frame: the "
    "API server has probably dropped a batch of its audit log.",
    "high",
    75,
)
CLOCK: Final = TripwireKind(
    "tripwire-clock",
    "Tripwire: Clock Stepped",
    "The times of a sender's events, or the clock of podhawk itself, have moved by a step.",
    "medium",
    60,
)
LOST: Final = TripwireKind(
    "tripwire-not-evaluated",
    "Tripwire: Body Not Evaluated",
    "Something that a sender sent could not be read or evaluated.",
    "high",
    70,
)
BUDGET: Final = TripwireKind(
    "tripwire-over-budget",
    "Tripwire: Detection Over Budget",
    "A detection takes more CPU, rows or RAM than it may, and is evaluated once a minute. Its findings come later.",
    "medium",
    60,
)
TRUNCATED: Final = TripwireKind(
    "tripwire-truncated",
    "Tripwire: Values or Groups Truncated",
    "A detection met more values in a cell, or more groups in a window, than it looks at. What is counted is exact. "
    "Somebody may flood it with values.",
    "medium",
    60,
)
OUTSIDE: Final = TripwireKind(
    "tripwire-outside",
    "Tripwire: Cluster Outside of the Token",
    "A token was used to send events of a cluster to which it is not bound. The request was refused: a sender is set "
    "up wrongly and its audit log is lost, or somebody uses the token of another cluster.",
    "high",
    75,
)
KINDS: Final = (QUIET, GAP, CLOCK, LOST, BUDGET, TRUNCATED, OUTSIDE)


def tripwire(
    kind: TripwireKind,
    cluster: str,
    title: str,
    key: Iterable[str],
    span: tuple[float, float],
    row: dict[str, Any],
    *,
    priority: int | None = None,
) -> Finding:
    """A finding of a kind of tripwire. `key` tells it from others of the kind and cluster; `span` is its time, in epoch
    seconds; `row` says what was seen."""
    parts = json.dumps([kind.id, cluster, *key]).encode()
    return Finding(
        finding_id=blake2b(parts, digest_size=16).hexdigest(),
        detection=kind.detection,
        kind="finding",
        first_time=span[0],
        last_time=span[1],
        title=title,
        severity=kind.severity,
        risk_score=0,
        cluster=cluster,
        priority=kind.priority if priority is None else priority,
        row_count=1,
        rows=({name: str(value) for name, value in row.items()},),
    )


def put(connection: Connection, findings: Sequence[Finding]) -> list[Finding]:
    """Write findings; gives those that were not known."""
    new = []
    for one in findings:
        row = {
            "finding_id": one.finding_id,
            "detection_id": one.detection.key,
            "kind": one.kind,
            "first_time": one.first_time,
            "visible": True,
            "priority": one.priority,
            "revision": 1,
            "record": json.dumps(to_record(one)),
            "masked": False,
            "cluster": column_text(one.cluster, 255),
            "last_time": one.last_time,
        }
        if connection.execute(insert(connection, FINDINGS).values(row).on_conflict_do_nothing()).rowcount:
            new.append(one)
    _count(connection, len(new))
    return new


def withdraw(connection: Connection, finding_ids: Collection[str]) -> None:
    """Remove findings that later events have proved wrong."""
    for chunk in chunks(sorted(finding_ids)):
        _count(connection, -connection.execute(FINDINGS.delete().where(FINDINGS.c.finding_id.in_(chunk))).rowcount)


def _count(connection: Connection, more: int) -> None:
    if more:
        connection.execute(
            COUNTS.update().where(COUNTS.c.name == "findings").values(number=COUNTS.c.number + sql.literal(more))
        )
