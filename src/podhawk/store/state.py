"""The state in SQL: events, findings and risk (see `podhawk.detect.increment.state`)."""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine

from podhawk.detect.finding import Finding
from podhawk.detect.increment.evidence import request_hash
from podhawk.detect.increment.kept import ObjectKey, ScoredRisk, series_key
from podhawk.detect.increment.state import Begun, Evaluated, Looked, ToWrite, Written
from podhawk.detect.match import Known, Match
from podhawk.detect.report.finding_json import detection_key, from_record, record_text
from podhawk.detect.risk.dataset import REQUEST, row_of
from podhawk.detect.risk.scoring import day_of, thing_of
from podhawk.detect.risk_event import RiskEvent
from podhawk.events.redaction.mask import Redaction
from podhawk.rows.values import as_text
from podhawk.store.begin import begin
from podhawk.store.database import Waiting, open_engine, transaction
from podhawk.store.event_memory import EventMemory
from podhawk.store.intact import finding_record, intact
from podhawk.store.kept_events import RETAINED, SqlEvidence, windows_of
from podhawk.store.kept_findings import Detections, SqlFindings, packed
from podhawk.store.kept_risk import SqlRisk, likes_of, object_key, packed_risk
from podhawk.store.keys import chunks, column_text
from podhawk.store.pending_events import PendingEvidence
from podhawk.store.revisions import KnownFinding, change_of, with_revision
from podhawk.store.rows import insert, upsert
from podhawk.store.schema import ALIASES, COUNTS, CURRENT, FINDINGS, RISK, SERIES, version_of
from podhawk.store.triage import pass_on


class SqlState:
    """A state in a SQLite or PostgreSQL database; the methods are those of `DetectionState`."""

    def __init__(
        self,
        state: str,
        redaction: Redaction | None = None,
        waiting: Waiting | None = None,
        retention: int = RETAINED,
    ) -> None:
        self._redaction = redaction
        self._waiting = waiting
        self._retention = retention
        self.engine: Engine = open_engine(state)
        self.along: Callable[[Connection], None] | None = None
        """Writes something else in the same transaction, at its end."""
        self.written: list[Written] = []
        """What was written within `locked`, for `along`."""
        self.postponed: Collection[str] = ()
        """What was postponed within `locked`, for `along`."""
        self.memory: EventMemory | None = None
        """Events that earlier increments of this process have read."""
        self._connection: Connection | None = None
        self._detections = Detections({}, {})
        self._is_locked = self._takes = False
        self._seen = -1
        """The generation of the state that an evaluation has seen."""
        self._pending: PendingEvidence | None = None
        self._writes: Callable[[Connection], None] | None = None

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """See `DetectionState`."""
        with transaction(self.engine, alone=False) as connection:
            current = version_of(connection) == CURRENT
        if not current:
            with transaction(self.engine, waiting=self._waiting):
                pass  # makes the tables, or brings them up to date
        with transaction(self.engine, alone=False, repeatable=True) as connection:
            self._connection, self._is_locked = connection, False
            self._seen = self._generation()
            try:
                yield
            finally:
                self._connection = None

    @contextlib.contextmanager
    def locked(self) -> Iterator[bool]:
        """See `DetectionState`."""
        with transaction(self.engine, waiting=self._waiting) as connection:
            self._connection, self._is_locked, self._takes = connection, True, False
            self.written, self.postponed = [], ()
            try:
                yield self._generation() == self._seen
                if self._takes:
                    more = COUNTS.c.number + 1
                    connection.execute(COUNTS.update().where(COUNTS.c.name == "generation").values(number=more))
                if self._takes and self.along is not None:
                    self.along(connection)
            finally:
                self._connection, self._pending, self._writes = None, None, None

    def take(self) -> None:
        """See `DetectionState`."""
        pending, writes = self._pending, self._writes
        assert pending is not None, "nothing has been evaluated"
        assert writes is not None
        self._pending, self._writes, self._takes = None, None, True
        writes(self._db)
        pending.write_to(self.evidence)

    def _generation(self) -> int:
        return self._db.execute(sql.select(COUNTS.c.number).where(COUNTS.c.name == "generation")).scalar() or 0

    @property
    def _db(self) -> Connection:
        assert self._connection is not None, "a state is used within `locked`"
        return self._connection

    @property
    def evidence(self) -> SqlEvidence:
        """See `DetectionState`."""
        return self._pending or SqlEvidence(self._db, self._redaction, self._retention, self.memory)

    @property
    def findings(self) -> SqlFindings:
        """See `DetectionState`."""
        return SqlFindings(self._db, self._detections)

    @property
    def risk(self) -> SqlRisk:
        """See `DetectionState`."""
        return SqlRisk(self._db, self._detections)

    def postpone(self, requests: Collection[str]) -> None:
        """See `DetectionState`."""
        self.postponed = requests

    def begin(
        self,
        evaluated: Sequence[Evaluated],
        policies: str,
        *,
        backfill: bool = False,
        content: Collection[str] | None = None,
    ) -> Begun:
        """See `DetectionState`."""
        begun, self._detections, changed, writes = begin(self._db, evaluated, policies, backfill, content)
        if self._is_locked:
            self._takes = True
            writes(self._db)
        else:
            self._writes = writes
            self._pending = PendingEvidence(self._db, self._redaction, self._retention, changed, self.memory)
        return begun

    def known_about(self, looked: Looked, found: Sequence[Finding]) -> set[str]:
        """See `DetectionState`."""
        horizons = self.evidence.horizons()
        rows = [
            row
            for requests, keys in looked.requests
            for plans in [{column_text(key, 255) for key in keys}]
            for row in self._found(FINDINGS.c.request, requests)
            if row.detection_id in plans and row.last_time >= horizons.get(row.cluster, 0.0)
        ]
        windows = (windows_of(self._db, *key, spans) for key, spans in looked.spans.items() if spans)
        rows += self._found(FINDINGS.c.finding_id, {row[0] for some in windows for row in some})
        rows += [
            row
            for row in self._found(FINDINGS.c.detection_id, {column_text(key, 255) for key in looked.changed})
            if row.last_time >= horizons.get(row.cluster, 0.0)
        ]
        masked = {row.finding_id for row in rows if row.masked} - {one.finding_id for one in found}
        return {row.finding_id for row in rows if not row.masked} | self._replaced(masked, found)

    def _replaced(self, finding_ids: Collection[str], found: Sequence[Finding]) -> set[str]:
        """Those of the findings that a new one of the same detection shares a request with."""
        if not finding_ids:
            return set()
        known = self._known({*finding_ids, *(one.finding_id for one in found)})
        new = [one for one in found if one.finding_id not in known]
        return set(heirs_of({id_: known[id_].record for id_ in finding_ids}, new))

    def _found(self, column: sql.ColumnElement[str], values: Collection[str]) -> list[Any]:
        """The findings with one of some values in a column, apart from incidents."""
        columns = (
            FINDINGS.c.finding_id,
            FINDINGS.c.detection_id,
            FINDINGS.c.last_time,
            FINDINGS.c.cluster,
            FINDINGS.c.masked,
        )
        query = sql.select(*columns).where(FINDINGS.c.kind != "incident")
        return [row for chunk in chunks(sorted(values)) for row in self._db.execute(query.where(column.in_(chunk)))]

    def incidents(self, keys: Collection[str] | None, detections: Collection[str]) -> set[str]:
        """See `DetectionState`."""
        if keys is None:
            query = sql.select(FINDINGS.c.finding_id, FINDINGS.c.detection_id).where(FINDINGS.c.kind == "incident")
            every = {column_text(key, 255) for key in detections}
            return {id_ for id_, detection in self._db.execute(query) if detection in every}
        joined = SERIES.join(FINDINGS, FINDINGS.c.finding_id == SERIES.c.finding_id)
        wanted = {column_text(key, 255) for key in detections}
        return {
            id_
            for chunk in chunks(sorted(keys))
            for id_, detection in self._db.execute(
                sql.select(FINDINGS.c.finding_id, FINDINGS.c.detection_id)
                .select_from(joined)
                .where(SERIES.c.series == "incident", SERIES.c.key.in_(chunk))
            )
            if detection in wanted
        }

    def every_finding(self) -> set[str]:
        """See `DetectionState`."""
        query = sql.select(FINDINGS.c.finding_id).where(FINDINGS.c.kind != "incident")
        return set(self._db.execute(query).scalars())

    def known_risk(self, objects: Collection[ObjectKey]) -> list[RiskEvent]:
        """See `DetectionState`."""
        with transaction(self.engine, alone=False) as connection:
            return SqlRisk(connection, self._detections).risk_of_objects(objects)

    def known(self) -> list[Finding]:
        """See `DetectionState`."""
        with transaction(self.engine, alone=False) as connection:
            rows = connection.execute(sql.select(FINDINGS.c.finding_id, FINDINGS.c.record))
            found = [from_record(finding_record(*row)) for row in rows]
        return sorted(found, key=_in_order)

    def count(self) -> int:
        """See `DetectionState`."""
        return self._db.execute(sql.select(COUNTS.c.number).where(COUNTS.c.name == "findings")).scalar() or 0

    def write(self, findings: Sequence[ToWrite], gone: Collection[str]) -> Written:
        """See `DetectionState`."""
        touched = self._known({*gone, *(one.match.finding.finding_id for one in findings)})
        lost = {id_: touched[id_].record for id_ in gone if id_ in touched}
        heirs = heirs_of(lost, [one.match.finding for one in findings])
        replaced: defaultdict[str, set[str]] = defaultdict(set)
        for old, heir in heirs.items():
            replaced[heir] |= {old, *lost[old]["replaces"]}
        written = [
            with_revision(one.match, touched.get(one.match.finding.finding_id), replaced[one.match.finding.finding_id])
            for one in findings
        ]
        self._write_findings(findings, written, lost)
        more = len({one.match.finding.finding_id for one in findings} - touched.keys()) - len(lost)
        self._db.execute(COUNTS.update().where(COUNTS.c.name == "findings").values(number=COUNTS.c.number + more))
        for old, heir in heirs.items():
            self._db.execute(ALIASES.update().where(ALIASES.c.finding_id == old).values(finding_id=heir))
            upsert(self._db, ALIASES, [{"old_id": old, "finding_id": heir}])
            pass_on(self._db, old, heir)
        result = Written(
            written,
            {
                match.finding.finding_id: change
                for match in written
                if (change := change_of(match.finding, touched, lost)) is not None
            },
            [record for id_, record in lost.items() if id_ not in heirs],
        )
        self.written.append(result)
        return result

    def _known(self, finding_ids: Collection[str]) -> dict[str, KnownFinding]:
        query = sql.select(FINDINGS.c.finding_id, FINDINGS.c.revision, FINDINGS.c.record)
        return {
            id_: KnownFinding(_number(id_, revision), finding_record(id_, text))
            for chunk in chunks(sorted(finding_ids))
            for id_, revision, text in self._db.execute(query.where(FINDINGS.c.finding_id.in_(chunk)))
        }

    def _write_findings(self, findings: Sequence[ToWrite], written: Sequence[Match], lost: Mapping[str, Any]) -> None:
        for chunk in chunks(list(lost)):
            self._db.execute(FINDINGS.delete().where(FINDINGS.c.finding_id.in_(chunk)))
            self._db.execute(SERIES.delete().where(SERIES.c.finding_id.in_(chunk)))
        rows = []
        for to_write, match in zip(findings, written, strict=True):
            one, known = match.finding, known_of(to_write)
            rows.append(
                {
                    "finding_id": one.finding_id,
                    "detection_id": column_text(one.detection.key, 255),
                    "kind": one.kind,
                    "first_time": one.first_time,
                    "visible": one.visible,
                    "priority": one.priority,
                    "revision": one.revision,
                    "record": record_text(one),
                    "masked": known.masked,
                    "cluster": column_text(one.cluster, 255),
                    "last_time": one.last_time,
                    "request": known.request,
                    "kept": packed(to_write.raw, known, to_write.verdicts),
                    "first_window": known.windows[0],
                    "last_window": known.windows[1],
                    "by_key": known.by_key,
                }
            )
        upsert(self._db, FINDINGS, rows)
        series = [{"series": name, **row._asdict()} for one in findings for name, row in one.rows]
        for chunk in chunks(series):
            self._db.execute(insert(self._db, SERIES).on_conflict_do_nothing(), chunk)

    def write_risk(self, risk: Iterable[ScoredRisk]) -> None:
        """See `DetectionState`."""
        upsert(
            self._db,
            RISK,
            [
                {
                    "finding_id": one.event.finding_id,
                    "object_type": column_text(one.event.object_type, 32),
                    "object": column_text(one.event.object, 1024),
                    "time": one.event.time,
                    "applied": one.event.applied,
                    "record": json.dumps(_cells(one.event)),
                    "thing": series_key(thing_of(one.event)),
                    "day": series_key(day_of(one.event)),
                    "entity": object_key(one.event.object_type, one.event.object, one.event.cluster),
                    "full": one.full,
                    "likes": likes_of(one.event),
                    "share": 2 if one.event.applied > 0 else 1 if one.full > 0 else 0,
                    "kept": packed_risk(one),
                }
                for one in risk
            ],
        )


def _in_order(finding: Finding) -> tuple[bool, float, str, str]:
    incident = finding.kind == "incident"
    return incident, finding.first_time, "" if incident else finding.detection.name, finding.finding_id


def known_of(one: ToWrite) -> Known:
    """What is kept of the events behind a finding."""
    if one.raw.known is not None:
        return one.raw.known
    request = one.raw.request
    alone = request is not None and bool(one.raw.matched)
    return Known(
        one.raw.powers,
        one.raw.credential,
        tuple(hit.noise_class for hit in one.match.finding.noise),
        one.match.finding.suppressed_by,
        any(event.unmasked is not None for each in one.raw.requests for event in each.events),
        request_hash(request.key) if request is not None and alone else "",
        one.raw.windows or (0.0, 0.0),
        one.raw.by_key,
    )


def _number(finding_id: str, revision: Any) -> int:
    with intact(f"the revision of finding {finding_id}"):
        return int(revision)


def heirs_of(gone: Mapping[str, Mapping[str, Any]], findings: Sequence[Finding]) -> dict[str, str]:
    """For each finding that is gone, the id of the finding of the same detection about one of its requests."""
    if not gone:
        return {}
    by_request: dict[tuple[str, ...], str] = {}
    for one in findings:
        for info in one.requests:
            by_request.setdefault(
                (one.detection.key, one.cluster, info.audit_id, info.received, info.user, info.uri),
                one.finding_id,
            )
    found: dict[str, str] = {}
    for id_, text in gone.items():
        heir = next(
            (
                heir
                for info in text["requests"]
                if (
                    heir := by_request.get(
                        (
                            detection_key(text),
                            text["cluster"],
                            info["audit_id"],
                            info["received"],
                            info["user"],
                            info["uri"],
                        )
                    )
                )
            ),
            None,
        )
        if heir is not None:
            found[id_] = heir
    return found


def _cells(event: RiskEvent) -> dict[str, Any]:
    cells = {name: list(value) if isinstance(value, tuple) else as_text(value) for name, value in row_of(event).items()}
    return {**cells, REQUEST: event.request}
