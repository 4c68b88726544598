"""Events and evidence as they will be when an increment has been written: what the database holds, and what is new.

An increment is evaluated while others may write. Nothing is written until the evaluation is done; what it learns is
kept here, and answers later questions. It is written by asking the same of `SqlEvidence`, within the lock, if nobody
has written to the state since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from podhawk.detect.increment.evidence import Changed, EventKind, KeptEvent
from podhawk.detect.increment.kept import Interval
from podhawk.events.event import AuditEvent
from podhawk.events.redaction.mask import Redaction
from podhawk.store.event_memory import EventMemory
from podhawk.store.event_rows import rows_of
from podhawk.store.intact import kept_event
from podhawk.store.kept_events import DAY, SqlEvidence, bounded
from podhawk.store.keys import column_text

_Row = Mapping[str, Any]


class PendingEvidence(SqlEvidence):
    """Evidence with what is not written yet. `void` are the detections, by their column, of which the database does not
    say any more what they want."""

    def __init__(
        self,
        connection: Connection,
        redaction: Redaction | None,
        retention: int,
        void: Collection[str],
        memory: EventMemory | None = None,
    ) -> None:
        super().__init__(connection, redaction, retention, memory)
        self._void = void
        self._later: list[Callable[[SqlEvidence], object]] = []
        self._events: defaultdict[str, dict[str, _Row]] = defaultdict(dict)
        self._horizons: dict[str, float] = {}
        self._issuers: dict[str, str] = {}
        self._homes: set[tuple[Any, ...]] = set()
        self._gone: set[str] = set()
        self._writes: dict[str, _Row] = {}
        self._wanted: defaultdict[tuple[str, str, str], list[_Row]] = defaultdict(list)

    def write_to(self, evidence: SqlEvidence) -> None:
        """Write what is new."""
        for write in self._later:
            write(evidence)

    def replace(self, stale: Sequence[tuple[str, AuditEvent]]) -> None:
        """See `SqlEvidence`."""
        self._later.append(lambda evidence: evidence.replace(stale))

    def keep(self, events: Iterable[KeptEvent], waiting: Iterable[KeptEvent]) -> None:
        """See `KeptEvidence`."""
        rows = rows_of(events, waiting)
        self._later.append(lambda evidence: evidence.keep_rows(rows))
        for row, _ in rows:
            self._events[row["request"]].setdefault(row["fingerprint"], row)
        self._horizons = self.horizons()

    def horizons(self) -> dict[str, float]:
        """See `SqlEvidence`."""
        found = super().horizons()
        newest: dict[str, float] = {}
        for row in (row for some in self._events.values() for row in some.values()):
            newest[row["cluster"]] = max(row["time"], newest.get(row["cluster"], 0.0))
        for cluster, time in newest.items():
            horizon = bounded(time) - self._retention * DAY
            found[cluster] = max(horizon, found.get(cluster, horizon))
        return found

    def events_of(self, requests: Collection[str]) -> list[tuple[str, AuditEvent]]:
        """See `KeptEvidence`."""
        found = {key: event for key, event in super().events_of(requests) if not self._is_over(event)}
        for request in requests:
            for key, row in self._events.get(request, {}).items():
                if key not in found:
                    event = kept_event(key, row["data"])
                    if not self._is_over(event):
                        found[key] = event
        return list(found.items())

    def _is_over(self, event: AuditEvent) -> bool:
        time = event.stage_time or event.time or 0.0
        return 0 < time < self._horizons.get(column_text(event.cluster, 255), 0.0)

    def put_issuers(self, rows: Sequence[_Row]) -> None:
        """See `SqlEvidence`."""
        self._issuers.update((row["credential"], row["issuer"]) for row in rows)
        self._later.append(lambda evidence: evidence.put_issuers(rows))

    def put_homes(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """See `SqlEvidence`."""
        self._homes.update(rows)
        self._later.append(lambda evidence: evidence.put_homes(rows))

    def put_writes(self, gone: Sequence[str], new: Sequence[_Row]) -> None:
        """See `SqlEvidence`."""
        self._gone.update(gone)
        self._writes.update((row["request"], row) for row in new)
        self._later.append(lambda evidence: evidence.put_writes(gone, new))

    def issuers(self, credentials: Sequence[str]) -> dict[str, str]:
        """See `SqlEvidence`."""
        new = {key: self._issuers[key] for key in credentials if key in self._issuers}
        return {**super().issuers(credentials), **new}

    def homes(self) -> set[tuple[Any, ...]]:
        """See `SqlEvidence`."""
        return super().homes() | self._homes

    def written(self, places: Collection[str]) -> dict[str, bytes]:
        """See `SqlEvidence`."""
        found = {request: data for request, data in super().written(places).items() if request not in self._gone}
        return {**found, **{request: row["data"] for request, row in self._writes.items() if row["place"] in places}}

    def depending(self, changed: Changed) -> set[str]:
        """See `KeptEvidence`."""
        found = super().depending(changed)
        for request, events in self._events.items():
            if any(_depends(row, changed) for row in events.values()):
                found.add(request)
        return found

    def put_wanted(self, rows: Sequence[_Row]) -> None:
        """See `SqlEvidence`."""
        self._later.append(lambda evidence: evidence.put_wanted(rows))
        for row in rows:
            self._wanted[row["detection_id"], row["cluster"], row["by_key"]].append(row)

    def kinds(self, detection: str, cluster: str, by_keys: Collection[str], span: Interval) -> list[EventKind]:
        """See `KeptEvidence`. Of an event that is known already there is one more."""
        void = column_text(detection, 255) in self._void
        found = [] if void else super().kinds(detection, cluster, by_keys, span)
        for key in by_keys:
            for row in self._new(detection, cluster, key):
                if span[0] <= row["time"] <= span[1]:
                    found.append(EventKind(key, row["alike"], 1, row["fingerprint"]))
        return found

    def wanted(
        self, detection: str, cluster: str, spans: Mapping[str, Sequence[Interval]]
    ) -> dict[str, frozenset[tuple[str, str]]]:
        """See `KeptEvidence`. There may be several next events."""
        void = column_text(detection, 255) in self._void
        found = {} if void else super().wanted(detection, cluster, spans)
        for key, some in spans.items():
            new: set[tuple[str, str]] = set()
            rows = sorted(self._new(detection, cluster, key), key=lambda row: (row["time"], row["fingerprint"]))
            for start, end in some:
                new.update(_of(row) for row in rows if start <= row["time"] <= end)
                if not key:
                    new.update(_of(row) for row in [row for row in rows if row["time"] > end][:1])
            found[key] = found.get(key, frozenset()) | new
        return found

    def _new(self, detection: str, cluster: str, by_key: str) -> Sequence[_Row]:
        return self._wanted.get((column_text(detection, 255), column_text(cluster, 255), by_key), ())


def _of(row: _Row) -> tuple[str, str]:
    return row["request"], row["fingerprint"]


def _depends(row: _Row, changed: Changed) -> bool:
    place = changed.places.get(row["place"])
    return (
        (place is not None and row["time"] >= place)
        or row["credential"] in changed.credentials
        or row["component"] in changed.components
    )
