"""A file of the input: opened once, and read by place from what was opened.

It is read up to the size that it had when it was opened, so that all passes see the same and a writer cannot keep a run
from ending. Of what is written later only the rest of the last line belongs to it. A file that was truncated or written
over is told by its size and by its beginning, which in an audit log holds an auditID.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from hashlib import blake2b
from typing import IO, Final, cast

from podhawk.errors import InputError
from podhawk.events.blocks import closed
from podhawk.events.compression import is_packed
from podhawk.events.decode import BadJSON, decode_json
from podhawk.events.gaps import Damaged, Gap
from podhawk.events.opening import PATIENCE, open_to_read
from podhawk.events.paths import STDIN, ListedFile, remedy_for, unreadable
from podhawk.events.placed import PlacedFile
from podhawk.events.reasons import BROKE_OFF, REPLACED, SHRANK, UNREADABLE
from podhawk.events.source import (
    SIZES,
    EndsEarly,
    ReadSizes,
    all_blocks,
    decoded,
    line_blocks,
    line_end,
    stream_blocks,
)
from podhawk.events.unpacked import Unpacked

_BEGINNING: Final = 1024
"""Bytes by which a file is known again."""
_HEAD: Final = 1 << 16
_NOT: Final = {UNREADABLE: "was not read", BROKE_OFF: "was not read to its end"}
_MOMENT: Final = 0.005
_MOMENTS: Final = 20
_JUST_NOW: Final = 1.0
_TRUNCATED: Final = "Rotate logs by renaming them: copytruncate loses events."
_ROTATED: Final = "Run again; a log that is rotated often is best named as a file, which stays open."


class Input:
    """A file of the input.

    `path` names it in results. `size` is what it held when it was opened, in bytes as they lie there; 0 where that
    cannot be told (a pipe, standard input, a file that the kernel makes up). `mark` is what it is known by: a hash of
    its beginning. `descriptor` is None for a file that is opened again where it is read, and for a stream, which can be
    read once; `head` are the first bytes that a stream gave. `identity` is device and number of what was opened.
    """

    def __init__(self, one: ListedFile) -> None:
        self.path, self.named = one
        self.descriptor: int | None = None
        self.size = 0
        self.stream: IO[bytes] | None = None
        self.mark = b""
        self.head = b""
        self.identity = (0, 0)
        self._content: Unpacked | None = None

    @classmethod
    def known(cls, path: str, size: int, mark: bytes) -> Input:
        """A file that was opened elsewhere, to be opened here by its path."""
        made = cls(ListedFile(path, True))
        made.size, made.mark = size, mark
        return made

    @classmethod
    def of_bytes(cls, path: str, data: bytes) -> Input:
        """Data as a file that has no name in any folder; `path` is what results call it. Raises OSError."""
        import tempfile

        with tempfile.TemporaryFile(buffering=0) as file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
            return cls.of_open(path, file)

    @classmethod
    def of_open(cls, path: str, file: IO[bytes]) -> Input:
        """A file that is open and has no name in any folder, and may be closed afterwards; `path` is what results call
        it. Raises OSError."""
        made = cls(ListedFile(path, True))
        made.descriptor = os.dup(file.fileno())
        made.size = os.fstat(made.descriptor).st_size
        made.mark = _hash(made._beginning(made.descriptor))
        return made

    @property
    def name(self) -> str:
        """What the file is called in messages."""
        return "standard input" if self.path == STDIN else self.path

    def open(self, patience: float = PATIENCE) -> int:
        """Open the file; gives the time of its last change. A pipe is given so many seconds for a writer to come.
        Raises OSError."""
        if self.path == STDIN:
            if sys.stdin is None:
                raise InputError("standard input is closed", remedy="Name audit logs (files, folders, globs).")
            self.stream = sys.stdin.buffer
            return 0
        descriptor = open_to_read(self.path, patience)
        try:
            about = os.fstat(descriptor)
            if stat.S_ISREG(about.st_mode):
                self.size = about.st_size
                self.mark = _hash(self._beginning(descriptor))
                self.descriptor = descriptor
            else:
                self.stream = open(descriptor, "rb")  # noqa: SIM115 - closed with the input
        except BaseException:
            os.close(descriptor)
            raise
        self.identity = (about.st_dev, about.st_ino)
        return about.st_mtime_ns

    def copy(self) -> None:
        """Copy what can be read only once into a file that has no name, and is gone when no process has it open. Raises
        OSError where it cannot be read, `InputError` where there is no room for it."""
        import tempfile

        assert self.stream is not None
        with contextlib.ExitStack() as stack:
            with self._room():
                copy = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            for block in stream_blocks(self.stream):
                left = memoryview(block)
                while left:
                    with self._room():
                        left = left[copy.write(left) :]
            self.descriptor = os.dup(copy.fileno())
        self.size = os.fstat(self.descriptor).st_size
        self.mark = _hash(self._beginning(self.descriptor))
        self.head = os.pread(self.descriptor, _HEAD, 0)
        self._close_stream()

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"cannot copy {self.name} to a temporary file: {error.strerror or error}",
                remedy="Write it to a file and name that, or set TMPDIR to a folder with more room.",
            ) from None

    def close(self) -> None:
        """Let go of the file. Where a regular file is read again, it is opened again, and must be the same."""
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
        """A descriptor of the file. Raises OSError, and `Damaged` if it is no longer the file that was opened."""
        if self.descriptor is not None:
            yield self.descriptor
            return
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            about = os.fstat(descriptor)
            same = stat.S_ISREG(about.st_mode) and about.st_size >= self.size
            if not same or _hash(self._beginning(descriptor)) != self.mark:
                raise Damaged(Gap(REPLACED, "was replaced while the input was read", _ROTATED))
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
                yield from decoded(self._noted(stream_blocks(self.stream, sizes)))
                return
            with self.reading() as descriptor:
                whole = not self.size or is_packed(self.beginning(descriptor))
                if whole:
                    blocks = all_blocks(descriptor, self.size, sizes.block)
                else:
                    blocks = self._lines(descriptor, 0, self.size, sizes)
                yield from decoded(
                    self._kept(blocks, descriptor), lambda: cast(IO[bytes], PlacedFile(descriptor, self.size))
                )

    def _noted(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self.head = self.head or block[:_HEAD]
            yield block

    def between(self, start: int, end: int, sizes: ReadSizes = SIZES) -> Iterator[bytes]:
        """The lines of a plain file between two places, in blocks. Raises `InputError`, and `Damaged` where the file
        breaks off."""
        with self._told(), self.reading() as descriptor:
            self.beginning(descriptor)
            blocks = self._kept(self._lines(descriptor, start, end, sizes), descriptor)
            yield from decoded(blocks) if not start else blocks

    def content_between(self, start: int, end: int, sizes: ReadSizes = SIZES) -> Iterator[bytes]:
        """The lines of a compressed file between two places of its content, in blocks; calls come in the order of the
        places. Raises as `blocks` does."""
        if self._content is None:
            self._content = Unpacked(self.blocks(sizes), sizes.long_line)
        return self._content.between(start, end)

    @property
    def content_ended(self) -> bool:
        """Whether all content of a compressed file has been given."""
        return self._content is not None and self._content.ended

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
            if _is_document(line) or time.time() - os.fstat(descriptor).st_mtime > _JUST_NOW:
                break
            time.sleep(_MOMENT)
        return b""

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What keeps a file from being read ends the run if the user named the file; in a folder it is a gap."""
        try:
            yield
        except OSError as error:
            if self.named:
                raise unreadable(self.name, error) from None
            raise Damaged(gap_of(BROKE_OFF, self.path, error)) from None
        except Damaged as damaged:
            if self.named and damaged.gap is not None and damaged.gap.reason == REPLACED:
                raise InputError(f"{self.path} {damaged.gap.detail}", remedy=damaged.gap.remedy) from None
            raise


def gap_of(reason: str, path: str, error: OSError) -> Gap:
    return Gap(reason, f"{_NOT[reason]}: {error.strerror or error}", remedy_for(path, error))


def _is_document(block: bytes) -> bool:
    """Whether the last line of a block is whole. Half an event can end in a brace as well."""
    line = block[block.rfind(b"\n") + 1 :]
    if not closed(line):
        return False
    try:
        decode_json(line)
    except BadJSON:
        return False
    return True


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
