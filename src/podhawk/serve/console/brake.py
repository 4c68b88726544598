"""What slows those who guess passwords.

Failures are counted for the name together with the address, for the address, and for the name. The first makes one
guesser wait longer and longer, the second one who tries many names, and the third one with many addresses; that takes
more failures, and its wait is short, because anybody can cause it for somebody else's name. A wait is an answer at
once: nothing is held, and no password is looked at.
"""

from __future__ import annotations

from typing import Final

from podhawk.serve.console.database import ConsoleDatabase

WINDOW: Final = 3600.0
"""Seconds in which failures count."""
_FREE: Final = {"pair": 5, "address": 20, "name": 50}
"""Failures after which there is a wait."""
_LONGEST: Final = {"pair": 900.0, "address": 900.0, "name": 60.0}
"""Seconds that it takes at most."""


class Brake:
    """Counts failed attempts to sign in."""

    def __init__(self, database: ConsoleDatabase) -> None:
        self._database = database

    def wait(self, name: str, address: str, now: float) -> float:
        """Seconds until the next attempt is looked at; 0 if it is looked at now."""
        longest = 0.0
        for kind, who in _counted(name, address):
            row = self._database.row(
                "SELECT count(*) AS many, max(time) AS last FROM failures WHERE who = ? AND time > ?",
                (who, now - WINDOW),
            )
            if row is not None and row["many"] >= _FREE[kind]:
                seconds = min(_LONGEST[kind], 2.0 ** min(row["many"] - _FREE[kind], 20) * 2)
                longest = max(longest, row["last"] + seconds - now)
        return longest

    def failed(self, name: str, address: str, now: float) -> None:
        """Count a failure."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM failures WHERE time <= ?", (now - WINDOW,))
            for _, who in _counted(name, address):
                connection.execute("INSERT INTO failures VALUES (?, ?)", (who, now))

    def forget(self, name: str, address: str) -> None:
        """Forget the failures of a name at an address, and the one that was counted before this success."""
        pair, *others = (who for _, who in _counted(name, address))
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM failures WHERE who = ?", (pair,))
            for who in others:
                connection.execute(
                    "DELETE FROM failures WHERE rowid = (SELECT max(rowid) FROM failures WHERE who = ?)", (who,)
                )


def _counted(name: str, address: str) -> tuple[tuple[str, str], ...]:
    name = name[:64].lower()
    return ("pair", f"pair {address} {name}"), ("address", f"address {address}"), ("name", f"name {name}")
