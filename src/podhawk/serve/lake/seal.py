"""Sealing: a file of the inbox that does not grow any more becomes files of the lake.

First the files are written down with the range that goes into each, then they are written under other names, synced
and renamed, then they are written down as sealed. Whatever interrupts this, it is done again with the same ranges. The
file of the inbox may go afterwards.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from podhawk.events.documents import Lines
from podhawk.events.line_reader import LineReader
from podhawk.events.options import InputReport, ReadOptions
from podhawk.events.time import parse_rfc3339
from podhawk.store.inbox_files import INBOX, InboxFile, reading, segments
from podhawk.store.lake import HOUR, REMOVED, REMOVING, SEALED, SEALING, LakeFile, Manifest, name_of

LEVEL: Final = 1
"""How well files are compressed: fast, and still to a tenth."""
_RECEIVED: Final = b'"requestReceivedTimestamp"'
_STAGE: Final = b'"stageTimestamp"'
_USUAL: Final = len("2026-11-30T10:00:00.000000Z")
_BLOCK: Final = 1 << 20


def to_seal(state: str, manifest: Manifest) -> list[InboxFile]:
    """The files of the inbox that do not grow any more and hold what is in no file of the lake, the oldest first."""
    sealed = manifest.sealed_up_to()
    found = []
    for segment in segments(Path(state) / INBOX)[:-1]:
        last = last_body(segment)
        if last is not None and last > sealed:
            found.append(segment)
    return found


def last_body(segment: InboxFile) -> int | None:
    """The number of the last body of a file of the inbox; None if it has none, or is gone."""
    try:
        with reading(segment) as connection:
            last = connection.execute("SELECT MAX(seq) FROM bodies").fetchone()[0]
    except sqlite3.OperationalError:
        if segment.path.exists():
            raise
        return None
    return None if last is None else int(last)


def seal(segment: InboxFile, manifest: Manifest) -> list[LakeFile]:
    """Seal one file of the inbox, or go on where that was interrupted. Raises OSError, sqlite3.Error, StoreError."""
    with reading(segment) as connection:
        intended = _intended(connection, manifest)
        made = [_write(connection, one, manifest.folder) for one in intended]
    manifest.finish(made)
    return made


def clean(manifest: Manifest) -> None:
    """Finish what a crash has interrupted, apart from sealing: remove files that are half written, and those that were
    being removed."""
    for part in manifest.folder.glob("*/*/.*.part"):
        part.unlink(missing_ok=True)
    left = manifest.files(REMOVING)
    for one in left:
        (manifest.folder / one.name).unlink(missing_ok=True)
    manifest.mark(left, REMOVED)


def _intended(connection: sqlite3.Connection, manifest: Manifest) -> list[LakeFile]:
    """The files that a file of the inbox becomes: those that were written down before a crash, or new ones."""
    first, last = connection.execute("SELECT MIN(seq), MAX(seq) FROM bodies").fetchone()
    if first is None:
        return []
    begun = [one for one in manifest.files(SEALING) if first <= one.first and one.last <= last]
    if begun:
        return begun
    query = (
        f"SELECT cluster, CAST(received / {HOUR} AS INTEGER), MIN(seq), MAX(seq), SUM(events) FROM bodies"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    made = [
        LakeFile(name_of(cluster, hour, start, end), cluster, hour, start, end, events=events)
        for cluster, hour, start, end, events in connection.execute(query)
    ]
    manifest.intend(made)
    return made


def _write(connection: sqlite3.Connection, file: LakeFile, folder: Path) -> LakeFile:
    """Write a file of the lake; it is on the disk when this returns."""
    path = folder / file.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    query = (
        f"SELECT lines FROM bodies WHERE cluster = ? AND CAST(received / {HOUR} AS INTEGER) = ?"
        " AND seq BETWEEN ? AND ? ORDER BY seq"
    )
    span = EventTimes()
    with open(part, "wb") as out:
        with gzip.GzipFile("", "wb", LEVEL, out, mtime=0) as packed:
            for block in _blocks(connection.execute(query, (file.cluster, file.hour, file.first, file.last))):
                span.look(block)
                packed.write(block)
        out.flush()
        os.fsync(out.fileno())
    size = part.stat().st_size
    part.rename(path)
    for one in (path.parent, path.parent.parent, folder, folder.parent):
        _sync(one)
    first, last = span.bounds()
    return replace(file, condition=SEALED, size=size, first_time=first, last_time=last)


def _blocks(rows: Iterable[tuple[bytes]]) -> Iterator[bytes]:
    """The lines of bodies, several bodies at a time."""
    parts: list[bytes] = []
    size = 0
    for (lines,) in rows:
        parts.append(lines)
        size += len(lines)
        if size >= _BLOCK:
            yield b"".join(parts)
            parts, size = [], 0
    yield b"".join(parts)


def _sync(folder: Path) -> None:
    """Sync a folder: else a loss of power could take the names of its files away."""
    entry = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


class _Times(Struct):
    requestReceivedTimestamp: str  # noqa: N815 - the API server's name
    stageTimestamp: str  # noqa: N815


_times = msgspec.json.Decoder(_Times).decode


class EventTimes:
    """The earliest and the latest time of events, whichever of their times a search goes by. A search reads only files
    that may hold events in its time range, so an event without a time leaves the span open."""

    def __init__(self) -> None:
        self._first = self._last = 0.0
        self._any = False
        self._open = False
        self._earliest, self._latest = "~", ""
        """Of the times that are spelled as the API server spells them, which sort as texts."""

    def look(self, block: bytes) -> None:
        """Take lines into account."""
        for line in filter(None, block.split(b"\n")):
            if self._open:
                return
            if line.count(_RECEIVED) == 1 and line.count(_STAGE) == 1 and line.startswith(b'{"'):
                try:
                    times = _times(line)
                except (msgspec.DecodeError, UnicodeError, RecursionError):
                    self._look_closely(line)
                    continue
                for text in (times.requestReceivedTimestamp, times.stageTimestamp):
                    if len(text) != _USUAL or text[-1] != "Z":
                        self._take(parse_rfc3339(text))
                        continue
                    if text < self._earliest:
                        self._earliest = text
                    if text > self._latest:
                        self._latest = text
            else:
                self._look_closely(line)

    def bounds(self) -> tuple[float | None, float | None]:
        """The span; None if it is open."""
        if self._latest:
            self._take(parse_rfc3339(self._earliest))
            self._take(parse_rfc3339(self._latest))
        return (None, None) if self._open or not self._any else (self._first, self._last)

    def _look_closely(self, line: bytes) -> None:
        """Take a line into account that is not a plain event: one in an envelope, or an unusual one."""
        try:
            events = list(LineReader("", ReadOptions(), InputReport()).read(Lines(iter((line,)))))
        except RecursionError:  # nested too deeply: it may be of any time
            self._open = True
            return
        for event in events:
            self._take(event.time)
            self._take(event.stage_time if event.stage_time is not None else event.time)
        self._open = self._open or not events

    def _take(self, time: float | None) -> None:
        if time is None:
            self._open = True
        elif not self._any:
            self._first = self._last = time
            self._any = True
        elif time < self._first:
            self._first = time
        elif time > self._last:
            self._last = time
