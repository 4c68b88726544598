"""The files of an input: opened when a run begins, and read from what was opened.

Audit logs are rotated while they are read: a file is renamed, deleted or compressed, and its path names another file
from then on. Each file is therefore opened once, before anything is read. Whatever reads it later (a piece in another
process, a second pass, the next search over the same input) reads from the descriptor. It reads by place, because forks
share the position of a descriptor.

A process may have only so many descriptors. If there are more files, the newest stay open, because these are the ones
that are rotated. Any other is opened again by its path, and must then be the same file: at least as large, and with the
same beginning, which in an audit log holds an auditID.

What was there when a file was opened is read. What is written later is not, so that all passes see the same and a
writer cannot keep a run from ending.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import IO, Final

from podhawk.errors import InputError
from podhawk.events.blocks import closed
from podhawk.events.event import Origin
from podhawk.events.gaps import Damaged, Gap
from podhawk.events.options import InputReport
from podhawk.events.paths import STDIN, Listed, listed
from podhawk.events.reasons import SHRANK
from podhawk.events.source import (
    SIZES,
    EndsEarly,
    ReadSizes,
    all_blocks,
    decoded,
    is_compressed,
    line_blocks,
    line_end,
    stream_blocks,
)

RESERVED: Final = 128
"""Descriptors that are left for everything else: pipes to processes, databases, lookups, results."""
MOST_HELD: Final = 4096
_BEGINNING: Final = 1024
"""Bytes by which a file is known again."""
_MOMENT: Final = 0.005
_MOMENTS: Final = 10
_JUST_NOW: Final = 1.0
_TRUNCATED: Final = "Rotate logs by renaming them: copytruncate loses events."
_ROTATED: Final = "Run again; a log that is rotated often is best named as a file, which stays open."


class Input:
    """A file of the input.

    `path` names it in results. `size` is what it held when it was opened, in bytes as they lie there; 0 where that
    cannot be told (a pipe, standard input, a file that the kernel makes up). `mark` is what it is known by: a hash of
    its beginning. `descriptor` is None for a file that is opened again where it is read, and for a stream, which can be
    read once.
    """

    def __init__(self, one: Listed) -> None:
        self.path, self.named = one
        self.descriptor: int | None = None
        self.size = 0
        self.stream: IO[bytes] | None = None
        self.mark = b""

    @classmethod
    def known(cls, path: str, size: int, mark: bytes) -> Input:
        """A file that was opened elsewhere, to be opened here by its path."""
        made = cls(Listed(path, True))
        made.size, made.mark = size, mark
        return made

    @property
    def name(self) -> str:
        """What the file is called in messages."""
        return "standard input" if self.path == STDIN else self.path

    def open(self) -> int:
        """Open the file; gives the time of its last change. Raises OSError."""
        if self.path == STDIN:
            if sys.stdin is None:
                raise InputError("standard input is closed", remedy="Name audit logs (files, folders, globs).")
            self.stream = sys.stdin.buffer
            return 0
        descriptor = os.open(self.path, os.O_RDONLY)
        about = os.fstat(descriptor)
        if stat.S_ISREG(about.st_mode):
            self.descriptor, self.size = descriptor, about.st_size
            self.mark = _hash(self._beginning(descriptor))
        else:
            self.stream = open(descriptor, "rb")  # noqa: SIM115 - closed with the input
        return about.st_mtime_ns

    def copy(self) -> None:
        """Copy what can be read only once into a file that has no name, and is gone when no process has it open. Raises
        `InputError` where there is no room for it."""
        import shutil
        import tempfile

        assert self.stream is not None
        try:
            with tempfile.TemporaryFile(buffering=0) as copy:
                shutil.copyfileobj(self.stream, copy, SIZES.block)
                self.descriptor = os.dup(copy.fileno())
        except OSError as error:
            raise InputError(
                f"{self.name} cannot be kept to be read again: {error.strerror or error}",
                remedy="Write it to a file and name that, or set TMPDIR to a folder with more room.",
            ) from None
        self.size = os.fstat(self.descriptor).st_size
        self.mark = _hash(self._beginning(self.descriptor))
        self._close_stream()

    def release(self) -> None:
        """Close the file for now; where it is read again it must be the same."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
        self._close_stream()

    def _close_stream(self) -> None:
        if self.stream is not None and self.path != STDIN:
            self.stream.close()
        self.stream = None

    @property
    def is_file(self) -> bool:
        """Whether any part of it can be read at any time."""
        return self.stream is None

    def _beginning(self, descriptor: int) -> bytes:
        return os.pread(descriptor, min(self.size, _BEGINNING), 0)

    @contextlib.contextmanager
    def reading(self) -> Iterator[int]:
        """A descriptor of the file. Raises `InputError` if it is no longer the file that was opened."""
        if self.descriptor is not None:
            yield self.descriptor
            return
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            about = os.fstat(descriptor)
            same = stat.S_ISREG(about.st_mode) and about.st_size >= self.size
            if not same or _hash(self._beginning(descriptor)) != self.mark:
                raise InputError(f"{self.path} was replaced while the input was read", remedy=_ROTATED)
            yield descriptor
        finally:
            os.close(descriptor)

    def beginning(self, descriptor: int) -> bytes:
        """The first bytes of the file. Raises `Damaged` if they are others than before: it was written over."""
        found = self._beginning(descriptor)
        if _hash(found) != self.mark:
            raise Damaged(Gap(SHRANK, remedy=_TRUNCATED, size=self.size))
        return found

    def blocks(self, sizes: ReadSizes = SIZES) -> Iterator[bytes]:
        """The decompressed, decoded content in blocks. Raises `InputError` if the file cannot be read and `Damaged`
        where it breaks off, or a compressed stream does (all that came before has been given by then)."""
        with self._told():
            if self.stream is not None:
                yield from decoded(stream_blocks(self.stream, sizes), sizes)
                return
            with self.reading() as descriptor:
                whole = not self.size or is_compressed(self.beginning(descriptor))
                if whole:
                    blocks = all_blocks(descriptor, self.size, sizes.block)
                else:
                    blocks = self._lines(descriptor, 0, self.size, sizes)
                yield from decoded(self._kept(blocks, descriptor), sizes)

    def between(self, start: int, end: int, sizes: ReadSizes = SIZES) -> Iterator[bytes]:
        """The lines of a plain file between two places, in blocks. Raises `InputError`, and `Damaged` where the file
        breaks off."""
        with self._told(), self.reading() as descriptor:
            self.beginning(descriptor)
            blocks = self._kept(self._lines(descriptor, start, end, sizes), descriptor)
            yield from decoded(blocks, sizes) if not start else blocks

    def _kept(self, blocks: Iterator[bytes], descriptor: int) -> Iterator[bytes]:
        """Blocks of the file, at the end of which it is seen whether it is what it was."""
        number = 0
        try:
            for block in blocks:
                number += 1
                yield block
        except EndsEarly as early:
            gap = Gap(SHRANK, remedy=_TRUNCATED, missing=early.end - early.place, size=self.size)
            raise Damaged(gap) from None
        if number > 1:
            self.beginning(descriptor)

    def _lines(self, descriptor: int, start: int, end: int, sizes: ReadSizes) -> Iterator[bytes]:
        block = b""
        for block in line_blocks(descriptor, start, end, sizes.block):
            yield block
        if end == self.size and not block.endswith(b"\n"):
            rest = self._rest_of_line(descriptor, block, sizes.long_line)
            if rest:
                yield rest

    def _rest_of_line(self, descriptor: int, line: bytes, most: int) -> bytes:
        """What has been written since of the line that was being written when the file was opened. Half a line that
        has just been written is given a moment for the other half."""
        for _ in range(_MOMENTS):
            end = line_end(descriptor, self.size, self.size + most)
            rest = os.pread(descriptor, end - self.size, self.size)
            if rest.endswith(b"\n"):
                return rest
            if closed(line) or time.time() - os.fstat(descriptor).st_mtime > _JUST_NOW:
                break
            time.sleep(_MOMENT)
        return b""

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"cannot read {self.path!r}: {error.strerror or error}") from None


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


class Inputs:
    """The files that paths stand for, opened when they are first asked for.

    With `keep`, what can be read only once is copied, so that it can be read again. `gaps` says of files why they were
    not read, or not to their end, in any pass.
    """

    def __init__(self, paths: Sequence[str], *, keep: bool = False) -> None:
        self.paths = list(paths)
        self.keep = keep
        self.gaps: dict[str, Gap] = {}
        self._files: list[Input] | None = None

    @property
    def files(self) -> Sequence[Input]:
        """The files, in the order in which they are read. Raises `InputError` where one cannot be opened."""
        if self._files is None:
            self._files = []
            try:
                self._open(self._files)
            except BaseException:
                self.close()
                raise
        return self._files

    @property
    def size(self) -> int:
        """Bytes of the files, as they lie there."""
        return sum(one.size for one in self.files)

    def _open(self, files: list[Input]) -> None:
        room = _descriptors_left()
        held: list[tuple[int, int]] = []
        for one in listed(self.paths):
            file = Input(one)
            with file._told():
                changed = file.open()
            files.append(file)
            if file.stream is not None:
                if self.keep:
                    file.copy()
            else:
                heapq.heappush(held, (changed, len(files) - 1))
                if len(held) > room:
                    files[heapq.heappop(held)[1]].release()

    def note(self, report: InputReport) -> None:
        """Note what a pass could not read, and tell its report of what others could not."""
        self.gaps.update(report.gaps)
        for path, gap in self.gaps.items():
            report.miss(gap, Origin(path, 0))

    def descriptors(self) -> list[int]:
        """The descriptors of the files that are held open."""
        return [one.descriptor for one in self._files or () if one.descriptor is not None]

    def close(self) -> None:
        """Let go of the files; they are opened anew if they are asked for again."""
        for file in self._files or ():
            file.close()
        self._files = None

    def __enter__(self) -> Inputs:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()


def opened(paths: Sequence[str] | Inputs) -> contextlib.AbstractContextManager[Inputs]:
    """The files of paths, closed at the end; those that are given as files stay open."""
    return contextlib.nullcontext(paths) if isinstance(paths, Inputs) else Inputs(paths)


def _descriptors_left() -> int:
    """How many files may be held open."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        used = len(os.listdir("/dev/fd"))
    except (ImportError, OSError):
        return RESERVED
    if limit == resource.RLIM_INFINITY:
        return MOST_HELD
    return max(0, min(MOST_HELD, limit - used - RESERVED))
