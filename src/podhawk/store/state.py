"""The state in SQL: events, findings and risk (see `podhawk.detect.increment.state`)."""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine

from podhawk.detect.finding import Finding
from podhawk.detect.increment.evidence import request_hash
from podhawk.detect.increment.kept import ObjectKey, ScoredRisk, series_key
from podhawk.detect.increment.state import Begun, Evaluated, Looked, ToWrite, Written
from podhawk.detect.match import Known, Match
from podhawk.detect.report.finding_json import detection_key, from_record, to_record
from podhawk.detect.risk.dataset import REQUEST, row_of
from podhawk.detect.risk.scoring import day_of, thing_of
from podhawk.detect.risk_event import RiskEvent
from podhawk.events.redaction.mask import Redaction
from podhawk.rows.values import as_text
from podhawk.store.database import Waiting, open_engine, transaction
from podhawk.store.event_memory import EventMemory
from podhawk.store.intact import finding_record, intact
from podhawk.store.kept_events import SqlEvidence, of_windows
from podhawk.store.kept_findings import Detections, SqlFindings, packed
from podhawk.store.kept_risk import SqlRisk, likes_of, object_key, packed_risk
from podhawk.store.keys import chunks, column_text
from podhawk.store.revisions import KnownFinding, change_of, with_revision
from podhawk.store.rows import insert, upsert
from podhawk.store.schema import ALIASES, CELLS, COUNTS, DETECTIONS, EVENTS, FINDINGS, RISK, SERIES, WANTED, WINDOWS
from podhawk.store.triage import pass_on

_POLICIES: Final = ""
"""The key under which the digest of the policies is kept."""


class SqlState:
    """A state in a SQLite or PostgreSQL database; the methods are those of `DetectionState`."""

    def __init__(self, state: str, redaction: Redaction | None = None, waiting: Waiting | None = None) -> None:
        self._redaction = redaction
        self._waiting = waiting
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

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """See `DetectionState`."""
        with transaction(self.engine, waiting=self._waiting) as connection:
            self._connection = connection
            self.written = []
            try:
                yield
                if self.along is not None:
                    self.along(connection)
            finally:
                self._connection = None

    @property
    def _db(self) -> Connection:
        assert self._connection is not None, "a state is used within `locked`"
        return self._connection

    @property
    def evidence(self) -> SqlEvidence:
        """See `DetectionState`."""
        return SqlEvidence(self._db, self._redaction, self.memory)

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

    def begin(self, evaluated: Sequence[Evaluated], policies: str, *, backfill: bool = False) -> Begun:
        """See `DetectionState`."""
        kept = {row.detection_id: row for row in self._db.execute(sql.select(DETECTIONS))}
        before = kept.pop(_POLICIES, None)
        digests = {column_text(one.detection.key, 255): one for one in evaluated}
        changed = {key for key, one in digests.items() if key in kept and kept[key].digest != one.digest}
        newest = self._db.execute(sql.select(sql.func.max(EVENTS.c.time))).scalar() if kept and not backfill else None
        new = {key for key in digests if key not in kept} if newest else set()
        rows = [
            {
                "detection_id": key,
                "digest": one.digest,
                "since": 0.0 if backfill else newest or 0.0 if key not in kept else kept[key].since,
                "data": msgspec.msgpack.encode(one.detection),
            }
            for key, one in digests.items()
            if key not in kept or key in changed or (backfill and kept[key].since)
        ]
        everything = before is not None and before.digest != policies
        if before is None or everything:
            rows.append({"detection_id": _POLICIES, "digest": policies, "since": 0.0, "data": b""})
        upsert(self._db, DETECTIONS, rows)
        known = {one.detection.key: one.detection for one in evaluated}
        self._detections = Detections(known, {key: row.data for key, row in kept.items()})
        self._forget_sums(changed, everything)
        again = self._to_evaluate(changed, everything)
        return Begun(frozenset(again), everything, frozenset(digests[key].detection.key for key in new))

    def _forget_sums(self, changed: Collection[str], everything: bool) -> None:
        """Forget what searches over risk gave before they, or the policies, changed."""
        for chunk in chunks(sorted(changed)):
            self._db.execute(WINDOWS.delete().where(WINDOWS.c.detection_id.in_(chunk)))
        if everything:
            for table in (WINDOWS, CELLS):
                self._db.execute(table.delete())

    def _to_evaluate(self, changed: Collection[str], everything: bool) -> set[str]:
        """The requests that findings of detections are about, and those that their aggregate plans want."""
        if everything:
            return self.evidence.every_request()
        found: set[str] = set()
        for chunk in chunks(sorted(changed)):
            for table in (FINDINGS, WANTED):
                query = sql.select(table.c.request).where(table.c.detection_id.in_(chunk)).distinct()
                found.update(self._db.execute(query).scalars())
            self._db.execute(WANTED.delete().where(WANTED.c.detection_id.in_(chunk)))
        return found - {""}

    def known_about(self, looked: Looked, found: Sequence[Finding]) -> set[str]:
        """See `DetectionState`."""
        horizons = self.evidence.horizons()
        plans = {column_text(key, 255) for key in looked.plans}
        rows = [
            row
            for chunk in chunks(sorted(looked.requests))
            for row in self._found(FINDINGS.c.request.in_(chunk))
            if row.detection_id in plans and row.last_time >= horizons.get(row.cluster, 0.0)
        ]
        for detection, cluster, start, end in looked.spans:
            rows += self._found(of_windows(detection, cluster, (start, end)))
        masked = {row.finding_id for row in rows if row.masked} - {one.finding_id for one in found}
        return {row.finding_id for row in rows if not row.masked} | self._replaced(masked, found)

    def _replaced(self, finding_ids: Collection[str], found: Sequence[Finding]) -> set[str]:
        """Those of the findings that a new one of the same detection shares a request with."""
        if not finding_ids:
            return set()
        known = self._known({*finding_ids, *(one.finding_id for one in found)})
        new = [one for one in found if one.finding_id not in known]
        return set(heirs_of({id_: known[id_].record for id_ in finding_ids}, new))

    def _found(self, *where: Any) -> list[Any]:
        columns = (
            FINDINGS.c.finding_id,
            FINDINGS.c.detection_id,
            FINDINGS.c.last_time,
            FINDINGS.c.cluster,
            FINDINGS.c.masked,
        )
        return list(self._db.execute(sql.select(*columns).where(*where).where(FINDINGS.c.kind != "incident")))

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
                    "record": json.dumps(to_record(one)),
                    "masked": known.masked,
                    "cluster": column_text(one.cluster, 255),
                    "last_time": one.last_time,
                    "request": known.request,
                    "kept": packed(to_write.raw, known, to_write.verdicts),
                    "first_window": known.windows[0],
                    "last_window": known.windows[1],
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
