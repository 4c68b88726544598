"""The only writer of the inbox: a thread that commits the bodies of several requests at once.

SQLite syncs once for each transaction and has no group commit of its own. So the thread takes what has come in, for at
most 5 ms or up to 1 MB, writes it in one transaction, and only then tells those who wait. A body that the same sender
sent within the last hour is counted as repeated and not stored again.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from msgspec import structs

from podhawk.errors import StateUnavailableError
from podhawk.log import logger
from podhawk.serve.inbox import deposit as counts
from podhawk.serve.inbox.deposit import Deposit, TailPosition
from podhawk.serve.inbox.room import Room, lack_of, size_of
from podhawk.serve.inbox.segment import InboxFile, create, first_of, next_of, open_to_write, opened_at, segments
from podhawk.store.keys import column_text

GATHER_SECONDS: Final = 0.005
GATHER_BYTES: Final = 1 << 20
SEGMENT_BYTES: Final = 1 << 30
SEGMENT_SECONDS: Final = 3600.0
REPEAT_SECONDS: Final = 3600.0
LETTERS_KEPT: Final = 10_000
_LOOK_SECONDS: Final = 1.0
"""How often it is looked whether there is room."""


class InboxFullError(StateUnavailableError):
    """The inbox takes nothing now; the sender is to try again later."""


class InboxWriter:
    """Writes deposits. `committed` is called after each commit, in the thread of the writer. The bodies of a new inbox
    count from `first`, which must be behind what a state has evaluated of an earlier one."""

    def __init__(
        self,
        folder: Path,
        room: Room,
        committed: Callable[[], None] = lambda: None,
        *,
        first: int = 1,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._room = room
        self._committed = committed
        self._segment_bytes, self._segment_seconds = segment_bytes, segment_seconds
        self._queue: queue.SimpleQueue[tuple[Deposit, Future[bool]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._recent: dict[tuple[str, bytes], tuple[float, int]] = {}
        self._ledger: Counter[tuple[str, str]] = Counter()
        self._looked = 0.0
        self.size = 0
        self._lack = ""
        self.failures = 0
        """Commits that failed."""
        for part in folder.glob("inbox-*.part*"):
            part.unlink()
        known = segments(folder)
        now = time.time()
        self._segment = known[-1] if known else create(folder, 1, first, now, None)
        self._connection = open_to_write(self._segment)
        self._opened = opened_at(self._connection)
        self._next = next_of(self._connection)
        for sender, what, count in self._connection.execute("SELECT sender, what, count FROM ledger"):
            self._ledger[sender, what] = count
        query = "SELECT sender, digest, received, records FROM digests WHERE received > ?"
        for sender, digest, received, records in self._connection.execute(query, (now - REPEAT_SECONDS,)):
            self._recent[sender, bytes(digest)] = received, records
        self._tails = {row[0]: TailPosition(*row) for row in self._connection.execute("SELECT * FROM tails")}
        self._look(now)
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what has been handed over, and close the file."""
        self._queue.put(None)
        self._thread.join()

    @property
    def full(self) -> str:
        """Why nothing is taken now; empty if there is room."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "the inbox is not written any more"
        return self._lack

    def put(self, deposit: Deposit) -> Future[bool]:
        """Hand over a deposit. The result comes when it is on the disk: whether it was stored, or was a repeat.

        Raises InboxFullError, here or as the result, if it cannot be stored now.
        """
        if self.full:
            raise InboxFullError(self.full)
        future: Future[bool] = Future()
        self._queue.put((deposit, future))
        if self.full:  # the thread may have ended meanwhile
            self._refuse_rest()
        return future

    def repeats(self, sender: str, digest: bytes, now: float) -> bool:
        """Whether the sender sent this body within the last hour: it need not be read again."""
        known = self._recent.get((sender, digest))
        return known is not None and now - known[0] < REPEAT_SECONDS

    def tails(self) -> dict[str, TailPosition]:
        """How far files that are followed had been read when the writer was made, by path."""
        return self._tails

    def ledger(self) -> dict[tuple[str, str], int]:
        """The counts of each sender, as they stand on the disk."""
        with self._lock:
            return dict(self._ledger)

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            self._connection.close()
            self._refuse_rest()

    def _turn(self) -> bool:
        """Write what has come in, or look around if nothing has. Gives whether there is more to come."""
        try:
            first = self._queue.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            self._look(time.time())
            self._rotate_idle(time.time())
            return True
        if first is None:
            return False
        batch = [first]
        ended = self._gather(batch)
        self._write(batch)
        return not ended

    def _refuse_rest(self) -> None:
        """Refuse what nobody will write."""
        with contextlib.suppress(queue.Empty):
            while True:
                one = self._queue.get_nowait()
                if one is not None:
                    _fail([one], InboxFullError("the inbox is not written any more"))

    def _gather(self, batch: list[tuple[Deposit, Future[bool]]]) -> bool:
        """Take in what comes until it is time to commit. Gives whether it was the last."""
        size = batch[0][0].size
        end = time.monotonic() + GATHER_SECONDS
        while size < GATHER_BYTES:
            try:
                one = self._queue.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return False
            if one is None:
                return True
            batch.append(one)
            size += one[0].size
        return False

    def _write(self, batch: Sequence[tuple[Deposit, Future[bool]]]) -> None:
        now = time.time()
        try:
            self._rotate(now)
            stored, added, recent = self._commit([one for one, _ in batch], now)
        except Exception as error:
            expected = isinstance(error, sqlite3.Error | OSError)
            logger(__name__).error("the inbox cannot be written: %s", error, exc_info=None if expected else error)
            self.failures += 1
            self._undo()
            if not expected and len(batch) > 1:  # one of them is to blame
                for one in batch:
                    self._write([one])
                return
            _fail(batch, InboxFullError(f"the inbox cannot be written: {error}"))
            self._look(now)
            return
        with self._lock:
            self._ledger.update(added)
        self._recent.update(recent)
        for (_, future), new in zip(batch, stored, strict=True):
            if future.set_running_or_notify_cancel():
                future.set_result(new)
        self._committed()
        if now - self._looked > _LOOK_SECONDS:
            self._look(now)

    def _commit(
        self, batch: Sequence[Deposit], now: float
    ) -> tuple[list[bool], Counter[tuple[str, str]], dict[tuple[str, bytes], tuple[float, int]]]:
        added: Counter[tuple[str, str]] = Counter()
        recent: dict[tuple[str, bytes], tuple[float, int]] = {}
        stored: list[bool] = []
        execute = self._connection.execute
        seq = self._next
        execute("BEGIN IMMEDIATE")
        for one in batch:
            if one.tail is not None:
                execute("INSERT OR REPLACE INTO tails VALUES (?, ?, ?, ?, ?, ?)", structs.astuple(one.tail))
            key = one.sender, one.digest
            known = recent.get(key) or self._recent.get(key)
            if known is not None and now - known[0] < REPEAT_SECONDS:
                added[one.sender, counts.RECEIVED] += known[1]
                added[one.sender, counts.REPEATED] += known[1]
                stored.append(False)
                continue
            recent[key] = now, one.records
            stored.append(True)
            _count(one, added)
            for part in one.parts:
                execute(
                    "INSERT INTO bodies VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (seq, part.cluster, one.sender, one.received, one.newest, part.events, part.lines),
                )
                seq += 1
            for letter in one.letters:
                execute(
                    "INSERT INTO letters (sender, cluster, received, error, place, size, sha256)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (one.sender, one.cluster, one.received, letter.error, letter.offset, letter.size, letter.sha256),
                )
            execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", (*key, now, one.records))
            execute(
                "INSERT INTO senders VALUES (?, ?, ?, ?) ON CONFLICT (sender) DO UPDATE SET"
                " received = excluded.received, newest = max(newest, excluded.newest)",
                (one.sender, one.cluster, one.received, one.newest),
            )
        for (sender, what), count in added.items():
            execute(
                "INSERT INTO ledger VALUES (?, ?, ?) ON CONFLICT (sender, what) DO UPDATE SET count = count + ?",
                (sender, what, count, count),
            )
        execute("COMMIT")
        self._next = seq
        return stored, added, recent

    def _undo(self) -> None:
        """Take back what a failed commit began. The outcome of a COMMIT that fails is not known, so it is read."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._next = next_of(self._connection)
            with self._lock:
                self._ledger = Counter(
                    {(row[0], row[1]): row[2] for row in self._connection.execute("SELECT * FROM ledger")}
                )
        except Exception as error:
            logger(__name__).error("the inbox cannot be read: %s", error)

    def _rotate(self, now: float) -> None:
        """Begin a new file if this one is large or old."""
        about = self._segment.path.stat().st_size
        if about < self._segment_bytes and now // self._segment_seconds == self._opened // self._segment_seconds:
            return
        execute = self._connection.execute
        execute("DELETE FROM digests WHERE received < ?", (now - REPEAT_SECONDS,))
        execute("DELETE FROM letters WHERE number <= (SELECT MAX(number) FROM letters) - ?", (LETTERS_KEPT,))
        execute("PRAGMA wal_checkpoint(TRUNCATE)")
        segment = create(self._folder, self._segment.number + 1, self._next, now, self._segment.path)
        try:
            connection = open_to_write(segment)
        except BaseException:  # the file before it goes on being written, so it must stay the last one
            segment.unlink()
            raise
        self._connection.close()
        self._segment, self._opened, self._connection = segment, now, connection
        self._recent = {key: one for key, one in self._recent.items() if now - one[0] < REPEAT_SECONDS}

    def _rotate_idle(self, now: float) -> None:
        """Leave a file that is old though nobody sends: its events are to be sealed."""
        try:
            if self._next > first_of(self._connection):
                self._rotate(now)
        except Exception as error:
            self.failures += 1
            logger(__name__).error("a new file of the inbox cannot be begun: %s", error)

    def _look(self, now: float) -> None:
        """See whether there is room."""
        self._looked = now
        try:
            self.size = size_of(self._folder)
            self._lack = lack_of(self._room, self._folder, self.size)
        except OSError as error:
            self._lack = f"the inbox cannot be read: {error.strerror}"

    def drop(self, positions: Mapping[str, int], sealed: int | None = None) -> list[InboxFile]:
        """Remove the files of which everything has been evaluated, and is in the lake if there is one; `positions` are
        by cluster, `sealed` is the number of the last body that is in the lake. The last file stays."""
        from podhawk.serve.inbox.reader import last_of

        dropped = []
        for segment in segments(self._folder)[:-1]:
            last = last_of(segment)
            if any(seq > positions.get(column_text(cluster, 255), 0) for cluster, seq in last.items()):
                break
            if sealed is not None and max(last.values(), default=0) > sealed:
                break
            segment.unlink()
            dropped.append(segment)
        return dropped


def _fail(batch: Sequence[tuple[Deposit, Future[bool]]], error: Exception) -> None:
    for _, future in batch:
        if future.set_running_or_notify_cancel():
            future.set_exception(error)


def _count(one: Deposit, added: Counter[tuple[str, str]]) -> None:
    stored = sum(part.events for part in one.parts)
    found = ((counts.RECEIVED, one.records), (counts.STORED, stored), (counts.DEAD_LETTERED, len(one.letters)))
    for what, count in found:
        if count:
            added[one.sender, what] += count
    for reason, count in one.rejected.items():
        added[one.sender, counts.REJECTED + reason] += count
