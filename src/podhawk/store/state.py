"""What runs remember, in SQL: events, findings, risk (`podhawk.detect.increment.memory.Memory`)."""

from __future__ import annotations

import contextlib
import json
import time as clock
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from podhawk.detect.evaluate.match import Match
from podhawk.detect.finding import Finding
from podhawk.detect.increment.memory import Earlier
from podhawk.detect.report.finding_json import record
from podhawk.detect.report.recorded import epoch, finding_of, key_of_detection, key_of_record
from podhawk.detect.requests.collected import fingerprint
from podhawk.detect.risk.dataset import event_of, row_of
from podhawk.detect.risk.event import RiskEvent
from podhawk.engine.spark.wire import dump, load
from podhawk.events.event import AuditEvent
from podhawk.events.kept import Kept
from podhawk.rows.values import as_text
from podhawk.store.database import open_engine, transaction
from podhawk.store.schema import ALIASES, EVENTS, FINDINGS, RISK
from podhawk.store.triage import pass_on

DAY: Final = 86_400.0
RETAINED: Final = 30
"""Days for which events are kept, counted back from the newest one, or from today where that is earlier. The findings
that they made stay."""
CHUNK: Final = 500
_VOLATILE: Final = ("revision", "replaces", "status", "disposition", "assignee")
"""Members of a finding that are not of its making."""


class Known(NamedTuple):
    """A finding as it was written."""

    revision: int
    record: Mapping[str, Any]


class SqlMemory:
    """The memory of a state."""

    def __init__(self, state: str) -> None:
        self.engine: Engine = open_engine(state)
        self._connection: Connection | None = None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else reads or writes until the block ends."""
        with transaction(self.engine) as connection:
            self._connection = connection
            try:
                yield
            finally:
                self._connection = None

    @property
    def _db(self) -> Connection:
        assert self._connection is not None, "use a memory only within `locked`"
        return self._connection

    def events(self) -> Sequence[Kept]:
        """The events that were kept, oldest first."""
        rows = self._db.execute(sql.select(EVENTS.c.data).order_by(EVENTS.c.time, EVENTS.c.fingerprint))
        return [load(bytes(data)) for (data,) in rows]

    def keep(self, events: Iterable[AuditEvent]) -> None:
        """Keep events, and let those go that are older than is retained."""
        found = [
            {
                "fingerprint": f"{fingerprint(event).hex()}{_short(event.cluster)}",
                "data": dump(event),
                "time": event.stage_time or event.time or 0.0,
            }
            for event in events
        ]
        for chunk in _chunks(found):
            self._db.execute(self._insert(EVENTS).on_conflict_do_nothing(), chunk)
        self._db.execute(EVENTS.delete().where(EVENTS.c.time < self._horizon(), EVENTS.c.time > 0))

    def _horizon(self) -> float:
        """The time from which on events are kept. One that says it comes from the future makes nothing older."""
        newest = self._db.execute(sql.select(sql.func.max(EVENTS.c.time))).scalar() or 0.0
        return min(newest, clock.time()) - RETAINED * DAY

    def earlier(self, matches: Sequence[Match], anew: Collection[str]) -> Earlier:
        """See `Memory`."""
        current = {match.finding.finding_id for match in matches}
        again = self._found_again(anew)
        stays = {
            id_: Match(finding_of(one.record), ())
            for id_, one in self._known().items()
            if id_ not in current and one.record["kind"] != "incident" and not again(one.record)
        }
        cells = [json.loads(text) for (text,) in self._db.execute(sql.select(RISK.c.record))] if stays else []
        risk = [event_of(row, stays[row["finding_id"]].finding) for row in cells if row["finding_id"] in stays]
        return Earlier(list(stays.values()), risk)

    def settle(self, matches: Sequence[Match], risk: Sequence[RiskEvent], anew: Collection[str]) -> list[Match]:
        """See `Memory`."""
        known = self._known()
        current = {match.finding.finding_id for match in matches}
        again = self._found_again(anew)
        gone = {id_: one.record for id_, one in known.items() if id_ not in current and again(one.record)}
        heirs = heirs_of(gone, [match.finding for match in matches])
        replaced: defaultdict[str, set[str]] = defaultdict(set)
        for old, heir in heirs.items():
            replaced[heir] |= {old, *gone[old]["replaces"]}
        settled = [
            _settled(match, known.get(match.finding.finding_id), replaced[match.finding.finding_id])
            for match in matches
        ]
        self._write_findings(settled, gone)
        for old, heir in heirs.items():
            self._db.execute(ALIASES.update().where(ALIASES.c.finding_id == old).values(finding_id=heir))
            self._upsert(ALIASES, [{"old_id": old, "finding_id": heir}])
            pass_on(self._db, old, heir)
        self._write_risk(risk, current | set(gone))
        return settled

    def _known(self) -> dict[str, Known]:
        return {
            id_: Known(revision, json.loads(text))
            for id_, revision, text in self._db.execute(
                sql.select(FINDINGS.c.finding_id, FINDINGS.c.revision, FINDINGS.c.record)
            )
        }

    def _found_again(self, anew: Collection[str]) -> Callable[[Mapping[str, Any]], bool]:
        """Whether a finding is one that a run would have found again, were it still there."""
        horizon = self._horizon()
        return lambda record: key_of_record(record) in anew and epoch(record["last_time"]) >= horizon

    def _write_findings(self, settled: Sequence[Match], gone: Mapping[str, Any]) -> None:
        for chunk in _chunks(list(gone)):
            self._db.execute(FINDINGS.delete().where(FINDINGS.c.finding_id.in_(chunk)))
        self._upsert(
            FINDINGS,
            [
                {
                    "finding_id": one.finding_id,
                    "detection_id": column_text(key_of_detection(one.detection), 255),
                    "kind": one.kind,
                    "first_time": one.first_time,
                    "visible": one.visible,
                    "priority": one.priority,
                    "revision": one.revision,
                    "record": json.dumps(record(one)),
                }
                for one in (match.finding for match in settled)
            ],
        )

    def _write_risk(self, risk: Sequence[RiskEvent], replaced: set[str]) -> None:
        """The risk of findings in place of what these added before."""
        for chunk in _chunks(sorted(replaced)):
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
        for chunk in _chunks(rows):
            statement = self._insert(table)
            changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
            self._db.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), chunk)

    def _insert(self, table: sql.Table) -> Any:
        return (postgresql if self.engine.dialect.name == "postgresql" else sqlite).insert(table)


def _chunks(items: Sequence[Any]) -> Iterator[Any]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _short(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _settled(match: Match, known: Known | None, replaced: Collection[str]) -> Match:
    """A match with its revision: one more where what is said of it has changed."""
    if known is None:
        return match.having(replaces=tuple(sorted(replaced)))
    before = known.record
    now = json.loads(json.dumps(record(match.finding)))
    same = not replaced and all(now[name] == before.get(name) for name in now if name not in _VOLATILE)
    return match.having(revision=known.revision + (not same), replaces=tuple(sorted({*before["replaces"], *replaced})))


def heirs_of(gone: Mapping[str, Mapping[str, Any]], findings: Sequence[Finding]) -> dict[str, str]:
    """Which finding stands in the place of each that is gone: of the same detection, about one of its requests."""
    if not gone:
        return {}
    by_request: dict[tuple[str, ...], str] = {}
    for one in findings:
        for info in one.requests:
            by_request.setdefault(
                (key_of_detection(one.detection), one.cluster, info.audit_id, info.received, info.user, info.uri),
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
                            key_of_record(text),
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


def column_text(text: str, most: int) -> str:
    """A text as a database takes it as part of a key: no longer than the column is, without what no column holds. Texts
    that differ stay different."""
    safe = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return safe if safe == text and len(safe) <= most else f"{safe[: most - 17]}-{_short(text)}"


def _cells(event: RiskEvent) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else as_text(value) for name, value in row_of(event).items()}
