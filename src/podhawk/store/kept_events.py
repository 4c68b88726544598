"""Events in the database, and what is kept of them: the methods of `KeptEvidence`."""

from __future__ import annotations

import json
import time as clock
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sql
from sqlalchemy.engine import Connection

from podhawk.detect.increment.evidence import (
    Changed,
    EventKind,
    KeptEvent,
    Notes,
    WantedEvent,
    component_hash,
    credential_hash,
    place_hash,
    within,
)
from podhawk.detect.increment.kept import Interval
from podhawk.detect.requests.components import Credentials, homes_of, issue_of, shows_home
from podhawk.detect.requests.owner_writes import Write
from podhawk.detect.requests.request import Request
from podhawk.engine.wire import dump
from podhawk.events.event import AuditEvent
from podhawk.events.redaction.mask import Redaction
from podhawk.events.redaction.record import redacted
from podhawk.store.event_memory import EventMemory
from podhawk.store.event_rows import rows_of, stored_fingerprint, wanted_rows
from podhawk.store.intact import intact, kept_event
from podhawk.store.keys import chunks, column_text
from podhawk.store.rows import insert, upsert
from podhawk.store.schema import EVENTS, FINDINGS, HOMES, ISSUED, WANTED, WRITES

DAY: Final = 86_400.0
RETAINED: Final = 30
"""Days for which events are kept unless a run says otherwise, counted back from the newest event or from today,
whichever is earlier. Findings are kept for ever."""
WAITING: Final = DAY
"""Seconds for which the end of a request is kept whose start no search has selected."""


class SqlEvidence:
    """The events and the evidence of a state."""

    def __init__(
        self,
        connection: Connection,
        redaction: Redaction | None,
        retention: int = RETAINED,
        memory: EventMemory | None = None,
    ) -> None:
        self._db = connection
        self._redaction = redaction
        self._retention = retention
        self._memory = memory

    def notes_of(self, event: AuditEvent) -> Notes | None:
        """See `KeptEvidence`."""
        return self._memory.notes_of(event) if self._memory is not None else None

    def events_of(self, requests: Collection[str]) -> list[tuple[str, AuditEvent]]:
        """See `KeptEvidence`."""
        if self._memory is not None and self._redaction is None:
            return self._remembered(self._memory, requests)
        query = sql.select(EVENTS.c.fingerprint, EVENTS.c.data).order_by(EVENTS.c.time, EVENTS.c.fingerprint)
        found = [
            (key, kept_event(key, data))
            for chunk in chunks(sorted(requests))
            for key, data in self._db.execute(query.where(EVENTS.c.request.in_(chunk)))
        ]
        return self._masked(found)

    def events_at(self, fingerprints: Collection[str]) -> dict[str, AuditEvent]:
        """See `KeptEvidence`."""
        if self._memory is not None and self._redaction is None:
            return self._read_once(self._memory, sorted(set(fingerprints)))
        query = sql.select(EVENTS.c.fingerprint, EVENTS.c.data)
        found = [
            (key, kept_event(key, data))
            for chunk in chunks(sorted(set(fingerprints)))
            for key, data in self._db.execute(query.where(EVENTS.c.fingerprint.in_(chunk)))
        ]
        return dict(self._masked(found))

    def _remembered(self, memory: EventMemory, requests: Collection[str]) -> list[tuple[str, AuditEvent]]:
        """The events of requests, of which each is read from the database once."""
        place = EVENTS.c.time, EVENTS.c.fingerprint
        keys = [
            key
            for chunk in chunks(sorted(requests))
            for _, key in self._db.execute(sql.select(*place).where(EVENTS.c.request.in_(chunk)).order_by(*place))
        ]
        found = self._read_once(memory, keys)
        return [(key, found[key]) for key in keys]

    def _read_once(self, memory: EventMemory, keys: Sequence[str]) -> dict[str, AuditEvent]:
        query = sql.select(EVENTS.c.fingerprint, EVENTS.c.data)

        def read(some: Sequence[str]) -> list[tuple[str, bytes]]:
            return [(key, data) for key, data in self._db.execute(query.where(EVENTS.c.fingerprint.in_(some)))]

        return memory.events(keys, read)

    def _masked(self, found: Sequence[tuple[str, AuditEvent]]) -> list[tuple[str, AuditEvent]]:
        """Events as they are masked now; what a podhawk before redaction kept is replaced."""
        if self._redaction is None:
            return list(found)
        masked = [(key, event, redacted(event, self._redaction)) for key, event in found]
        stale = [(key, after) for key, before, after in masked if after is not before]
        self.replace(stale)
        return [(key, after) for key, _, after in masked]

    def replace(self, stale: Sequence[tuple[str, AuditEvent]]) -> None:
        """Replace events, by their fingerprints, by what they are when they are masked."""
        if stale and self._db.dialect.name == "sqlite":
            self._db.exec_driver_sql("PRAGMA secure_delete=ON")
        for key, event in stale:
            self._db.execute(
                EVENTS.update()
                .where(EVENTS.c.fingerprint == key)
                .values(data=dump(event), fingerprint=stored_fingerprint(event))
            )

    def keep(self, events: Iterable[KeptEvent], waiting: Iterable[KeptEvent]) -> None:
        """See `KeptEvidence`. Events that are too old are deleted."""
        self.keep_rows(rows_of(events, waiting))

    def keep_rows(self, rows: Sequence[tuple[Mapping[str, Any], KeptEvent]]) -> None:
        """The same for events of which the rows have been made."""
        for chunk in chunks([row for row, _ in rows]):
            self._db.execute(insert(self._db, EVENTS).on_conflict_do_nothing(), chunk)
        if self._memory is not None and self._redaction is None:
            for row, one in rows:
                self._memory.keep(row["fingerprint"], one, len(row["data"]))
        others = EVENTS.alias()
        alone = ~sql.exists().where(others.c.request == EVENTS.c.request, ~others.c.waiting)
        for cluster, horizon in self.horizons().items():
            for table in (EVENTS, WANTED):
                old = (table.c.cluster == cluster) & (table.c.time < horizon) & (table.c.time > 0)
                self._db.execute(table.delete().where(old))
            until = horizon + self._retention * DAY - WAITING
            late = (EVENTS.c.cluster == cluster) & EVENTS.c.waiting & (EVENTS.c.time < until)
            self._db.execute(EVENTS.delete().where(late & alone))

    def horizons(self) -> dict[str, float]:
        """The time of each cluster before which its events are deleted: logs of different clusters may be of different
        years. An event dated in the future does not move it past today."""
        found: dict[str, float] = {}
        newest, following = sql.func.max(EVENTS.c.time), sql.func.min(EVENTS.c.cluster)
        cluster = self._db.execute(sql.select(following)).scalar()
        while cluster is not None:  # a step for each cluster: no look at every event
            time = self._db.execute(sql.select(newest).where(EVENTS.c.cluster == cluster)).scalar()
            with intact("the time of an event"):
                found[str(cluster)] = bounded(float(time or 0.0)) - self._retention * DAY
            cluster = self._db.execute(sql.select(following).where(EVENTS.c.cluster > cluster)).scalar()
        return found

    def learn_credentials(self, requests: Iterable[Request], changed: Changed) -> None:
        """See `KeptEvidence`."""
        issued: dict[str, tuple[float, list[str], str]] = {}
        homes: dict[tuple[Any, ...], str] = {}
        for request in requests:
            issue, cluster = issue_of(request), request.key.cluster
            if issue is not None:
                rank = [*msgspec.structs.astuple(request.key)]
                one = (request.last.time or 0.0, rank, issue.issuer)
                key = credential_hash(cluster, issue.id)
                issued[key] = max(issued.get(key, one), one)
            shown = shows_home(request, issue)
            if shown is not None:
                row = column_text(cluster, 255), column_text(shown[0], 255), column_text(shown[1], 255)
                homes[*row, issue is not None] = component_hash(cluster, shown[0])
        self._learn_issuers(issued, changed)
        self._learn_homes(homes, changed)

    def _learn_issuers(self, issued: Mapping[str, tuple[float, list[str], str]], changed: Changed) -> None:
        known = {
            key: (time, json.loads(rank), issuer)
            for chunk in chunks(sorted(issued))
            for key, issuer, time, rank in self._db.execute(sql.select(ISSUED).where(ISSUED.c.credential.in_(chunk)))
        }
        new = {key: one for key, one in issued.items() if key not in known or one > known[key]}
        changed.credentials |= {key for key, one in new.items() if key not in known or known[key][2] != one[2]}
        self.put_issuers(
            [
                {"credential": key, "issuer": issuer, "time": time, "rank": json.dumps(rank)}
                for key, (time, rank, issuer) in new.items()
            ]
        )

    def put_issuers(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write who issued credentials."""
        upsert(self._db, ISSUED, rows)

    def _learn_homes(self, homes: Mapping[tuple[Any, ...], str], changed: Changed) -> None:
        known = self.homes() if homes else set()
        new = {row: component for row, component in homes.items() if row not in known}
        changed.components |= set(new.values())
        self.put_homes(list(new))

    def put_homes(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write from which addresses components work."""
        names = [column.name for column in HOMES.columns]
        for chunk in chunks(rows):
            made = [dict(zip(names, row, strict=True)) for row in chunk]
            self._db.execute(insert(self._db, HOMES).on_conflict_do_nothing(), made)

    def learn_writes(self, writes: Mapping[str, Write | None], changed: Changed) -> None:
        """See `KeptEvidence`."""
        known = {
            row.request: row
            for chunk in chunks(sorted(writes))
            for row in self._db.execute(sql.select(WRITES).where(WRITES.c.request.in_(chunk)))
        }
        gone, new = [], []
        for request, write in writes.items():
            before = known.get(request)
            data = msgspec.msgpack.encode(write) if write is not None else None
            if (None if before is None else bytes(before.data)) == data:
                continue
            if before is not None:
                _earlier(changed.places, before.place, before.time)
                gone.append(request)
            if write is not None:
                place = place_hash(write.cluster, write.namespace)
                _earlier(changed.places, place, write.time)
                new.append(
                    {
                        "request": request,
                        "place": place,
                        "cluster": column_text(write.cluster, 255),
                        "time": write.time,
                        "data": data,
                    }
                )
        self.put_writes(gone, new)

    def put_writes(self, gone: Sequence[str], new: Sequence[Mapping[str, Any]]) -> None:
        """Write changes of owners, in place of those of some requests."""
        for chunk in chunks(gone):
            self._db.execute(WRITES.delete().where(WRITES.c.request.in_(chunk)))
        upsert(self._db, WRITES, new)

    def credentials_of(self, credentials: Collection[tuple[str, str]]) -> Credentials:
        """See `KeptEvidence`."""
        names = {credential_hash(*one): one for one in credentials}
        issuers = {names[key]: issuer for key, issuer in self.issuers(sorted(names)).items()}
        issuing: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        working: defaultdict[str, set[str]] = defaultdict(set)
        for cluster, component, address, shows_tokens in self.homes():
            (issuing[cluster, component] if shows_tokens else working[cluster]).add(address)
        return Credentials(issuers, homes_of(issuing, working))

    def issuers(self, credentials: Sequence[str]) -> dict[str, str]:
        """Who issued some credentials, by hash."""
        query = sql.select(ISSUED.c.credential, ISSUED.c.issuer)
        return {
            key: issuer
            for chunk in chunks(credentials)
            for key, issuer in self._db.execute(query.where(ISSUED.c.credential.in_(chunk)))
        }

    def homes(self) -> set[tuple[Any, ...]]:
        """The rows of the addresses of components."""
        return {tuple(row) for row in self._db.execute(sql.select(HOMES))}

    def writes_in(self, places: Collection[str]) -> list[Write]:
        """See `KeptEvidence`."""
        found = []
        for request, data in self.written(places).items():
            with intact(f"the change of an owner {request}"):
                found.append(msgspec.msgpack.decode(data, type=Write))
        return found

    def written(self, places: Collection[str]) -> dict[str, bytes]:
        """The changes of owners in places, as they are kept, by request."""
        query = sql.select(WRITES.c.request, WRITES.c.data)
        return {
            request: data
            for chunk in chunks(sorted(places))
            for request, data in self._db.execute(query.where(WRITES.c.place.in_(chunk)))
        }

    def depending(self, changed: Changed) -> set[str]:
        """See `KeptEvidence`."""
        found: set[str] = set()
        query = sql.select(EVENTS.c.request).distinct()
        for place, time in changed.places.items():
            found.update(self._db.execute(query.where(EVENTS.c.place == place, EVENTS.c.time >= time)).scalars())
        for column, keys in ((EVENTS.c.credential, changed.credentials), (EVENTS.c.component, changed.components)):
            for chunk in chunks(sorted(keys)):
                found.update(self._db.execute(query.where(column.in_(chunk))).scalars())
        return found

    def keep_wanted(self, wanted: Iterable[WantedEvent]) -> None:
        """See `KeptEvidence`."""
        self.put_wanted(wanted_rows(wanted))

    def put_wanted(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write which events aggregate plans want."""
        for chunk in chunks(rows):
            self._db.execute(insert(self._db, WANTED).on_conflict_do_nothing(), chunk)

    def episodes(
        self, detection: str, cluster: str, changed: Mapping[str, Sequence[Interval]]
    ) -> dict[str, list[Interval]]:
        """See `KeptEvidence`."""
        found: defaultdict[str, list[Interval]] = defaultdict(list)
        for _, by_key, first, last in windows_of(self._db, detection, cluster, changed):
            found[by_key].append((first, last))
        return found

    def kinds(self, detection: str, cluster: str, by_keys: Collection[str], span: Interval) -> list[EventKind]:
        """See `KeptEvidence`."""
        by = WANTED.c.by_key, WANTED.c.alike
        count, one = sql.func.count(), sql.func.min(WANTED.c.fingerprint)
        query = sql.select(*by, count, one).where(*_wanted_by(detection, cluster), WANTED.c.time.between(*span))
        return [
            EventKind(*row)
            for chunk in chunks(sorted(by_keys))
            for row in self._db.execute(query.where(WANTED.c.by_key.in_(chunk)).group_by(*by))
        ]

    def wanted(
        self, detection: str, cluster: str, spans: Mapping[str, Sequence[Interval]]
    ) -> dict[str, frozenset[tuple[str, str]]]:
        """See `KeptEvidence`."""
        query = sql.select(WANTED.c.request, WANTED.c.fingerprint).where(*_wanted_by(detection, cluster))
        found: dict[str, frozenset[tuple[str, str]]] = {}
        for by_key, some in spans.items():
            own = query.where(WANTED.c.by_key == by_key)
            rows = [row for span in some for row in self._db.execute(own.where(WANTED.c.time.between(*span)))]
            for _, end in some if not by_key else ():
                following = own.where(WANTED.c.time > end).order_by(WANTED.c.time, WANTED.c.fingerprint).limit(1)
                rows += self._db.execute(following)
            found[by_key] = frozenset((request, print_) for request, print_ in rows)
        return found


def bounded(time: float) -> float:
    """The time of an event, at most now."""
    return min(time, clock.time())


def _wanted_by(detection: str, cluster: str) -> tuple[Any, Any]:
    return WANTED.c.detection_id == column_text(detection, 255), WANTED.c.cluster == column_text(cluster, 255)


def windows_of(
    connection: Connection, detection: str, cluster: str, spans: Mapping[str, Sequence[Interval]]
) -> list[tuple[str, str, float, float]]:
    """The findings of an aggregate plan that have a window within some spans, by by-key: each with its id, its by-key,
    and its first and last window."""
    found: list[tuple[str, str, float, float]] = []
    for chunk in chunks(sorted(spans)):
        query = sql.select(
            FINDINGS.c.finding_id, FINDINGS.c.by_key, FINDINGS.c.first_window, FINDINGS.c.last_window
        ).where(
            FINDINGS.c.detection_id == column_text(detection, 255),
            FINDINGS.c.cluster == column_text(cluster, 255),
            FINDINGS.c.by_key.in_(chunk),
            FINDINGS.c.last_window >= min(spans[key][0][0] for key in chunk),
            FINDINGS.c.first_window <= max(spans[key][-1][1] for key in chunk),
        )
        found += [
            (id_, key, first, last)
            for id_, key, first, last in connection.execute(query)
            if within(spans[key], first, last)
        ]
    return found


def _earlier(places: dict[str, float], place: str, time: float) -> None:
    places[place] = min(time, places.get(place, time))
