"""Files as a receiver: events are taken from a log as it is written.

How far a file has been read is stored in the transaction that stores its events, so a restart neither repeats nor
loses any. When the file is renamed, it is read to its end first, then whatever was rotated after it, then the file that
has its name now. A file that was truncated or is not to be found any more may have held events that were not read: this
is counted as a dead letter and logged, because nobody else knows.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from msgspec import Struct

from podhawk.errors import StateUnavailableError
from podhawk.events.event import DEFAULT_CLUSTER
from podhawk.events.gaps import Damaged
from podhawk.events.partition import cluster_of
from podhawk.events.redaction.mask import Redaction
from podhawk.log import logger
from podhawk.serve.inbox.deposit import DeadLetter, Deposit, TailPosition
from podhawk.serve.inbox.writer import InboxWriter
from podhawk.serve.receivers.bodies import BodyLines, read_lines
from podhawk.serve.receivers.intake import FUTURE
from podhawk.serve.receivers.rotation import (
    HEAD,
    RotatedFile,
    begins_as,
    content,
    head_of,
    identity_of,
    renamed,
    rotated_files,
)

_TRIES: Final = 100
POLL: Final = 0.25
"""Seconds between looks at a file of which everything has been read."""
CHUNK: Final = 4 << 20
"""Bytes that are read and stored at once; a longer line is a dead letter."""
TRUNCATED: Final = "the file was truncated or written over: events that were not read yet may be lost"
VANISHED: Final = "the file that was being read is not there any more: events that were not read yet may be lost"
DAMAGED: Final = "a rotated file is damaged: the events in the rest of it are lost"
LONG: Final = "line over the size limit"


_REASONS: Final = {TRUNCATED: "truncated", VANISHED: "vanished", DAMAGED: "damaged"}


class OpenFile(Struct):
    """The file that is read now."""

    descriptor: int
    device: int
    inode: int
    offset: int = 0
    head: bytes = b""
    """Its first bytes, at most `HEAD`, of what has been read."""

    def position(self, path: str) -> TailPosition:
        return TailPosition(path, self.device, self.inode, self.offset, len(self.head), head_of(self.head))


class Follower:
    """Follows one file."""

    def __init__(self, path: str, cluster: str, redaction: Redaction, writer: InboxWriter) -> None:
        self.path = path
        self._cluster = cluster_of(path) or cluster or DEFAULT_CLUSTER
        self._redaction = redaction
        self._writer = writer
        self._file: OpenFile | None = None
        self._known = writer.tails().get(path)
        """How far has been read, while no file is open."""
        self._complete: int | None = None
        """If everything of the file has been read that `_known` is about: when it was last changed, in nanoseconds."""
        self.gaps: Counter[str] = Counter()
        """How often events may have been lost, by why."""

    @property
    def behind(self) -> int:
        """Bytes of the file that have not been read."""
        file = self._file
        try:
            return max(0, os.fstat(file.descriptor).st_size - file.offset) if file is not None else 0
        except OSError:
            return 0

    def step(self) -> bool:
        """Take what has been written; gives whether there was anything. Raises StateUnavailableError if the inbox is
        full, and OSError if a file cannot be read: nothing is lost by either."""
        if self._file is None:
            self._file = self._open()
            if self._file is None:
                return False
        file = self._file
        following = self._following(file)
        if _is_truncated(file):
            self._begin_anew(file, file.position(self.path), rotated_files(self.path))
        if self._read(file, final=following):
            return True
        if following:
            self._known, self._complete = file.position(self.path), os.fstat(file.descriptor).st_mtime_ns
            self.close()
        return following

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file.descriptor)
            self._file = None

    def _open(self) -> OpenFile | None:
        """The file that has the name, after what is left of those that had it before."""
        try:
            file, others = self._opened()
        except FileNotFoundError:
            return None
        try:
            if self._known is not None:
                self._go_on(file, self._known, others)
        except BaseException:
            os.close(file.descriptor)
            raise
        self._known = self._complete = None
        return file

    def _opened(self) -> tuple[OpenFile, list[RotatedFile]]:
        """The file that has the name, and those that had it before. Nothing was rotated between the two: such a file
        would be missed, or read twice. Raises OSError."""
        for _ in range(_TRIES):
            others = rotated_files(self.path)
            file = _opened(self.path)
            if [one.path for one in rotated_files(self.path)] == [one.path for one in others]:
                return file, others
            os.close(file.descriptor)
        raise OSError(f"{self.path} is rotated all the time")

    def _go_on(self, file: OpenFile, known: TailPosition, others: list[RotatedFile]) -> None:
        """Go on where the file was left that was being read, which may have another name by now. The inode of a file
        that was compressed may be that of the new one."""
        same = (file.device, file.inode) == (known.device, known.inode)
        if same:
            file.offset, file.head = known.offset, os.pread(file.descriptor, known.head_size, 0)
            if head_of(file.head) == known.head and os.fstat(file.descriptor).st_size >= known.offset:
                return
        if same and renamed(known, others) is None:
            self._begin_anew(file, known, others)
        else:
            file.offset, file.head = 0, b""
            self._catch_up(known, others)

    def _catch_up(self, known: TailPosition, others: list[RotatedFile]) -> None:
        """Read what was rotated: the rest of the file that was being read, and later ones."""
        complete = self._complete
        found = renamed(known, others)
        if complete is None and found is None:
            self._tell_gap(known, VANISHED)
            return
        if complete is None and found is not None:
            complete = found.changed
            self._take_whole(found, known, known.offset)
        plain = {one.path for one in others if not one.is_packed}
        for one in others:
            if one.changed <= (complete or 0) or one is found or one.plain_path in plain - {one.path}:
                continue
            if not (one.is_packed and begins_as(one.path, known)):  # compressed later, it has a later time
                self._take_whole(one, known, 0)

    def _take_whole(self, one: RotatedFile, known: TailPosition, skip: int) -> None:
        """Take a file that nobody writes to, without its first bytes. The position is one in its plain content."""
        head, offset = b"", skip
        for part in self._whole_parts(one, known, skip):
            if offset == skip:
                logger(__name__).info("%s was rotated to %s, which is read to its end", self.path, one.path)
            offset += len(part)
            if skip:
                tail = TailPosition(self.path, *one.identity, offset, known.head_size, known.head)
            else:
                head = (head + part)[:HEAD]
                tail = TailPosition(self.path, *one.identity, offset, len(head), head_of(head))
            self._put(part.split(b"\n"), tail)
            self._known, self._complete = tail, None

    def _whole_parts(self, one: RotatedFile, known: TailPosition, skip: int) -> Iterator[bytes]:
        try:
            yield from _parts(content(one.path, skip))
        except Damaged:
            self._tell_gap(self._known or known, DAMAGED)

    def _following(self, file: OpenFile) -> bool:
        """Whether the path names another file, in which something has been written: this one is complete then."""
        try:
            about = os.stat(self.path)
        except OSError:
            return False
        return identity_of(about) != (file.device, file.inode) and about.st_size > 0

    def _begin_anew(self, file: OpenFile, before: TailPosition, others: list[RotatedFile]) -> None:
        """Read a file from its beginning that was truncated or written over. If it was copied before, the copy has what
        was not read, but for what was written between the two."""
        self._tell_gap(before, TRUNCATED)
        copies = (one for one in others if before.head_size and begins_as(one.path, before))
        copy = next(copies, None)
        if copy is not None:
            self._take_whole(copy, before, before.offset)
        file.offset, file.head = 0, b""
        self._put([], file.position(self.path))

    def _tell_gap(self, position: TailPosition, why: str) -> None:
        """Keep account of events that may have been lost, as a dead letter and in the log."""
        self._put([], position, [DeadLetter(why, position.offset, 0, sha256(b"").hexdigest())])
        self.gaps[_REASONS[why]] += 1
        logger(__name__).error("%s: %s", self.path, why)

    def _read(self, file: OpenFile, *, final: bool) -> bool:
        """Take the next whole lines, and the last line too if nothing more is written to the file."""
        data = os.pread(file.descriptor, CHUNK, file.offset)
        cut = data.rfind(b"\n") + 1
        letters = []
        if not cut and (final or len(data) == CHUNK):
            cut = len(data)
            if len(data) == CHUNK:
                letters.append(DeadLetter(LONG, file.offset, len(data), sha256(data).hexdigest()))
        if not cut:
            return False
        before = file.offset, file.head
        if len(file.head) < HEAD:
            file.head = (file.head + data[:cut])[:HEAD]
        file.offset += cut
        try:
            self._put([] if letters else data[:cut].split(b"\n"), file.position(self.path), letters)
        except BaseException:
            file.offset, file.head = before
            raise
        return True

    def _put(self, lines: list[bytes], tail: TailPosition, letters: list[DeadLetter] | None = None) -> None:
        """Store lines, and how far the file has been read with them. Raises StateUnavailableError."""
        found = BodyLines(self._cluster, lambda cluster: True, self._redaction)
        read_lines([line for line in map(bytes.strip, lines) if line], found)
        now = time.time()
        place = f"{tail.device}:{tail.inode}:{tail.offset}:{len(lines)}:{now if letters else 0}".encode()
        deposit = Deposit(
            f"file:{self.path}",
            self._cluster,
            head_of(place + tail.head),
            now,
            min(found.newest, now + FUTURE),
            found.parts(),
            dict(found.rejected),
            (*found.letters, *(letters or ())),
            tail,
        )
        self._writer.put(deposit).result()


class FileReceiver:
    """Follows files in a thread."""

    def __init__(self, paths: tuple[str, ...], cluster: str, redaction: Redaction, writer: InboxWriter) -> None:
        self._ended = threading.Event()
        self.followers = [Follower(path, cluster, redaction, writer) for path in paths]
        self._thread = threading.Thread(target=self._run, name="files", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        if self.followers:
            self._thread.start()

    def stop(self) -> None:
        """End after what is being stored."""
        self._ended.set()
        if self.followers:
            self._thread.join()

    def _run(self) -> None:
        failed: dict[str, str] = {}
        while not self._ended.is_set():
            took = False
            for one in self.followers:
                try:
                    took = one.step() or took
                    failed.pop(one.path, None)
                except (OSError, StateUnavailableError) as error:
                    if failed.get(one.path) != str(error):
                        logger(__name__).error("%s cannot be followed now: %s", one.path, error)
                    failed[one.path] = str(error)
                except Exception as error:  # a fault at one file must not end the others
                    if failed.get(one.path) != str(error):
                        logger(__name__).error("%s cannot be followed now", one.path, exc_info=error)
                    failed[one.path] = str(error)
            if not took:
                self._ended.wait(POLL)
        for one in self.followers:
            one.close()


def _opened(path: str) -> OpenFile:
    """A file, open to be read. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a file")
    return OpenFile(descriptor, *identity_of(about))


def _is_truncated(file: OpenFile) -> bool:
    """Whether a file no longer holds what was read of it."""
    size = os.fstat(file.descriptor).st_size
    return size < file.offset or os.pread(file.descriptor, len(file.head), 0) != file.head


def _parts(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines of blocks, several at once; the last one may lack its end. Raises Damaged after the last one."""
    carry, damaged = b"", None
    try:
        for block in blocks:
            carry += block
            if len(carry) >= CHUNK:
                cut = carry.rfind(b"\n") + 1 or len(carry)
                yield carry[:cut]
                carry = carry[cut:]
    except Damaged as error:
        damaged = error
    if carry:
        yield carry
    if damaged is not None:
        raise damaged
