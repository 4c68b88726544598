"""How often an increment was begun: what kills the evaluator must not kill it for ever.

The attempt is written down before the increment is evaluated, outside of its transaction. An increment that was begun
twice from the same position and did not end is halved at the third attempt, and again at each one after it. An event
that fails alone is buried. Afterwards increments grow again.

The file need not survive the machine, only the process, so it is not synced.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field

from podhawk.serve.inbox.reader import Position

MOST_LINES: Final = 20_000
MOST_BYTES: Final = 16 << 20
_PATIENCE: Final = 2
"""Attempts that may fail before an increment is halved."""


class Attempt(Struct):
    """The last attempt of a cluster: from where, how many have failed there, how many lines it had and might have."""

    seq: int = 0
    line: int = 0
    failed: int = 0
    lines: int = 0
    most: int = MOST_LINES

    def is_at(self, position: Position) -> bool:
        return (self.seq, self.line) == (position.seq, position.line)


class _Kept(Struct):
    clusters: dict[str, Attempt] = field(default_factory=dict)


class Attempts:
    """The attempts of all clusters, kept in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError):
            self._kept = _Kept()

    def most_lines(self, cluster: str, position: Position) -> int:
        """How many lines the next increment may have; 0 if one event has failed alone and is to be buried."""
        last = self._kept.clusters.get(cluster)
        if last is None:
            return MOST_LINES
        if not last.is_at(position) or not last.failed:
            return min(MOST_LINES, last.most * 2)
        if last.failed < _PATIENCE:
            return last.most
        return last.lines // 2

    def has_failed(self, cluster: str, position: Position) -> bool:
        """Whether an increment from a position was begun and did not end."""
        last = self._kept.clusters.get(cluster)
        return last is not None and last.is_at(position) and last.failed > 0

    def begin(self, cluster: str, position: Position, lines: int, most: int) -> None:
        """Write down that an increment is begun. It counts as failed until it has ended."""
        last = self._kept.clusters.get(cluster)
        failed = last.failed if last is not None and last.is_at(position) else 0
        self._write(cluster, Attempt(position.seq, position.line, failed + 1, lines, most))

    def end(self, cluster: str, position: Position) -> None:
        """Write down that the increment has ended; the next begins at the position."""
        last = self._kept.clusters[cluster]
        self._write(cluster, Attempt(position.seq, position.line, 0, 0, last.most))

    def forget(self, cluster: str) -> None:
        """Take back the last attempt: it did not fail by what it had to evaluate."""
        last = self._kept.clusters[cluster]
        self._write(cluster, Attempt(last.seq, last.line, last.failed - 1, last.lines, last.most))

    def _write(self, cluster: str, attempt: Attempt) -> None:
        self._kept.clusters[cluster] = attempt
        part = self._path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(self._kept))
        os.replace(part, self._path)
