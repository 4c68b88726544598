"""What runs remember, in SQL: events, findings, risk (`podhawk.detect.memory.Memory`)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from podhawk.detect.finding import Finding
from podhawk.detect.match import Match
from podhawk.detect.record import record
from podhawk.detect.requests import fingerprint
from podhawk.detect.risk.dataset import row_of
from podhawk.detect.risk.event import RiskEvent
from podhawk.engine.states import dump, load
from podhawk.events.event import AuditEvent
from podhawk.events.kept import Kept
from podhawk.rows.values import as_text
from podhawk.store.database import open_engine, transaction
from podhawk.store.schema import ALIASES, EVENTS, FINDINGS, RISK

DAY: Final = 86_400.0
RETAINED: Final = 30
"""Days for which events are kept, counted back from the newest one. The findings that they made stay."""
CHUNK: Final = 500
_VOLATILE: Final = ("revision", "replaces", "status", "disposition", "assignee")
"""Members of a finding that are not of its making."""


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
        assert self._connection is not None, "a memory is used within `locked`"
        return self._connection

    def events(self) -> Sequence[Kept]:
        """The events that were kept, oldest first."""
        rows = self._db.execute(sql.select(EVENTS.c.data).order_by(EVENTS.c.time, EVENTS.c.fingerprint))
        return [load(bytes(data)) for (data,) in rows]

    def keep(self, events: Iterable[AuditEvent]) -> None:
        """Keep events, and let those go that are older than is retained."""
        found = [{"fingerprint": f"{fingerprint(event).hex()}{_short(event.cluster)}", "data": dump(event),
                  "time": event.stage_time or event.time or 0.0} for event in events]
        for chunk in _chunks(found):
            self._db.execute(self._insert(EVENTS).on_conflict_do_nothing(), chunk)
        newest = self._db.execute(sql.select(sql.func.max(EVENTS.c.time))).scalar()
        if newest is not None:
            self._db.execute(EVENTS.delete().where(EVENTS.c.time < newest - RETAINED * DAY, EVENTS.c.time > 0))

    def settle(self, matches: Sequence[Match], risk: Sequence[RiskEvent]) -> list[Match]:
        """Write findings and risk; see `Memory`."""
        horizon = min((match.finding.first_time for match in matches), default=0.0)
        known = {id_: (revision, json.loads(text)) for id_, revision, text in self._db.execute(
            sql.select(FINDINGS.c.finding_id, FINDINGS.c.revision, FINDINGS.c.record))}
        current = {match.finding.finding_id for match in matches}
        gone = {id_: text for id_, (_, text) in known.items() if id_ not in current and _time(text) >= horizon - 1}
        heirs = _heirs(gone, [match.finding for match in matches if match.finding.finding_id not in known])
        settled = [_settled(match, known.get(match.finding.finding_id), heirs) for match in matches]
        self._write_findings(settled, gone)
        for old, heir in heirs.items():
            self._db.execute(ALIASES.update().where(ALIASES.c.finding_id == old).values(finding_id=heir))
            self._upsert(ALIASES, [{"old_id": old, "finding_id": heir}])
        self._write_risk(risk, current | set(gone))
        return settled

    def _write_findings(self, settled: Sequence[Match], gone: Mapping[str, Any]) -> None:
        for chunk in _chunks(list(gone)):
            self._db.execute(FINDINGS.delete().where(FINDINGS.c.finding_id.in_(chunk)))
        self._upsert(FINDINGS, [{
            "finding_id": one.finding_id, "detection_id": one.detection.id or one.detection.name, "kind": one.kind,
            "first_time": one.first_time, "visible": one.visible, "priority": one.priority, "revision": one.revision,
            "record": json.dumps(record(one), ensure_ascii=False)} for one in (match.finding for match in settled)])

    def _write_risk(self, risk: Sequence[RiskEvent], replaced: set[str]) -> None:
        """The risk of findings in place of what these added before."""
        for chunk in _chunks(sorted(replaced)):
            self._db.execute(RISK.delete().where(RISK.c.finding_id.in_(chunk)))
        self._upsert(RISK, [{
            "finding_id": event.finding_id, "object_type": event.object_type, "object": event.object[:1024],
            "time": event.time, "applied": event.applied, "record": json.dumps(_cells(event), ensure_ascii=False)}
            for event in risk])

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


def _time(text: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(text["first_time"]).timestamp() if text["first_time"] else 0.0


def _settled(match: Match, known: tuple[int, Mapping[str, Any]] | None, heirs: Mapping[str, str]) -> Match:
    """A match with its revision: one more where what is said of it has changed."""
    finding = match.finding
    if known is None:
        replaced = tuple(sorted(old for old, heir in heirs.items() if heir == finding.finding_id))
        return match.having(replaces=replaced)
    revision, before = known
    now = json.loads(json.dumps(record(finding)))
    same = all(now[name] == before.get(name) for name in now if name not in _VOLATILE)
    return match.having(revision=revision if same else revision + 1, replaces=tuple(before.get("replaces", ())))


def _heirs(gone: Mapping[str, Mapping[str, Any]], new: Sequence[Finding]) -> dict[str, str]:
    """Which new finding stands in the place of each that is gone: of the same detection, about one of its requests."""
    by_request: dict[tuple[str, ...], str] = {}
    for one in new:
        for info in one.requests:
            about = (one.detection.id or one.detection.name, info.audit_id, info.received)
            by_request.setdefault(about, one.finding_id)
    found: dict[str, str] = {}
    for id_, text in gone.items():
        name = text["detection"]["id"] or text["detection"]["name"]
        heir = next((heir for info in text["requests"]
                     if (heir := by_request.get((name, info["audit_id"], info["received"])))), None)
        if heir is not None:
            found[id_] = heir
    return found


def _cells(event: RiskEvent) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else as_text(value) for name, value in row_of(event).items()}
