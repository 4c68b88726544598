"""One file of the inbox.

The inbox is a row of SQLite files, `inbox-000001.db` and so on. Only the last one grows; a file is removed as a whole
when all of it has been evaluated, so that no file is full of holes. A new file begins with the counts of the ledger,
the dead letters and the digests of recent bodies that the one before it ended with. So the last file knows all of
these, and each is written in one transaction with the bodies that it is about.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from podhawk.store.inbox_files import InboxFile, reading, segments

__all__ = ["CARRIED", "InboxFile", "create", "first_of", "next_of", "open_to_write", "opened_at", "reading", "segments"]
TAILS: Final = (
    "CREATE TABLE IF NOT EXISTS tails (path TEXT PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL,"
    " offset INTEGER NOT NULL, head_size INTEGER NOT NULL, head BLOB NOT NULL) WITHOUT ROWID"
)
"""Files of the inbox that were begun by an earlier podhawk lack it."""
_TABLES: Final = (
    "CREATE TABLE bodies (seq INTEGER PRIMARY KEY, cluster TEXT NOT NULL, sender TEXT NOT NULL, received REAL NOT NULL,"
    " newest REAL NOT NULL, events INTEGER NOT NULL, lines BLOB NOT NULL)",
    "CREATE INDEX bodies_of_clusters ON bodies (cluster, seq)",
    "CREATE TABLE ledger (sender TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY (sender, what)) WITHOUT ROWID",
    "CREATE TABLE digests (sender TEXT NOT NULL, digest BLOB NOT NULL, received REAL NOT NULL, records INTEGER NOT "
    "NULL, PRIMARY KEY (sender, digest)) WITHOUT ROWID",
    "CREATE TABLE letters (number INTEGER PRIMARY KEY, sender TEXT NOT NULL, cluster TEXT NOT NULL,"
    " received REAL NOT NULL, error TEXT NOT NULL, place INTEGER NOT NULL, size INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL)",
    "CREATE TABLE senders (sender TEXT PRIMARY KEY, cluster TEXT NOT NULL, received REAL NOT NULL,"
    " newest REAL NOT NULL) WITHOUT ROWID",
    TAILS,
    "CREATE TABLE about (first INTEGER NOT NULL, opened REAL NOT NULL)",
)
CARRIED: Final = ("ledger", "digests", "letters", "senders", "tails")
"""The tables that a new segment begins with."""


def create(folder: Path, number: int, first: int, opened: float, before: Path | None) -> InboxFile:
    """Make a file whose bodies count from `first`, with what it carries over from the one before it. A file that is
    not finished has another name, which nobody reads."""
    path = folder / f"inbox-{number:06d}.db"
    part = folder / f"inbox-{number:06d}.part"
    InboxFile(number, part).unlink()
    connection = sqlite3.connect(part, isolation_level=None)
    try:
        connection.execute("PRAGMA page_size=16384")  # bodies are large
        connection.execute("PRAGMA synchronous=FULL")
        if before is not None:
            connection.execute("ATTACH ? AS old", (str(before),))
        connection.execute("BEGIN")
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute("INSERT INTO about VALUES (?, ?)", (first, opened))
        if before is not None:
            for table in CARRIED:
                connection.execute(f"INSERT INTO main.{table} SELECT * FROM old.{table}")
        connection.execute("COMMIT")
    finally:
        connection.close()
    part.rename(path)
    entry = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(entry)  # else a loss of power could take the name away, and with it what is acknowledged
    finally:
        os.close(entry)
    return InboxFile(number, path)


def open_to_write(segment: InboxFile) -> sqlite3.Connection:
    """The connection of the only writer. A commit is on the disk when it returns."""
    connection = sqlite3.connect(segment.path, isolation_level=None, check_same_thread=False, timeout=5)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=1000", "journal_size_limit=67108864"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(TAILS)
    return connection


def first_of(connection: sqlite3.Connection) -> int:
    """The sequence number of the first body of a file."""
    return int(connection.execute("SELECT first FROM about").fetchone()[0])


def opened_at(connection: sqlite3.Connection) -> float:
    """When a file was begun."""
    return float(connection.execute("SELECT opened FROM about").fetchone()[0])


def next_of(connection: sqlite3.Connection) -> int:
    """The sequence number of the next body of a file."""
    last = connection.execute("SELECT MAX(seq) FROM bodies").fetchone()[0]
    return first_of(connection) if last is None else int(last) + 1
