"""The state in SQL: events, findings and risk (see `podhawk.detect.increment.state`)."""

from __future__ import annotations

import contextlib
import json
import time as clock
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from podhawk.detect.finding import Finding
from podhawk.detect.increment.state import Change, EarlierFindings, Written
from podhawk.detect.match import Match
from podhawk.detect.report.finding_json import detection_key, epoch_seconds, from_record, to_record
from podhawk.detect.requests.collected import fingerprint
from podhawk.detect.risk.dataset import REQUEST, event_of, row_of
from podhawk.detect.risk_event import RiskEvent
from podhawk.engine.wire import dump
from podhawk.events.collected import CollectedEvent
from podhawk.events.event import AuditEvent
from podhawk.events.redaction.mask import Redaction
from podhawk.events.redaction.record import redacted
from podhawk.rows.values import as_text
from podhawk.store.database import Waiting, open_engine, transaction
from podhawk.store.intact import finding_record, intact, kept_event, risk_record
from podhawk.store.keys import chunks, column_text, short
from podhawk.store.schema import ALIASES, EVENTS, FINDINGS, RISK
from podhawk.store.triage import pass_on

DAY: Final = 86_400.0
RETAINED: Final = 30
"""Days for which events are kept, counted back from the newest event or from today, whichever is earlier. Findings are
kept for ever."""
_VOLATILE: Final = ("revision", "replaces", "status", "disposition", "assignee")
"""Members of a record that do not come from the evaluation."""


class KnownFinding(NamedTuple):
    """A finding as an earlier run wrote it. `masked` says that it rests on events of which the state keeps no secrets:
    another run over them need not find it again."""

    revision: int
    record: Mapping[str, Any]
    masked: bool


class SqlState:
    """A state in a SQLite or PostgreSQL database; the methods are those of `DetectionState`."""

    def __init__(self, state: str, redaction: Redaction | None = None, waiting: Waiting | None = None) -> None:
        self._redaction = redaction
        self._waiting = waiting
        self.engine: Engine = open_engine(state)
        self._connection: Connection | None = None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """See `DetectionState`."""
        with transaction(self.engine, waiting=self._waiting) as connection:
            self._connection = connection
            try:
                yield
            finally:
                self._connection = None

    @property
    def _db(self) -> Connection:
        assert self._connection is not None, "a state is used within `locked`"
        return self._connection

    def events(self) -> Sequence[CollectedEvent]:
        """The kept events, oldest first."""
        query = sql.select(EVENTS.c.fingerprint, EVENTS.c.data).order_by(EVENTS.c.time, EVENTS.c.fingerprint)
        found = [(key, kept_event(key, data)) for key, data in self._db.execute(query)]
        redaction = self._redaction
        if redaction is None:
            return [event for _, event in found]
        masked = [(key, event, redacted(event, redaction)) for key, event in found]
        self._replace([(key, after) for key, before, after in masked if after is not before])
        return [after for _, _, after in masked]

    def _replace(self, events: Sequence[tuple[str, AuditEvent]]) -> None:
        """Put events in place of those that a podhawk before redaction kept, and leave nothing of these in the file."""
        if not events:
            return
        if self.engine.dialect.name == "sqlite":
            self._db.exec_driver_sql("PRAGMA secure_delete=ON")
        for chunk in chunks([key for key, _ in events]):
            self._db.execute(EVENTS.delete().where(EVENTS.c.fingerprint.in_(chunk)))
        self.keep(event for _, event in events)

    def keep(self, events: Iterable[AuditEvent]) -> None:
        """Keep events, and delete those that are older than `RETAINED` days."""
        found = [
            {
                "fingerprint": f"{fingerprint(event).hex()}{short(event.cluster)}",
                "data": dump(event),
                "time": event.stage_time or event.time or 0.0,
                "cluster": column_text(event.cluster, 255),
            }
            for event in events
        ]
        for chunk in chunks(found):
            self._db.execute(self._insert(EVENTS).on_conflict_do_nothing(), chunk)
        for cluster, horizon in self._horizons().items():
            old = (EVENTS.c.cluster == cluster) & (EVENTS.c.time < horizon) & (EVENTS.c.time > 0)
            self._db.execute(EVENTS.delete().where(old))

    def _horizons(self) -> dict[str, float]:
        """The time of each cluster before which its events are deleted: logs of different clusters may be of different
        years. An event dated in the future does not move it past today."""
        query = sql.select(EVENTS.c.cluster, sql.func.max(EVENTS.c.time)).group_by(EVENTS.c.cluster)
        with intact("the time of an event"):
            return {
                str(cluster): min(newest, clock.time()) - RETAINED * DAY for cluster, newest in self._db.execute(query)
            }

    def earlier(self, matches: Sequence[Match], evaluated: Collection[str]) -> EarlierFindings:
        """See `DetectionState`."""
        current = {match.finding.finding_id for match in matches}
        again = self._found_again(evaluated)
        stays: dict[str, Match] = {}
        for id_, one in self._known().items():
            if id_ not in current and one.record["kind"] != "incident" and not again(one):
                with intact(f"finding {id_}"):
                    stays[id_] = Match(from_record(one.record), ())
        risk: list[RiskEvent] = []
        for id_, text in self._db.execute(sql.select(RISK.c.finding_id, RISK.c.record)) if stays else ():
            if id_ in stays:
                with intact(f"a risk event of finding {id_}"):
                    risk.append(event_of(risk_record(id_, text), stays[id_].finding))
        return EarlierFindings(list(stays.values()), risk)

    def write(self, matches: Sequence[Match], risk: Sequence[RiskEvent], evaluated: Collection[str]) -> Written:
        """See `DetectionState`."""
        known = self._known()
        current = {match.finding.finding_id for match in matches}
        again = self._found_again(evaluated)
        gone = {id_: one.record for id_, one in known.items() if id_ not in current and again(one)}
        heirs = heirs_of(gone, [match.finding for match in matches])
        replaced: defaultdict[str, set[str]] = defaultdict(set)
        for old, heir in heirs.items():
            replaced[heir] |= {old, *gone[old]["replaces"]}
        written = [
            _with_revision(match, known.get(match.finding.finding_id), replaced[match.finding.finding_id])
            for match in matches
        ]
        self._write_findings(written, gone)
        for old, heir in heirs.items():
            self._db.execute(ALIASES.update().where(ALIASES.c.finding_id == old).values(finding_id=heir))
            self._upsert(ALIASES, [{"old_id": old, "finding_id": heir}])
            pass_on(self._db, old, heir)
        self._write_risk(risk, current | set(gone))
        return Written(
            written,
            {
                match.finding.finding_id: change
                for match in written
                if (change := _change(match.finding, known, gone)) is not None
            },
            [record for id_, record in gone.items() if id_ not in heirs],
        )

    def _known(self) -> dict[str, KnownFinding]:
        return {
            id_: KnownFinding(_number(id_, revision), finding_record(id_, text), bool(masked))
            for id_, revision, text, masked in self._db.execute(
                sql.select(FINDINGS.c.finding_id, FINDINGS.c.revision, FINDINGS.c.record, FINDINGS.c.masked)
            )
        }

    def _found_again(self, evaluated: Collection[str]) -> Callable[[KnownFinding], bool]:
        """Whether the run would have found a finding again if it still existed."""
        horizons = self._horizons()
        of_several = max(horizons.values(), default=0.0)

        def again(one: KnownFinding) -> bool:
            record = one.record
            horizon = horizons.get(column_text(record["cluster"], 255), of_several)
            return (
                not one.masked and detection_key(record) in evaluated and epoch_seconds(record["last_time"]) >= horizon
            )

        return again

    def _write_findings(self, written: Sequence[Match], gone: Mapping[str, Any]) -> None:
        for chunk in chunks(list(gone)):
            self._db.execute(FINDINGS.delete().where(FINDINGS.c.finding_id.in_(chunk)))
        self._upsert(
            FINDINGS,
            [
                {
                    "finding_id": one.finding_id,
                    "detection_id": column_text(one.detection.key, 255),
                    "kind": one.kind,
                    "first_time": one.first_time,
                    "visible": one.visible,
                    "priority": one.priority,
                    "revision": one.revision,
                    "record": json.dumps(to_record(one)),
                    "masked": _rests_on_masked(match),
                }
                for match, one in ((match, match.finding) for match in written)
            ],
        )

    def _write_risk(self, risk: Sequence[RiskEvent], replaced: set[str]) -> None:
        """Write risk events, replacing those of the findings in `replaced`."""
        for chunk in chunks(sorted(replaced)):
            self._db.execute(RISK.delete().where(RISK.c.finding_id.in_(chunk)))
        self._upsert(
            RISK,
            [
                {
                    "finding_id": event.finding_id,
                    "object_type": column_text(event.object_type, 32),
                    "object": column_text(event.object, 1024),
                    "time": event.time,
                    "applied": event.applied,
                    "record": json.dumps(_cells(event)),
                }
                for event in risk
            ],
        )

    def _upsert(self, table: sql.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        keys = [column.name for column in table.primary_key]
        for chunk in chunks(rows):
            statement = self._insert(table)
            changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
            self._db.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), chunk)

    def _insert(self, table: sql.Table) -> Any:
        return (postgresql if self.engine.dialect.name == "postgresql" else sqlite).insert(table)


def _number(finding_id: str, revision: Any) -> int:
    with intact(f"the revision of finding {finding_id}"):
        return int(revision)


def _rests_on_masked(match: Match) -> bool:
    return any(event.unmasked is not None for request in match.requests for event in request.events)


def _with_revision(match: Match, known: KnownFinding | None, replaced: Collection[str]) -> Match:
    """The match with its revision, which grows by one if the record has changed."""
    if known is None:
        return match.having(replaces=tuple(sorted(replaced)))
    before = known.record
    now = json.loads(json.dumps(to_record(match.finding)))
    same = not replaced and all(_content(now, name) == _content(before, name) for name in now if name not in _VOLATILE)
    return match.having(revision=known.revision + (not same), replaces=tuple(sorted({*before["replaces"], *replaced})))


def _change(
    finding: Finding, known: Mapping[str, KnownFinding], gone: Mapping[str, Mapping[str, Any]]
) -> Change | None:
    """What was changed of a finding; None if nothing was."""
    before = known.get(finding.finding_id)
    if before is None:
        old = [gone[id_] for id_ in finding.replaces if id_ in gone]
        return Change("revised", any(_rose(finding, one) for one in old)) if old else Change("new", True)
    if finding.revision == before.revision:
        return None
    return Change("revised", _rose(finding, before.record))


def _rose(finding: Finding, before: Mapping[str, Any]) -> bool:
    return (
        (finding.visible and not before["visible"])
        or finding.priority > before["priority"]
        or finding.risk_score > before["risk_score"]
    )


def _content(record: Mapping[str, Any], name: str) -> Any:
    """A member of a record as far as it counts as content: where a request was first read does not."""
    if name != "requests":
        return record.get(name)
    return [{key: value for key, value in one.items() if key != "source"} for one in record["requests"]]


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
