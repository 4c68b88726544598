"""The searches that a person has run, in the file of the console."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from podhawk.serve.console.database import ConsoleDatabase
from podhawk.serve.console.hunt.question import HuntQuestion

KEPT: Final = 200
"""Searches of a person; older ones go."""
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS searches (
    name TEXT NOT NULL, text TEXT NOT NULL, earliest TEXT NOT NULL, latest TEXT NOT NULL, run REAL NOT NULL,
    times INTEGER NOT NULL, PRIMARY KEY (name, text, earliest, latest)
)
"""


class PastSearch(Struct, frozen=True):
    """A search, when it was run last (epoch seconds), and how often."""

    text: str
    earliest: str
    latest: str
    run: float
    times: int

    @property
    def address(self) -> str:
        """Where it is run again."""
        return HuntQuestion(self.text, self.earliest, self.latest).address()


class SearchHistory:
    """What people have searched for. Nobody sees the searches of others."""

    def __init__(self, database: ConsoleDatabase) -> None:
        self._database = database
        with database.transaction() as connection:
            connection.execute(_TABLE)

    def note(self, name: str, text: str, earliest: str, latest: str, now: float) -> None:
        """Write down that somebody runs a search."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO searches VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT (name, text, earliest, latest) "
                "DO UPDATE SET run = excluded.run, times = times + 1",
                (name, text, earliest, latest, now),
            )
            connection.execute(
                "DELETE FROM searches WHERE name = ? AND run < (SELECT run FROM searches WHERE name = ? "
                "ORDER BY run DESC LIMIT 1 OFFSET ?)",
                (name, name, KEPT - 1),
            )

    def of(self, name: str, most: int = 30) -> list[PastSearch]:
        """The searches of somebody, the last first."""
        query = "SELECT text, earliest, latest, run, times FROM searches WHERE name = ? ORDER BY run DESC LIMIT ?"
        return [PastSearch(*row) for row in self._database.rows(query, (name, most))]

    def clear(self, name: str) -> None:
        """Forget the searches of somebody."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM searches WHERE name = ?", (name,))
