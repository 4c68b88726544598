"""The file in which the console keeps accounts, sessions, what people did, and what they saw last.

It is a file of its own beside the state. A sign-in never waits for the evaluator, and the evaluator never for a
sign-in; findings and their triage stay in the state. Of passwords, sessions and invitations only hashes are kept.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from podhawk.errors import StateUnavailableError, StoreError

FILE: Final = "console.db"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS accounts (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, clusters TEXT NOT NULL, password TEXT NOT NULL,
    made REAL NOT NULL, disabled INTEGER NOT NULL DEFAULT 0, visited REAL NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS invitations (
    hash TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, clusters TEXT NOT NULL, expires REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
    hash TEXT PRIMARY KEY, name TEXT NOT NULL, csrf TEXT NOT NULL, began REAL NOT NULL, used REAL NOT NULL,
    since REAL NOT NULL, message TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS failures (who TEXT NOT NULL, time REAL NOT NULL);
CREATE INDEX IF NOT EXISTS failures_of ON failures (who, time);
CREATE TABLE IF NOT EXISTS browsers (hash TEXT PRIMARY KEY, name TEXT NOT NULL, used REAL NOT NULL);
CREATE TABLE IF NOT EXISTS trail (
    number INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
    address TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, result TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS proposals (
    number INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, name TEXT NOT NULL, finding TEXT NOT NULL,
    cluster TEXT NOT NULL, detection TEXT NOT NULL, condition TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS trail_of ON trail (subject, number);
"""


class ConsoleDatabase:
    """A connection that threads share, one at a time: each use takes well under a millisecond."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.RLock()
        path = folder / FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot use {path}: {error}", remedy="podhawk must be able to write to it.") from None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction. Raises StateUnavailableError if the file cannot be written."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise StateUnavailableError(
                    f"the file of the console cannot be written: {error}", remedy="Try again later."
                ) from None

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """What a query gives. Raises StateUnavailableError if the file cannot be read."""
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise StateUnavailableError(
                    f"the file of the console cannot be read: {error}", remedy="Try again later."
                ) from None

    def row(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        found = self.rows(query, values)
        return found[0] if found else None

    def close(self) -> None:
        with self._lock:
            self._connection.close()
