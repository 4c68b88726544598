"""Reading the inbox: what of a cluster comes after a position, and what is known of senders."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from podhawk.serve.inbox.segment import InboxFile, reading, segments
from podhawk.store.keys import column_text


class Position(Struct, frozen=True, order=True):
    """Up to where a cluster has been evaluated: all bodies up to number `seq`, and `line` lines of the next one."""

    seq: int = 0
    line: int = 0


class Taken(Struct, frozen=True):
    """Lines that come after a position, and the position after them. `senders` says how many lines are of whom, and
    `received` how many came when."""

    lines: list[bytes]
    start: Position
    end: Position
    senders: Counter[str]
    received: list[tuple[float, int]]


def last_of(segment: InboxFile) -> dict[str, int]:
    """The number of the last body of each cluster in a file."""
    with reading(segment) as connection:
        return {
            str(cluster): int(seq)
            for cluster, seq in connection.execute("SELECT cluster, MAX(seq) FROM bodies GROUP BY cluster")
        }


def waiting(folder: Path, known: dict[int, dict[str, int]]) -> dict[str, int]:
    """The number of the last body of each cluster. `known` keeps the answers of files that do not grow any more."""
    found: dict[str, int] = {}
    every = segments(folder)
    for segment in every:
        try:
            last = known[segment.number] if segment.number in known else last_of(segment)
        except sqlite3.OperationalError:  # removed since the folder was listed
            continue
        if segment is not every[-1]:
            known[segment.number] = last
        found.update(last)
    return found


def oldest_waiting(folder: Path, positions: Mapping[str, int]) -> float | None:
    """When the oldest body came that has not been evaluated, of any cluster; None if nothing waits. `positions` are by
    cluster."""
    query = "SELECT received FROM bodies WHERE cluster = ? AND seq > ? ORDER BY seq LIMIT 1"
    found: dict[str, float] = {}
    for segment in segments(folder):
        try:
            with reading(segment) as connection:
                for (cluster,) in connection.execute("SELECT DISTINCT cluster FROM bodies").fetchall():
                    row = connection.execute(query, (cluster, positions.get(column_text(cluster, 255), 0))).fetchone()
                    if row is not None and cluster not in found:
                        found[cluster] = row[0]
        except sqlite3.OperationalError:  # removed since the folder was listed
            continue
    return min(found.values(), default=None)


def take(folder: Path, cluster: str, after: Position, most_bytes: int, most_lines: int) -> Taken:
    """The next lines of a cluster: at least one, if there is any."""
    lines: list[bytes] = []
    senders: Counter[str] = Counter()
    received: list[tuple[float, int]] = []
    size, skip, end = 0, after.line, after
    query = "SELECT seq, sender, received, lines FROM bodies WHERE cluster = ? AND seq > ? ORDER BY seq"
    for segment in segments(folder):
        try:
            with reading(segment) as connection:
                for seq, sender, time, text in connection.execute(query, (cluster, after.seq)):
                    body = _lines(text)
                    chosen = 0
                    for line in body[skip:]:
                        if lines and (size >= most_bytes or len(lines) >= most_lines):
                            break
                        lines.append(line)
                        size += len(line) + 1
                        chosen += 1
                    if chosen:
                        senders[sender] += chosen
                        received.append((time, chosen))
                    done = skip + chosen
                    end = Position(seq) if done >= len(body) else Position(end.seq, done)
                    skip = 0
                    if end.line or size >= most_bytes or len(lines) >= most_lines:
                        return Taken(lines, after, end, senders, received)
        except sqlite3.OperationalError:
            if segment.path.exists():
                raise
    return Taken(lines, after, end, senders, received)


def _lines(text: bytes) -> list[bytes]:
    lines = text.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return lines
