"""What the state keeps for sinks: how far each has read the table of changes, the messages that are still to be
delivered, what waits for the next digest, and what each sink was told.

Nothing leaves the table of changes before it is a message here, and no message goes before the sink has taken it. So a
service that is killed at any point sends again what it may have sent, with the same key, and loses nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sql
from msgspec import Struct, field
from sqlalchemy.engine import Connection

from podhawk.serve.changes import CHANGES, METADATA, SINKS
from podhawk.serve.sinks.message import ENDED, SinkItem, SinkMessage, message_of
from podhawk.store.keys import chunks
from podhawk.store.rows import upsert

TOLD: Final = sql.Table(
    "podhawk_serve_told",
    METADATA,
    sql.Column("sink", sql.String(63), primary_key=True),
    sql.Column("finding_id", sql.String(64), primary_key=True),
    sql.Column("revision", sql.Integer, nullable=False),
    sql.Column("status", sql.String(8), nullable=False),
    sql.Column("group_key", sql.String(32), nullable=False),
    sql.Column("priority", sql.Integer, nullable=False),
    sql.Column("time", sql.Float, nullable=False),
    sql.Column("note", sql.LargeBinary, nullable=False),
    sql.Index("podhawk_serve_told_groups", "sink", "group_key"),
    sql.Index("podhawk_serve_told_times", "sink", "time"),
)
"""What a sink was told of each finding. `status` is `open`, `repeat` (it was one of a group, of which another was told)
or `ended`; `note` is the finding as it was then."""
HELD: Final = sql.Table(
    "podhawk_serve_held",
    METADATA,
    sql.Column("sink", sql.String(63), primary_key=True),
    sql.Column("finding_id", sql.String(64), primary_key=True),
    sql.Column("imported", sql.Boolean, nullable=False),
    sql.Column("since", sql.Float, nullable=False),
    sql.Column("until", sql.Float, nullable=False),
    sql.Column("priority", sql.Integer, nullable=False),
    sql.Column("severity", sql.String(16), nullable=False),
    sql.Column("item", sql.LargeBinary, nullable=False),
)
"""What waits for the next digest of a sink: the item as it was last, since when, and until when more may come."""
MESSAGES: Final = sql.Table(
    "podhawk_serve_messages",
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("sink", sql.String(63), nullable=False),
    sql.Column("key", sql.String(128), nullable=False),
    sql.Column("made", sql.Float, nullable=False),
    sql.Column("due", sql.Float, nullable=False),
    sql.Column("attempts", sql.Integer, nullable=False),
    sql.Column("error", sql.Text, nullable=False),
    sql.Column("dead", sql.Boolean, nullable=False),
    sql.Column("data", sql.LargeBinary, nullable=False),
    sql.Index("podhawk_serve_messages_of_sinks", "sink", "dead", "number"),
    sqlite_autoincrement=True,
)
"""Messages that are to be delivered, and those that cannot be (`dead`)."""
MOST_DEAD: Final = 1000
"""Dead messages that are kept of a sink."""
STUCK: Final = 5
"""Attempts after which a message lets others pass: it may be for its text that it is not taken."""
_MESSAGES: Final = msgspec.json.Decoder(SinkMessage)


class SinkNumbers(Struct):
    """What is counted of a sink. `dry` says whether it only said what it would send; `planned` are the times at which
    its last messages were made; `digest` is when the last digest was."""

    dry: bool = True
    sent: int = 0
    failed: int = 0
    dead: int = 0
    missed: int = 0
    last_sent: float = 0.0
    last_error: str = ""
    planned: list[float] = field(default_factory=list)
    digest: float = 0.0
    read: float = 0.0
    """When everything had been read."""


class KeptSink(Struct):
    """The row of a sink."""

    cursor: int
    numbers: SinkNumbers


def last_change(connection: Connection) -> int:
    """The number of the last change."""
    return connection.execute(sql.select(sql.func.max(CHANGES.c.number))).scalar() or 0


def kept_sink(connection: Connection, name: str) -> KeptSink | None:
    """The row of a sink, if there is one."""
    row = connection.execute(sql.select(SINKS.c.cursor, SINKS.c.data).where(SINKS.c.name == name)).first()
    return None if row is None else KeptSink(row.cursor, msgspec.json.decode(row.data, type=SinkNumbers))


def write_sink(connection: Connection, name: str, kept: KeptSink) -> None:
    """Write the row of a sink."""
    upsert(connection, SINKS, [{"name": name, "cursor": kept.cursor, "data": msgspec.json.encode(kept.numbers)}])


def begin_sink(connection: Connection, name: str, *, dry: bool) -> KeptSink:
    """The row of a sink. A new one begins with what comes from now on; so does one that only said what it would send:
    what it was told until now, nobody has read."""
    kept = kept_sink(connection, name)
    if kept is None:
        kept = KeptSink(last_change(connection), SinkNumbers(dry))
    elif kept.numbers.dry != dry:
        forget(connection, name)
        kept.numbers.dry = dry
        kept.numbers.planned = []
    write_sink(connection, name, kept)
    return kept


def forget(connection: Connection, name: str) -> None:
    """Forget what a sink was told and is to be told."""
    for table in (TOLD, HELD, MESSAGES):
        connection.execute(table.delete().where(table.c.sink == name))


def drop_others(connection: Connection, names: Sequence[str]) -> None:
    """Remove the rows of sinks that are not in the settings any more: the table of changes need not wait for them."""
    for name in connection.execute(sql.select(SINKS.c.name).where(SINKS.c.name.not_in(names))).scalars().all():
        forget(connection, name)
        connection.execute(SINKS.delete().where(SINKS.c.name == name))


class ToldFinding(Struct, frozen=True):
    """What a sink was told of a finding."""

    finding_id: str
    revision: int
    status: str
    group_key: str
    priority: int
    time: float
    note: Mapping[str, Any]


class TellingRow(Struct, frozen=True):
    """Something that a sink is told, and the group that it is of."""

    item: SinkItem
    group: str


def note_told(connection: Connection, name: str, some: Sequence[TellingRow], now: float, status: str) -> None:
    """Note what a sink is told of findings. Those that they replace have ended."""
    rows, old = [], list[str]()
    for one in some:
        item = one.item
        note = {**item.record, "rows": [], "requests": [], "priority_reasons": []}
        rows.append(
            {
                "sink": name,
                "finding_id": item.finding_id,
                "revision": item.revision,
                "status": "ended" if item.change in ENDED else status,
                "group_key": one.group,
                "priority": item.priority,
                "time": now,
                "note": zlib.compress(msgspec.json.encode(note), 1),
            }
        )
        old += item.replaces
    upsert(connection, TOLD, rows)
    for chunk in chunks(old):
        told = TOLD.update().where(TOLD.c.sink == name, TOLD.c.finding_id.in_(chunk))
        connection.execute(told.values(status="ended"))


def _told(row: Any) -> ToldFinding:
    note = msgspec.json.decode(zlib.decompress(row.note))
    return ToldFinding(row.finding_id, row.revision, row.status, row.group_key, row.priority, row.time, note)


def told_findings(connection: Connection, name: str, finding_ids: Sequence[str]) -> dict[str, ToldFinding]:
    """What a sink was told of findings."""
    query = sql.select(TOLD).where(TOLD.c.sink == name)
    return {
        row.finding_id: _told(row)
        for chunk in chunks(sorted(set(finding_ids)))
        for row in connection.execute(query.where(TOLD.c.finding_id.in_(chunk)))
    }


def told_groups(connection: Connection, name: str, groups: Sequence[str], since: float) -> dict[str, tuple[int, float]]:
    """The highest priority that a sink was told of each group, and when it was told last, if after a time."""
    query = (
        sql.select(TOLD.c.group_key, sql.func.max(TOLD.c.priority), sql.func.max(TOLD.c.time))
        .where(TOLD.c.sink == name, TOLD.c.status == "open", TOLD.c.time > since)
        .group_by(TOLD.c.group_key)
    )
    return {
        row[0]: (row[1], row[2])
        for chunk in chunks(sorted(set(groups)))
        for row in connection.execute(query.where(TOLD.c.group_key.in_(chunk)))
    }


def next_of_group(connection: Connection, name: str, group: str, without: str) -> str | None:
    """The most urgent finding of a group of which the sink was not told by itself; None if another was told."""
    of_group = sql.and_(TOLD.c.sink == name, TOLD.c.group_key == group, TOLD.c.finding_id != without)
    if connection.execute(sql.select(TOLD.c.finding_id).where(of_group, TOLD.c.status == "open").limit(1)).first():
        return None
    query = sql.select(TOLD.c.finding_id).where(of_group, TOLD.c.status == "repeat")
    return connection.execute(query.order_by(TOLD.c.priority.desc(), TOLD.c.finding_id).limit(1)).scalar()


def put_message(connection: Connection, name: str, message: SinkMessage) -> None:
    """Add a message that is to be delivered."""
    connection.execute(
        MESSAGES.insert().values(
            sink=name,
            key=message.key,
            made=message.time,
            due=message.time,
            attempts=0,
            error="",
            dead=False,
            data=msgspec.json.encode(message),
        )
    )


class KeptMessage(Struct, frozen=True):
    """A message in the state."""

    number: int
    due: float
    attempts: int
    message: SinkMessage


def next_message(connection: Connection, name: str) -> KeptMessage | None:
    """The message that is to be delivered next: in their order, and when there is no other, those that are stuck."""
    query = sql.select(MESSAGES).where(MESSAGES.c.sink == name, sql.not_(MESSAGES.c.dead))
    stuck = MESSAGES.c.attempts >= STUCK
    order = stuck, sql.case((stuck, MESSAGES.c.due), else_=0.0), MESSAGES.c.number
    row = connection.execute(query.order_by(*order).limit(1)).first()
    return None if row is None else KeptMessage(row.number, row.due, row.attempts, _MESSAGES.decode(row.data))


def delivered(connection: Connection, number: int) -> None:
    """Remove a message."""
    connection.execute(MESSAGES.delete().where(MESSAGES.c.number == number))


def divided(connection: Connection, name: str, one: KeptMessage, urgent: int) -> None:
    """Put a message for each finding in the place of one about several."""
    delivered(connection, one.number)
    for item in one.message.items:
        put_message(connection, name, message_of([item], one.message.time, urgent))


def postponed(connection: Connection, number: int, due: float, error: str) -> None:
    """Try a message again later."""
    one = MESSAGES.update().where(MESSAGES.c.number == number)
    connection.execute(one.values(due=due, attempts=MESSAGES.c.attempts + 1, error=error[:1000]))


def buried(connection: Connection, name: str, number: int, error: str) -> None:
    """Make a message a dead letter."""
    connection.execute(MESSAGES.update().where(MESSAGES.c.number == number).values(dead=True, error=error[:1000]))
    dead = sql.and_(MESSAGES.c.sink == name, MESSAGES.c.dead)
    oldest = sql.select(MESSAGES.c.number).where(dead).order_by(MESSAGES.c.number.desc()).offset(MOST_DEAD).limit(1)
    last = connection.execute(oldest).scalar()
    if last is not None:
        connection.execute(MESSAGES.delete().where(dead, MESSAGES.c.number <= last))


def dead_messages(connection: Connection, name: str, limit: int) -> list[tuple[str, float, str]]:
    """The last dead messages of a sink: key, when it was made, error."""
    query = sql.select(MESSAGES.c.key, MESSAGES.c.made, MESSAGES.c.error).where(
        MESSAGES.c.sink == name, MESSAGES.c.dead
    )
    return [
        (row[0], row[1], row[2]) for row in connection.execute(query.order_by(MESSAGES.c.number.desc()).limit(limit))
    ]


def revive(connection: Connection, name: str, now: float) -> int:
    """Try the dead messages of a sink again; gives how many there are."""
    dead = MESSAGES.update().where(MESSAGES.c.sink == name, MESSAGES.c.dead)
    return connection.execute(dead.values(dead=False, attempts=0, due=now)).rowcount


def counts(connection: Connection, name: str) -> tuple[int, int, float | None]:
    """How many messages wait, how many findings are held for a digest, and when the oldest message was made."""
    waits = sql.and_(MESSAGES.c.sink == name, sql.not_(MESSAGES.c.dead))
    waiting, made = connection.execute(sql.select(sql.func.count(), sql.func.min(MESSAGES.c.made)).where(waits)).one()
    held = connection.execute(sql.select(sql.func.count()).select_from(HELD).where(HELD.c.sink == name)).scalar()
    return waiting, held or 0, made
