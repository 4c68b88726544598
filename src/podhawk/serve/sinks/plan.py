"""What a sink is told next: from changes of findings to messages.

Everything happens in one transaction: changes are read, messages are made, what waits for a digest is held, and the
cursor moves. Three rules keep people from being woken for nothing, and none of them drops anything:

1. Findings of a group (the same detection, actor, target and outcome, with nothing new in them) are one message.
2. What is older than an hour waits for a digest. The digest is as urgent as the most urgent finding in it, so that a
   log that was held back does not make an attack less urgent. What was imported is listed and wakes nobody.
3. If there are more messages than a sink may have, the most urgent ones are sent alone and the others in a digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sql
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from podhawk.detect.report.finding_json import epoch_seconds
from podhawk.log import logger
from podhawk.serve.changes import CHANGES, LoggedChange
from podhawk.serve.sinks.candidates import SinkCandidate, candidates
from podhawk.serve.sinks.configuration import SinkSettings
from podhawk.serve.sinks.kept import (
    HELD,
    TOLD,
    KeptSink,
    TellingRow,
    kept_sink,
    note_told,
    put_message,
    write_sink,
)
from podhawk.serve.sinks.message import (
    ENDED,
    MOST_LISTED,
    SinkItem,
    SinkMessage,
    digest_of,
    in_turns,
    message_of,
    most_urgent_first,
)
from podhawk.store.keys import chunks
from podhawk.store.rows import upsert

READ: Final = 500
"""Changes that are read at once."""
_REMEMBERED: Final = 31 * 86400.0
"""Seconds for which it is known what a sink was told: the horizon, after which findings change no more."""
_IMPORT_SETTLES: Final = 20
"""An import is told when nothing has come for so many times as long as for other digests."""
_LONGEST: Final = 10
"""A digest waits at most for so many times as long as it waits for more."""
_TELLING: Final = msgspec.json.Decoder(TellingRow)


class Planned(Struct, frozen=True):
    """What was planned: the messages, and whether there is more to read."""

    messages: Sequence[SinkMessage]
    more: bool


def plan(connection: Connection, sink: SinkSettings, now: float) -> Planned:
    """Make the next messages of a sink, and move its cursor."""
    kept = kept_sink(connection, sink.name)
    assert kept is not None, "a sink is begun before it plans"
    rows = _read(connection, sink, kept)
    chosen = _messages(connection, sink, kept, candidates(connection, sink, [one for _, one in rows], now), now)
    chosen += _digests(connection, sink, kept, now)
    if rows:
        kept.cursor = rows[-1][0]
        connection.execute(TOLD.delete().where(TOLD.c.sink == sink.name, TOLD.c.time < now - _REMEMBERED))
    if len(rows) < READ:
        kept.numbers.read = now
    if not sink.dry_run:
        for one in chosen:
            put_message(connection, sink.name, one)
    if rows or chosen:
        write_sink(connection, sink.name, kept)
    return Planned(chosen, len(rows) == READ)


def _read(connection: Connection, sink: SinkSettings, kept: KeptSink) -> list[tuple[int, LoggedChange]]:
    query = sql.select(CHANGES.c.number, CHANGES.c.data).where(CHANGES.c.number > kept.cursor)
    rows = [
        (number, msgspec.json.decode(data, type=LoggedChange))
        for number, data in connection.execute(query.order_by(CHANGES.c.number).limit(READ))
    ]
    if rows and rows[0][0] > kept.cursor + 1 and kept.cursor:
        lost = rows[0][0] - kept.cursor - 1
        kept.numbers.missed += lost
        logger(__name__).error("the sink %s has missed %d changes: they are not kept any more", sink.name, lost)
    return rows


def _messages(
    connection: Connection, sink: SinkSettings, kept: KeptSink, some: Sequence[SinkCandidate], now: float
) -> list[SinkMessage]:
    """Messages for what is told at once; the rest is held for a digest."""
    at_once = [one for one in some if not (one.late and sink.late_in_digest)]
    held = [one for one in some if one.late and sink.late_in_digest]
    order = {id(item): place for place, item in enumerate(most_urgent_first([one.item for one in at_once]))}
    at_once.sort(key=lambda one: order[id(one.item)])
    if sink.rate is not None:
        room = sink.rate.room(kept.numbers.planned, now) - sink.rate.reserved
        allowed = max(0, room) * sink.batch
        at_once, more = at_once[:allowed], at_once[allowed:]
        held += more
    _hold(connection, sink, held, now)
    found = []
    for start in range(0, len(at_once), sink.batch):
        together = at_once[start : start + sink.batch]
        found.append(message_of([one.item for one in together], now, sink.urgent))
    note_told(connection, sink.name, [TellingRow(one.item, one.group) for one in at_once], now, "open")
    kept.numbers.planned = sink.rate.noted(kept.numbers.planned, len(found), now) if sink.rate is not None else []
    return found


def _hold(connection: Connection, sink: SinkSettings, some: Sequence[SinkCandidate], now: float) -> None:
    ids = [one.item.finding_id for one in some]
    since: dict[str, float] = {}
    for chunk in chunks(ids):
        query = sql.select(HELD.c.finding_id, HELD.c.since).where(HELD.c.sink == sink.name)
        since |= {row[0]: row[1] for row in connection.execute(query.where(HELD.c.finding_id.in_(chunk)))}
    rows = [
        {
            "sink": sink.name,
            "finding_id": one.item.finding_id,
            "imported": one.imported,
            "since": since.get(one.item.finding_id, now),
            "until": now + sink.digest_after * (_IMPORT_SETTLES if one.imported else 1),
            "priority": 0 if one.item.change in ENDED else one.item.priority,
            "severity": one.item.severity,
            "item": msgspec.json.encode(TellingRow(one.item, one.group)),
        }
        for one in some
    ]
    upsert(connection, HELD, rows)


def _digests(connection: Connection, sink: SinkSettings, kept: KeptSink, now: float) -> list[SinkMessage]:
    """The digests for which it is time."""
    found = []
    for imported in (False, True):
        own = sql.and_(HELD.c.sink == sink.name, HELD.c.imported == sql.literal(imported))
        query = sql.select(sql.func.count(), sql.func.min(HELD.c.since), sql.func.max(HELD.c.until)).where(own)
        count, since, until = connection.execute(query).one()
        wait = sink.digest_after * (_IMPORT_SETTLES if imported else 1)
        if not count or (until > now and since + _LONGEST * wait > now):
            continue
        if sink.rate is not None:
            last_digest = kept.numbers.digest
            if not sink.rate.room(kept.numbers.planned, now) or 0 <= now - last_digest < sink.rate.spacing:
                continue
        found.append(_digest(connection, sink, own, count, now, imported=imported))
        kept.numbers.digest = now
        if sink.rate is not None:
            kept.numbers.planned = sink.rate.noted(kept.numbers.planned, 1, now)
    return found


def _digest(
    connection: Connection, sink: SinkSettings, own: Any, count: int, now: float, *, imported: bool
) -> SinkMessage:
    query = sql.select(HELD.c.severity, sql.func.count()).where(own).group_by(HELD.c.severity)
    severities = {row[0]: row[1] for row in connection.execute(query)}
    rows = connection.execute(
        sql.select(HELD.c.item).where(own).order_by(HELD.c.priority.desc(), HELD.c.finding_id)
    ).fetchall()
    first: list[SinkItem] = []
    for chunk in chunks(rows):
        some = [_TELLING.decode(row.item) for row in chunk]
        if imported:  # what nobody was woken by keeps no later finding of its group from being told
            some = [replace(one, group=f"{one.group[:-1]}-") for one in some]
        first = in_turns([*first, *(one.item for one in some)], MOST_LISTED)
        note_told(connection, sink.name, some, now, "open")
    connection.execute(HELD.delete().where(own))
    if count == 1 and not imported and now - epoch_seconds(first[0].record["last_time"]) <= sink.late:
        return message_of(first, now, sink.urgent)
    return digest_of(first, count, severities, now, sink.urgent, imported=imported)
