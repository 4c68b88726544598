"""The files of an inbox, as everybody but their writer sees them.

The inbox of podhawk serve is a row of SQLite files, `inbox-000001.db` and so on. Only the last one grows; a file is
removed as a whole. `podhawk.serve.inbox` writes them.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

INBOX: Final = "inbox"
"""The folder of the inbox in a state."""
_NAME: Final = re.compile(r"inbox-(\d{6,})\.db\Z")


class InboxFile(NamedTuple):
    """A file of the inbox and its number."""

    number: int
    path: Path

    def unlink(self) -> None:
        """Remove the file and what SQLite keeps beside it."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)


def segments(folder: Path) -> list[InboxFile]:
    """The files of an inbox, the oldest first."""
    found = ((_NAME.match(path.name), path) for path in folder.glob("inbox-*.db"))
    return sorted(InboxFile(int(match[1]), path) for match, path in found if match is not None)


@contextmanager
def reading(segment: InboxFile) -> Iterator[sqlite3.Connection]:
    """A connection that only reads."""
    connection = sqlite3.connect(f"file:{segment.path}?mode=ro", uri=True, isolation_level=None, timeout=5)
    try:
        yield connection
    finally:
        connection.close()
