"""Sessions: who is signed in. A session is a random token in a cookie, of which the hash is kept; it ends when that is
deleted."""

from __future__ import annotations

import secrets
from typing import Final

from msgspec import Struct

from podhawk.serve.console.accounts import Account, Accounts, hash_of
from podhawk.serve.console.database import ConsoleDatabase

IDLE_SECONDS: Final = 12 * 3600.0
"""A session that is not used for so long ends."""
LONGEST_SECONDS: Final = 7 * 86400.0
_USED_EVERY: Final = 60.0
"""Seconds after which the use of a session is written down again."""


class ConsoleSession(Struct, frozen=True):
    """A session. `csrf` is what every form carries, `since` when the person was here before; `message` is told once."""

    hash: str
    account: Account
    csrf: str
    since: float
    message: str = ""


class Sessions:
    """The sessions of a console."""

    def __init__(self, database: ConsoleDatabase, accounts: Accounts) -> None:
        self._database = database
        self._accounts = accounts

    def begin(self, account: Account, now: float) -> str:
        """A new session: its token."""
        token = secrets.token_urlsafe(32)
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM sessions WHERE used < ? OR began < ?", (now - IDLE_SECONDS, now - LONGEST_SECONDS)
            )
            row = connection.execute("SELECT visited FROM accounts WHERE name = ?", (account.name,)).fetchone()
            values = (hash_of(token), account.name, secrets.token_urlsafe(32), now, now, row["visited"] if row else 0.0)
            connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, '')", values)
            connection.execute("UPDATE accounts SET visited = ? WHERE name = ?", (now, account.name))
        return token

    def find(self, token: str, now: float) -> ConsoleSession | None:
        """The session with this token, if it has not ended and its account is not disabled."""
        if not token:
            return None
        row = self._database.row("SELECT * FROM sessions WHERE hash = ?", (hash_of(token),))
        if row is None or row["used"] < now - IDLE_SECONDS or row["began"] < now - LONGEST_SECONDS:
            return None
        account = self._accounts.find(row["name"])
        if account is None or account.disabled:
            return None
        if row["used"] < now - _USED_EVERY:
            with self._database.transaction() as connection:
                connection.execute("UPDATE sessions SET used = ? WHERE hash = ?", (now, row["hash"]))
                connection.execute("UPDATE accounts SET visited = ? WHERE name = ?", (now, account.name))
        return ConsoleSession(row["hash"], account, row["csrf"], row["since"], row["message"])

    def end(self, session: ConsoleSession) -> None:
        """End a session. No cookie brings it back."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE hash = ?", (session.hash,))

    def tell(self, session: ConsoleSession, message: str) -> None:
        """Show a message on the next page of a session; "" for none."""
        if session.message or message:
            with self._database.transaction() as connection:
                connection.execute("UPDATE sessions SET message = ? WHERE hash = ?", (message[:500], session.hash))

    def seen(self, session: ConsoleSession, now: float) -> None:
        """From now on, only what comes later is new to the person."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE sessions SET since = ? WHERE hash = ?", (now, session.hash))
