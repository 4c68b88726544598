"""The audit trail: what people, and API tokens, did.

A row is written before anything is done, with the result `begun`; then its result becomes `done`, or says why not. So a
change without a row cannot be, even if the service is killed between the two. Rows are never changed otherwise.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from podhawk.errors import PodhawkError

KEPT: Final = 200_000
_LONGEST: Final = 2000
_SECRET: Final = ("password", "token", "csrf")


class TrailFile(Protocol):
    """The file in which the trail is kept; see `podhawk.serve.console.database`."""

    def transaction(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """A transaction."""
        ...

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """What a query gives."""
        ...


class TrailRow(Struct, frozen=True):
    """One thing that was done: by whom, in which role, from where, to what."""

    number: int
    time: float
    name: str
    role: str
    address: str
    action: str
    subject: str
    detail: str
    result: str


class Doer(Struct, frozen=True):
    """Who does something."""

    name: str
    role: str
    address: str


class Trail:
    """The audit trail of a service."""

    def __init__(self, database: TrailFile) -> None:
        self._database = database

    @contextlib.contextmanager
    def doing(self, doer: Doer, action: str, subject: str, detail: str, now: float) -> Iterator[None]:
        """Write down what is done in this block, before and after. Raises StateUnavailableError if it cannot be written
        down; then nothing is done."""
        number = self.write(doer, action, subject, detail, now, "begun")
        try:
            yield
        except PodhawkError as error:
            self._end(number, f"refused: {error.message}")
            raise
        except BaseException as error:
            self._end(number, f"failed: {type(error).__name__}")
            raise
        self._end(number, "done")

    def write(self, doer: Doer, action: str, subject: str, detail: str, now: float, result: str = "done") -> int:
        """Write down one thing. Returns its number."""
        values = (now, doer.name, doer.role, doer.address, action, subject[:_LONGEST], detail[:_LONGEST], result)
        with self._database.transaction() as connection:
            number = connection.execute(
                "INSERT INTO trail (time, name, role, address, action, subject, detail, result) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            ).lastrowid
            connection.execute("DELETE FROM trail WHERE number <= ?", ((number or 0) - KEPT,))
        return number or 0

    def _end(self, number: int, result: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("UPDATE trail SET result = ? WHERE number = ?", (result[:_LONGEST], number))

    def rows(self, most: int, before: int | None = None, subject: str = "") -> list[TrailRow]:
        """What was done, the last first: before a number, and to one subject if there is one."""
        query = "SELECT * FROM trail WHERE number < ? AND (? = '' OR subject = ?) ORDER BY number DESC LIMIT ?"
        found = self._database.rows(query, (1 << 62 if before is None else before, subject, subject, most))
        return [TrailRow(**dict(row)) for row in found]


def detail_of(form: Mapping[str, Sequence[Any]]) -> str:
    """What was asked for, as JSON, without secrets."""
    kept = {
        name: [str(one)[:500] for one in values[:100]]
        for name, values in form.items()
        if not any(secret in name for secret in _SECRET)
    }
    return msgspec.json.encode(kept).decode()
