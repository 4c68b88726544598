"""A detection that costs too much is isolated: it must not hold up the others, and it must not go blind.

What it selects goes on being kept, and is evaluated for it once a minute rather than in each increment. So its findings
come later, and none is lost. After ten minutes it is tried again with the others.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import sqlalchemy as sql
from msgspec import Struct, field
from sqlalchemy.engine import Connection

from podhawk.detect.evaluate.spending import Spent
from podhawk.store.database import open_engine, reading, transaction
from podhawk.store.keys import chunks, column_text
from podhawk.store.rows import insert

PATIENCE: Final = 3
"""Increments in a row that a detection may be over its budget."""
MEMORY: Final = "memory"
EVERY: Final = 60.0
"""Seconds between evaluations of what was postponed."""
RELEASE: Final = 600.0
"""Seconds after which an isolated detection is tried with the others again."""
BACKLOG: Final = 10.0
"""Seconds for which aggregate plans wait while there is a backlog, unless they themselves take a fifth of the time."""
MOST_AGAIN: Final = 20_000
"""Requests that are evaluated later at a time."""
METADATA: Final = sql.MetaData()
POSTPONED: Final = sql.Table(
    "podhawk_serve_postponed",
    METADATA,
    sql.Column("request", sql.String(32), primary_key=True),
    sql.Column("isolated", sql.Boolean, nullable=False),
)
"""The requests that some detections are still to be evaluated on: when there is no backlog, or if a detection was
isolated at the time, when that is due."""


def make_tables(state: str) -> None:
    """Make the table in a state."""
    with transaction(open_engine(state)) as connection:
        METADATA.create_all(connection)


def postpone(connection: Connection, requests: Iterable[str], *, isolated: bool) -> None:
    """Keep what is to be evaluated later, within the transaction of the increment."""
    rows = [{"request": column_text(one, 32), "isolated": isolated} for one in sorted(set(requests))]
    for chunk in chunks(rows):
        connection.execute(insert(connection, POSTPONED).on_conflict_do_nothing(), chunk)


def done(connection: Connection, requests: Collection[str]) -> None:
    """Forget what has been evaluated now."""
    for chunk in chunks(sorted(requests)):
        connection.execute(POSTPONED.delete().where(POSTPONED.c.request.in_(chunk)))


def postponed(state: str, *, isolated: bool) -> list[str]:
    """What is to be evaluated later, as much as is good at a time; with `isolated` also that which isolated detections
    are to be evaluated on."""
    query = sql.select(POSTPONED.c.request).order_by(POSTPONED.c.request).limit(MOST_AGAIN)
    if not isolated:
        query = query.where(~POSTPONED.c.isolated)
    with reading(state) as connection:
        return list(connection.execute(query).scalars()) if connection is not None else []


class Budgets(Struct):
    """Which detections are over their budget of CPU seconds, rows or bytes of RAM in an increment, by name."""

    seconds: float
    rows: int = 1_000_000
    memory: int = 512 << 20
    spent: defaultdict[str, float] = field(default_factory=partial(defaultdict, float))
    """CPU seconds since the start."""
    over: Counter[str] = field(default_factory=Counter)
    isolated: dict[str, float] = field(default_factory=dict)
    """Since when, by the monotonic clock."""
    looked: float = field(default_factory=time.monotonic)
    """When what was postponed was looked at last. It waits after a start too: if it kills the evaluator, events are
    evaluated between."""

    def charge(self, spent: Mapping[str, Spent]) -> None:
        """Add what detections spent."""
        for name, one in spent.items():
            self.spent[name] += one.cpu

    def note(self, spent: Mapping[str, Spent], now: float) -> dict[str, str]:
        """What each detection spent in an increment. Gives those that are isolated from now on, with what they take too
        much of. One that takes too much RAM is isolated at once: the next time it may end the process."""
        self.charge(spent)
        new = {}
        for name, one in spent.items():
            what = self._exceeded(one)
            self.over[name] = self.over[name] + 1 if what else 0
            if (self.over[name] >= PATIENCE or what == MEMORY) and name not in self.isolated:
                self.isolated[name] = now
                self.over[name] = 0
                new[name] = what
        return new

    def _exceeded(self, one: Spent) -> str:
        if one.memory > self.memory:
            return MEMORY
        return "CPU" if one.cpu > self.seconds else "rows" if one.rows > self.rows else ""

    def due(self, now: float) -> bool:
        """Whether it is time to evaluate what was postponed."""
        if now - self.looked < EVERY:
            return False
        self.looked = now
        return True

    def look_soon(self) -> None:
        """Say that more is postponed than what was evaluated."""
        self.looked = -EVERY

    def release(self, now: float) -> list[str]:
        """Take detections back that have been isolated for long enough."""
        free = [name for name, since in self.isolated.items() if now - since >= RELEASE]
        for name in free:
            del self.isolated[name]
        return free


def numbers_of(names: Collection[str], detections: Sequence[str]) -> frozenset[int]:
    """The places of names in a list."""
    return frozenset(number for number, name in enumerate(detections) if name in names)
