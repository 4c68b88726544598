"""All tripwires together: what each increment shows, and what is looked at every few seconds.

Renewals of leases commit together with the position, so that a restart neither loses one nor makes a gap. What is told
by the senders, the ages of bodies and the dead letters is read from the inbox, without its bodies.

What is told is told once, and what has been looked at is not looked at again. So whatever a transaction was to write is
kept until it has committed; if it fails, the next look writes it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.detect.finding import Finding
from podhawk.serve.changes import LoggedChange, change_of
from podhawk.serve.changes import make_tables as make_change_table
from podhawk.serve.changes import put as put_changes
from podhawk.serve.inbox.segment import reading as reading_segment
from podhawk.serve.inbox.segment import segments
from podhawk.serve.tripwires.clocks import Ages, OwnClock
from podhawk.serve.tripwires.finding import BUDGET, CLOCK, GAP, LOST, QUIET, TRUNCATED, put, tripwire, withdraw
from podhawk.serve.tripwires.heartbeats import ALONE, HeartbeatGap, Heartbeats, renewals_in
from podhawk.store.database import open_engine, reading, transaction
from podhawk.store.keys import column_text
from podhawk.store.rows import insert, upsert
from podhawk.store.schema import FINDINGS

METADATA: Final = sql.MetaData()
BEATS: Final = sql.Table(
    "podhawk_serve_renewals",
    METADATA,
    sql.Column("cluster", sql.String(255), primary_key=True),
    sql.Column("node", sql.String(255), primary_key=True),
    sql.Column("times", sql.LargeBinary, nullable=False),
)
"""The renewals of each node that are remembered: with them it is told after a restart whether a gap was filled."""
SENDERS: Final = sql.Table(
    "podhawk_serve_senders",
    METADATA,
    sql.Column("sender", sql.String(255), primary_key=True),
    sql.Column("first", sql.Float, nullable=False),
)
"""When each sender was seen first."""
REGULAR: Final = 60.0
"""Seconds for which a sender must have sent, to be missed."""
HOUR: Final = 3600.0


class Lost(Struct, frozen=True):
    """Something that was not evaluated: of whom, of which cluster, when it came, why, its size and SHA-256."""

    sender: str
    cluster: str
    received: float
    error: str
    size: int
    sha256: str


class TripwireNews(Struct, frozen=True):
    """What a look at the tripwires changed: new findings, and the ids of those that are gone."""

    new: Sequence[Finding] = ()
    gone: Sequence[tuple[str, str]] = ()
    """By id and cluster."""


class Tripwires:
    """The tripwires of a state. `quiet` are the seconds after which a sender is missed."""

    def __init__(
        self,
        state: str,
        quiet: float,
        clock: Callable[[], float] = time.time,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._inbox = Path(state) / "inbox"
        self._quiet = quiet
        self._clock, self._passed = clock, passed
        self._started = clock()
        self._own = OwnClock(clock(), passed())
        self._beats: dict[str, Heartbeats] = {}
        self._gaps: dict[str, dict[str, float]] = {}
        """When each gap that was told begins, by cluster and id."""
        self._filled: set[tuple[str, str]] = set()
        """Gaps that were told and have been filled since, by id and cluster."""
        self._ages: dict[str, Ages] = {}
        self._first: dict[str, float] = {}
        self._last_body = self._last_letter = 0
        self._missed: dict[str, float] = {}
        self._waiting: list[Finding] = []
        """What the next look is to tell."""
        self._telling: tuple[list[Finding], set[tuple[str, str]]] = [], set()
        """What the last transaction was to tell and to take back."""
        self._stored: set[str] = set()
        """The senders that the table of senders has."""
        make_change_table(state)
        with transaction(open_engine(state)) as connection:
            METADATA.create_all(connection)
        self.forget()

    def forget(self) -> None:
        """Begin anew from what is kept: an increment failed, and what it showed has not happened. What it was to tell
        is told at the next look."""
        self._undo()
        self._beats = {}
        with reading(self._state) as connection:
            if connection is None:
                return
            for cluster, node, times in connection.execute(sql.select(BEATS)):
                for when in msgspec.msgpack.decode(times, type=list[float]):
                    self._beats.setdefault(cluster, Heartbeats()).add(node, when)
            if sql.inspect(connection).has_table(FINDINGS.name):
                self._recall_gaps(connection)
            known = {row.sender: row.first for row in connection.execute(sql.select(SENDERS))}
            self._first |= known
            self._stored = set(known)

    def _recall_gaps(self, connection: Connection) -> None:
        """Take in which gaps have been told: they stay until they are filled."""
        columns = FINDINGS.c.cluster, FINDINGS.c.finding_id, FINDINGS.c.first_time, FINDINGS.c.last_time
        query = sql.select(*columns).where(FINDINGS.c.detection_id == GAP.detection.key)
        for cluster, id_, begins, ends in connection.execute(query):
            self._gaps.setdefault(cluster, {}).setdefault(id_, begins)
            if cluster in self._beats:
                self._beats[cluster].is_certain(begins, ends)

    def observe(self, connection: Connection, cluster: str, text: bytes) -> TripwireNews:
        """Take in the lines of an increment, within its transaction."""
        key = column_text(cluster, 255)
        beats = self._beats.setdefault(key, Heartbeats())
        renewed = list(renewals_in(text))
        for node, when in renewed:
            beats.add(column_text(node, 255), when)
        rows = [
            {"cluster": key, "node": node, "times": msgspec.msgpack.encode(beats.nodes[node])}
            for node in sorted({column_text(node, 255) for node, _ in renewed} & beats.nodes.keys())
        ]
        upsert(connection, BEATS, rows)
        return self._told(connection, self._of_gaps(key)) if renewed else TripwireNews()

    def lost(self, connection: Connection, letter: Lost) -> TripwireNews:
        """A dead letter of the evaluator, within the transaction that buries the event. If that fails, it is
        told when the event is buried again."""
        return _put(connection, [_of_letter(letter, "the evaluator failed at it")], (), self._clock())

    def truncated(self, names: Iterable[str]) -> None:
        """Tell, at the next look, of detections with findings that do not show all values or groups."""
        now = self._clock()
        day = _iso(now)[:10]
        self._waiting += [
            tripwire(
                TRUNCATED,
                "",
                f"{name} met more values or groups than it looks at",
                (name, day),
                (now, now),
                {"detection": name},
            )
            for name in sorted(names)
        ]

    def over_budget(self, names: Mapping[str, str]) -> None:
        """Tell, at the next look, of detections that were isolated, with what they take too much of."""
        day = _iso(self._clock())[:10]
        self._waiting += [
            tripwire(
                BUDGET,
                "",
                f"{name} takes too much {what}" if what != "rows" else f"{name} is given too many rows",
                (name, day),
                (self._clock(), self._clock()),
                {"detection": name, "budget": what},
            )
            for name, what in names.items()
        ]

    def look(self) -> TripwireNews:
        """Look at what changes without events. Raises StoreError."""
        now = self._clock()
        self._telling = [], set()
        self._waiting += [*self._of_own_clock(now), *self._of_inbox(now)]
        self._waiting += [one for cluster in list(self._beats) for one in self._of_gaps(cluster)]
        senders = self._first.keys() - self._stored
        if not self._waiting and not self._filled and not senders:
            return TripwireNews()
        found, self._waiting = self._waiting, []
        self._telling = found, set()
        try:
            return self._write(found, senders)
        except BaseException:
            self._undo()
            raise

    def _write(self, found: list[Finding], senders: Collection[str]) -> TripwireNews:
        with transaction(open_engine(self._state)) as connection:
            for sender in sorted(senders):
                statement = insert(connection, SENDERS).values(sender=sender, first=self._first[sender])
                connection.execute(statement.on_conflict_do_nothing())
            news = self._told(connection, found)
        self._stored |= set(senders)
        return news

    def _undo(self) -> None:
        """Keep for the next look what the last transaction was to tell: it failed."""
        found, filled = self._telling
        self._waiting = [*found, *self._waiting]
        self._filled |= filled
        self._telling = [], set()

    def _told(self, connection: Connection, findings: Sequence[Finding]) -> TripwireNews:
        self._telling = list(findings), set(self._filled)
        gone = sorted(self._filled)
        self._filled.clear()
        return _put(connection, findings, gone, self._clock())

    def _of_gaps(self, cluster: str) -> list[Finding]:
        """The gaps of a cluster that have not been told. What was told and has been filled since is to be withdrawn."""
        beats, known = self._beats[cluster], self._gaps.setdefault(cluster, {})
        found = {one.finding_id: one for one in (_of_gap(cluster, gap) for gap in beats.gaps(self._clock()))}
        oldest = max((times[0] for times in beats.nodes.values()), default=0.0)
        filled = {id_ for id_, begins in known.items() if id_ not in found and begins >= oldest}
        self._filled |= {(id_, cluster) for id_ in filled}
        new = [one for id_, one in found.items() if id_ not in known]
        told = {id_: one.first_time for id_, one in found.items()}
        self._gaps[cluster] = {**{id_: begins for id_, begins in known.items() if id_ not in filled}, **told}
        return new

    def _of_own_clock(self, now: float) -> Iterable[Finding]:
        step = self._own.step(now, self._passed())
        if step is not None:
            title = f"The clock of podhawk was set {'forward' if step > 0 else 'back'} by {abs(step):.0f} s"
            yield tripwire(CLOCK, "", title, ("podhawk", _iso(now)), (now, now), {"seconds": round(step)})

    def _of_inbox(self, now: float) -> Iterable[Finding]:
        files = segments(self._inbox)
        if not files:
            return
        try:
            with reading_segment(files[-1]) as connection:
                yield from self._of_senders(connection, now)
                yield from self._of_ages(connection)
                yield from self._of_letters(connection, now)
        except sqlite3.OperationalError:  # the file was replaced meanwhile: the next look sees the new one
            return

    def _of_senders(self, connection: sqlite3.Connection, now: float) -> Iterable[Finding]:
        for sender, cluster, received, _ in connection.execute("SELECT * FROM senders").fetchall():
            first = self._first.setdefault(column_text(sender, 255), received)
            since = max(received, self._started)
            regular = received - first >= min(REGULAR, self._quiet)
            if not regular or now - since < self._quiet or self._missed.get(sender) == received:
                continue
            self._missed[sender] = received
            title = f"{sender} has sent nothing for {(now - received) / 60:.0f} minutes"
            row = {"sender": sender, "last_received": _iso(received)}
            yield tripwire(QUIET, cluster, title, (sender, _iso(received)), (received, now), row)

    def _of_ages(self, connection: sqlite3.Connection) -> Iterable[Finding]:
        query = "SELECT seq, cluster, sender, received, newest FROM bodies WHERE seq > ? ORDER BY seq LIMIT 5000"
        for seq, cluster, sender, received, newest in connection.execute(query, (self._last_body,)).fetchall():
            self._last_body = seq
            if not sender.startswith("webhook:") or not newest:
                continue
            ages = self._ages.setdefault(sender, Ages())
            if ages.known and received - ages.known[-1][0] < 1:  # one a second is enough
                continue
            step = ages.add(received, received - newest)
            if step is not None:
                title = f"The clock of {sender} was set {'forward' if step > 0 else 'back'} by {abs(step):.0f} s"
                row = {"sender": sender, "seconds": round(step)}
                yield tripwire(CLOCK, cluster, title, (sender, _iso(received)), (received, received), row)

    def _of_letters(self, connection: sqlite3.Connection, now: float) -> Iterable[Finding]:
        query = "SELECT number, sender, cluster, received, error, size, sha256 FROM letters WHERE number > ?"
        for number, *rest in connection.execute(f"{query} ORDER BY number LIMIT 5000", (self._last_letter,)).fetchall():
            self._last_letter = number
            letter = Lost(*rest)
            if letter.received > now - HOUR:
                yield _of_letter(letter, "it cannot be read")


def _put(
    connection: Connection, findings: Sequence[Finding], gone: Sequence[tuple[str, str]], now: float
) -> TripwireNews:
    """Write findings, take others back, and write down both as changes."""
    withdraw(connection, [id_ for id_, _ in gone])
    news = TripwireNews(put(connection, findings), gone)
    put_changes(
        connection,
        [
            *(change_of("new", one, now) for one in news.new),
            *(LoggedChange("gone", id_, now, cluster) for id_, cluster in gone),
        ],
    )
    return news


def _of_gap(cluster: str, gap: HeartbeatGap) -> Finding:
    some = ", ".join(gap.nodes[:5]) + (f" and {len(gap.nodes) - 5} more" if len(gap.nodes) > 5 else "")
    alone = len(gap.nodes) == 1 and gap.end - gap.start <= ALONE
    return tripwire(
        GAP,
        cluster,
        f"Heartbeats of {some} are missing for {gap.end - gap.start:.0f} s",
        (_iso(gap.start), _iso(gap.end), *gap.nodes),
        (gap.start, gap.end),
        {"nodes": some, "from": _iso(gap.start), "to": _iso(gap.end)},
        priority=50 if alone else None,
    )


def _of_letter(letter: Lost, why: str) -> Finding:
    """One finding for each sender and hour: a sender that sends nothing but garbage makes one an hour."""
    hour = int(letter.received // HOUR)
    return tripwire(
        LOST,
        letter.cluster,
        f"Something that {letter.sender} sent was not evaluated: {why}",
        (letter.sender, str(hour)),
        (letter.received, letter.received),
        {"sender": letter.sender, "error": letter.error[:200], "sha256": letter.sha256, "bytes": letter.size},
    )


def _iso(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
