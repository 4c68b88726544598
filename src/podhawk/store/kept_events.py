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
    KeptEvent,
    Notes,
    WantedEvent,
    component_hash,
    credential_hash,
    place_hash,
)
from podhawk.detect.increment.kept import Interval
from podhawk.detect.requests.collected import fingerprint
from podhawk.detect.requests.components import Credentials, homes_of, issue_of, shows_home
from podhawk.detect.requests.owner_writes import Write
from podhawk.detect.requests.request import Request
from podhawk.engine.wire import dump
from podhawk.events.event import AuditEvent
from podhawk.events.redaction.mask import Redaction
from podhawk.events.redaction.record import redacted
from podhawk.store.event_memory import EventMemory
from podhawk.store.intact import intact, kept_event
from podhawk.store.keys import chunks, column_text, short
from podhawk.store.rows import insert, upsert
from podhawk.store.schema import EVENTS, FINDINGS, HOMES, ISSUED, WANTED, WRITES

DAY: Final = 86_400.0
RETAINED: Final = 30
"""Days for which events are kept, counted back from the newest event or from today, whichever is earlier. Findings are
kept for ever."""
WAITING: Final = DAY
"""Seconds for which the end of a request is kept whose start no search has selected."""


class SqlEvidence:
    """The events and the evidence of a state."""

    def __init__(self, connection: Connection, redaction: Redaction | None, memory: EventMemory | None = None) -> None:
        self._db = connection
        self._redaction = redaction
        self._memory = memory

    def notes_of(self, event: AuditEvent) -> Notes | None:
        """See `KeptEvidence`."""
        return self._memory.notes_of(event) if self._memory is not None else None

    def events_of(self, requests: Collection[str]) -> list[AuditEvent]:
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

    def _remembered(self, memory: EventMemory, requests: Collection[str]) -> list[AuditEvent]:
        """The same, where each event is read from the database once."""
        place = EVENTS.c.time, EVENTS.c.fingerprint
        keys = [
            key
            for chunk in chunks(sorted(requests))
            for _, key in self._db.execute(sql.select(*place).where(EVENTS.c.request.in_(chunk)).order_by(*place))
        ]
        found = {key: event for key in keys if (event := memory.event(key)) is not None}
        query = sql.select(EVENTS.c.fingerprint, EVENTS.c.data)
        for chunk in chunks(sorted({*keys} - found.keys())):
            for key, data in self._db.execute(query.where(EVENTS.c.fingerprint.in_(chunk))):
                found[key] = event = kept_event(key, data)
                memory.add(key, event, len(data))
        return [found[key] for key in keys]

    def _masked(self, found: Sequence[tuple[str, AuditEvent]]) -> list[AuditEvent]:
        """Events as they are masked now; what a podhawk before redaction kept is replaced."""
        if self._redaction is None:
            return [event for _, event in found]
        masked = [(key, event, redacted(event, self._redaction)) for key, event in found]
        stale = [(key, after) for key, before, after in masked if after is not before]
        if stale and self._db.dialect.name == "sqlite":
            self._db.exec_driver_sql("PRAGMA secure_delete=ON")
        for key, event in stale:
            self._db.execute(
                EVENTS.update()
                .where(EVENTS.c.fingerprint == key)
                .values(data=dump(event), fingerprint=_fingerprint(event))
            )
        return [after for _, _, after in masked]

    def keep(self, events: Iterable[KeptEvent], waiting: Iterable[KeptEvent]) -> None:
        """See `KeptEvidence`. Events that are older than `RETAINED` days are deleted."""
        found = [*(_row(one, waits=False) for one in events), *(_row(one, waits=True) for one in waiting)]
        for chunk in chunks(found):
            self._db.execute(insert(self._db, EVENTS).on_conflict_do_nothing(), chunk)
        others = EVENTS.alias()
        alone = ~sql.exists().where(others.c.request == EVENTS.c.request, ~others.c.waiting)
        for cluster, horizon in self.horizons().items():
            for table in (EVENTS, WANTED):
                old = (table.c.cluster == cluster) & (table.c.time < horizon) & (table.c.time > 0)
                self._db.execute(table.delete().where(old))
            until = horizon + RETAINED * DAY - WAITING
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
                found[str(cluster)] = min(float(time or 0.0), clock.time()) - RETAINED * DAY
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
        upsert(
            self._db,
            ISSUED,
            [
                {"credential": key, "issuer": issuer, "time": time, "rank": json.dumps(rank)}
                for key, (time, rank, issuer) in new.items()
            ],
        )

    def _learn_homes(self, homes: Mapping[tuple[Any, ...], str], changed: Changed) -> None:
        known = {tuple(row) for row in self._db.execute(sql.select(HOMES))} if homes else set()
        new = {row: component for row, component in homes.items() if row not in known}
        changed.components |= set(new.values())
        names = [column.name for column in HOMES.columns]
        for chunk in chunks(list(new)):
            rows = [dict(zip(names, row, strict=True)) for row in chunk]
            self._db.execute(insert(self._db, HOMES).on_conflict_do_nothing(), rows)

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
        for chunk in chunks(gone):
            self._db.execute(WRITES.delete().where(WRITES.c.request.in_(chunk)))
        upsert(self._db, WRITES, new)

    def credentials_of(self, credentials: Collection[tuple[str, str]]) -> Credentials:
        """See `KeptEvidence`."""
        names = {credential_hash(*one): one for one in credentials}
        issuers = {
            names[key]: issuer
            for chunk in chunks(sorted(names))
            for key, issuer in self._db.execute(
                sql.select(ISSUED.c.credential, ISSUED.c.issuer).where(ISSUED.c.credential.in_(chunk))
            )
        }
        issuing: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        working: defaultdict[str, set[str]] = defaultdict(set)
        for cluster, component, address, shows_tokens in self._db.execute(sql.select(HOMES)):
            (issuing[cluster, component] if shows_tokens else working[cluster]).add(address)
        return Credentials(issuers, homes_of(issuing, working))

    def writes_in(self, places: Collection[str]) -> list[Write]:
        """See `KeptEvidence`."""
        found = []
        for chunk in chunks(sorted(places)):
            for request, data in self._db.execute(
                sql.select(WRITES.c.request, WRITES.c.data).where(WRITES.c.place.in_(chunk))
            ):
                with intact(f"the change of an owner {request}"):
                    found.append(msgspec.msgpack.decode(data, type=Write))
        return found

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

    def every_request(self) -> set[str]:
        """All requests of which events are kept."""
        return set(self._db.execute(sql.select(EVENTS.c.request).distinct()).scalars())

    def keep_wanted(self, wanted: Iterable[WantedEvent]) -> None:
        """See `KeptEvidence`."""
        rows = [
            {
                "detection_id": column_text(one.detection, 255),
                "cluster": column_text(one.cluster, 255),
                "time": one.time,
                "fingerprint": f"{one.fingerprint}{short(one.cluster)}",
                "request": one.request,
            }
            for one in wanted
        ]
        for chunk in chunks(rows):
            self._db.execute(insert(self._db, WANTED).on_conflict_do_nothing(), chunk)

    def episodes(self, detection: str, cluster: str, changed: Interval) -> list[Interval]:
        """See `KeptEvidence`."""
        query = sql.select(FINDINGS.c.first_window, FINDINGS.c.last_window).where(
            of_windows(detection, cluster, changed)
        )
        return [(first, last) for first, last in self._db.execute(query)]

    def wanted(self, detection: str, cluster: str, span: Interval) -> list[str]:
        """See `KeptEvidence`."""
        here = (WANTED.c.detection_id == column_text(detection, 255)) & (WANTED.c.cluster == column_text(cluster, 255))
        query = sql.select(WANTED.c.request).where(here)
        following = query.where(WANTED.c.time > span[1]).order_by(WANTED.c.time, WANTED.c.fingerprint).limit(1)
        return [
            *self._db.execute(query.where(WANTED.c.time.between(*span)).distinct()).scalars(),
            *self._db.execute(following).scalars(),
        ]


def of_windows(detection: str, cluster: str, span: Interval) -> Any:
    """The findings of an aggregate plan that have a window within a span."""
    return (
        (FINDINGS.c.detection_id == column_text(detection, 255))
        & (FINDINGS.c.cluster == column_text(cluster, 255))
        & (FINDINGS.c.last_window >= span[0])
        & (FINDINGS.c.first_window <= span[1])
    )


def _row(one: KeptEvent, *, waits: bool) -> dict[str, Any]:
    return {
        "fingerprint": _fingerprint(one.event),
        "data": dump(one.event),
        "time": one.event.stage_time or one.event.time or 0.0,
        "cluster": column_text(one.event.cluster, 255),
        "request": one.request,
        "place": one.place,
        "credential": one.credential,
        "component": one.component,
        "waiting": waits,
    }


def _earlier(places: dict[str, float], place: str, time: float) -> None:
    places[place] = min(time, places.get(place, time))


def _fingerprint(event: AuditEvent) -> str:
    return f"{fingerprint(event).hex()}{short(event.cluster)}"
