"""What the state knows of the inbox: how far each cluster has been evaluated, whose events these were, and what could
not be evaluated. It is written in the transaction that writes the findings, so neither can be without the other."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.engine import Connection

from podhawk.errors import StoreError
from podhawk.serve.inbox.deposit import DEAD_LETTERED
from podhawk.serve.inbox.reader import Position, Taken
from podhawk.store.database import open_engine, reading, transaction
from podhawk.store.keys import column_text
from podhawk.store.lake import last_number
from podhawk.store.rows import insert
from podhawk.store.schema import EVENTS

METADATA: Final = sql.MetaData()
EVALUATED: Final = "evaluated"
POSITIONS: Final = sql.Table(
    "podhawk_serve_positions",
    METADATA,
    sql.Column("cluster", sql.String(255), primary_key=True),
    sql.Column("seq", sql.Integer, nullable=False),
    sql.Column("line", sql.Integer, nullable=False),
)
COUNTS: Final = sql.Table(
    "podhawk_serve_counts",
    METADATA,
    sql.Column("sender", sql.String(255), primary_key=True),
    sql.Column("what", sql.String(64), primary_key=True),
    sql.Column("count", sql.Integer, nullable=False),
)
LETTERS: Final = sql.Table(
    "podhawk_serve_letters",
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("sender", sql.String(255), nullable=False),
    sql.Column("cluster", sql.String(255), nullable=False),
    sql.Column("received", sql.Float, nullable=False),
    sql.Column("error", sql.Text, nullable=False),
    sql.Column("place", sql.Integer, nullable=False),
    sql.Column("size", sql.Integer, nullable=False),
    sql.Column("sha256", sql.String(64), nullable=False),
)


class Letter(Struct, frozen=True):
    """A dead letter: of whom, of which cluster, when it came, what was wrong, where in its body, and what it was."""

    sender: str
    cluster: str
    received: float
    error: str
    place: int
    size: int
    sha256: str


def make_tables(state: str) -> None:
    """Make the tables of this module in a state, and those of the state itself."""
    with transaction(open_engine(state)) as connection:
        METADATA.create_all(connection)


def positions(state: str) -> dict[str, Position]:
    """How far each cluster has been evaluated."""
    with reading(state) as connection:
        if connection is None or not sql.inspect(connection).has_table(POSITIONS.name):
            return {}
        return {row.cluster: Position(row.seq, row.line) for row in connection.execute(sql.select(POSITIONS))}


def begin_inbox(state: str) -> int:
    """The number from which the bodies of a new inbox count: behind all that an earlier inbox had, so that none of them
    is taken for evaluated, or for sealed. Nothing is left of the body that an increment may have ended within, and the
    ledger begins anew: its other half was in the inbox."""
    with transaction(open_engine(state)) as connection:
        connection.execute(POSITIONS.update().values(line=0))
        connection.execute(COUNTS.delete())
        evaluated = connection.execute(sql.select(sql.func.max(POSITIONS.c.seq))).scalar() or 0
        return 1 + max(evaluated, last_number(connection))


def evaluated_counts(state: str) -> dict[tuple[str, str], int]:
    """How many events of each sender were evaluated, and how many could not be."""
    with reading(state) as connection:
        if connection is None or not sql.inspect(connection).has_table(COUNTS.name):
            return {}
        return {(row[0], row[1]): row[2] for row in connection.execute(sql.select(COUNTS))}


def letters(state: str, before: int | None, limit: int) -> list[tuple[int, Letter]]:
    """Dead letters of the evaluator, the last first, that come before a number."""
    query = sql.select(LETTERS).order_by(LETTERS.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(LETTERS.c.number < before)
    with reading(state) as connection:
        if connection is None or not sql.inspect(connection).has_table(LETTERS.name):
            return []
        return [(row[0], Letter(*row[1:])) for row in connection.execute(query)]


def advance(connection: Connection, cluster: str, taken: Taken) -> None:
    """Move the position of a cluster past what was taken, and count it. Raises StoreError if another evaluator has
    moved it: nothing of this increment may be written then."""
    key = column_text(cluster, 255)
    _move(connection, key, taken)
    _count(connection, {(sender, EVALUATED): count for sender, count in taken.senders.items()})


def bury(connection: Connection, cluster: str, taken: Taken, letter: Letter) -> None:
    """Move the position past one event that cannot be evaluated, and keep what is known of it."""
    key = column_text(cluster, 255)
    _move(connection, key, taken)
    _count(connection, {(letter.sender, DEAD_LETTERED): 1})
    keep_letter(connection, letter)


def keep_letter(connection: Connection, letter: Letter) -> None:
    """Keep what is known of something that cannot be evaluated."""
    connection.execute(
        LETTERS.insert().values(
            sender=column_text(letter.sender, 255),
            cluster=column_text(letter.cluster, 255),
            received=letter.received,
            error=letter.error,
            place=letter.place,
            size=letter.size,
            sha256=letter.sha256,
        )
    )


def letter_of(connection: Connection, request: str, now: float, error: str) -> Letter:
    """A dead letter about a known request. Its events were counted as evaluated when they came, so it has no sender."""
    query = sql.select(EVENTS.c.cluster, EVENTS.c.data).where(EVENTS.c.request == request).order_by(EVENTS.c.time)
    row = connection.execute(query.limit(1)).first()
    cluster, data = ("", b"") if row is None else (row.cluster, bytes(row.data))
    return Letter("evaluator", cluster, now, error, 0, len(data), sha256(data).hexdigest())


def _move(connection: Connection, key: str, taken: Taken) -> None:
    if taken.start == Position():
        first = insert(connection, POSITIONS).values(cluster=key, seq=0, line=0)
        connection.execute(first.on_conflict_do_nothing())
    moved = connection.execute(
        POSITIONS.update()
        .where(
            POSITIONS.c.cluster == key,
            POSITIONS.c.seq == taken.start.seq,
            POSITIONS.c.line == taken.start.line,
        )
        .values(seq=taken.end.seq, line=taken.end.line)
    )
    if moved.rowcount != 1:
        raise StoreError(
            f"another evaluator has moved the position of the cluster {key}",
            remedy="Only one podhawk serve may use a state.",
        )


def _count(connection: Connection, counts: Mapping[tuple[str, str], int]) -> None:
    for (sender, what), count in counts.items():
        statement = insert(connection, COUNTS).values(sender=column_text(sender, 255), what=what, count=count)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["sender", "what"], set_={"count": COUNTS.c.count + statement.excluded.count}
            )
        )
