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
    """Lines that come after a position, each with its line feed, how many they are, and the position after them.
    `senders` says how many lines are of whom, and `received` how many came when."""

    text: bytes
    count: int
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
    texts: list[bytes] = []
    senders: Counter[str] = Counter()
    received: list[tuple[float, int]] = []
    size = count = 0
    skip, end = after.line, after
    query = "SELECT seq, sender, received, events, lines FROM bodies WHERE cluster = ? AND seq > ? ORDER BY seq"
    for segment in segments(folder):
        try:
            with reading(segment) as connection:
                for seq, sender, time, events, text in connection.execute(query, (cluster, after.seq)):
                    if skip or size + len(text) > most_bytes or count + events > most_lines:
                        chosen = _part(text, skip, most_bytes - size, most_lines - count, needed=not texts)
                        text, taken = b"".join(chosen), len(chosen)
                    else:
                        taken = events
                    if taken:
                        texts.append(text)
                        size += len(text)
                        count += taken
                        senders[sender] += taken
                        received.append((time, taken))
                    done = skip + taken
                    end = Position(seq) if done >= events else Position(end.seq, done)
                    skip = 0
                    if end.line or size >= most_bytes or count >= most_lines:
                        return Taken(b"".join(texts), count, after, end, senders, received)
        except sqlite3.OperationalError:
            if segment.path.exists():
                raise
    return Taken(b"".join(texts), count, after, end, senders, received)


def _part(text: bytes, skip: int, most_bytes: int, most_lines: int, *, needed: bool) -> list[bytes]:
    """Lines of a body from one on, as many as there is room for; where they are `needed`, one at least."""
    chosen: list[bytes] = []
    for line in _lines(text)[skip:]:
        if (chosen or not needed) and (most_bytes <= 0 or len(chosen) >= most_lines):
            break
        chosen.append(line)
        most_bytes -= len(line)
    return chosen


def _lines(text: bytes) -> list[bytes]:
    """The lines of a body, each with its line feed: no other character ends one."""
    return [line + b"\n" for line in text.removesuffix(b"\n").split(b"\n")] if text else []
