"""Files that a log was renamed to: which of them is the one that was being read, and which came after it.

The API server renames `audit.log` to `audit-2026-11-30T10-00-00.000.log`; logrotate renames it to `audit.log.1` or
`audit.log-20261130` and so on. Both may compress files later, which keeps the time of their last change. A file is told
by its inode and its first bytes, and the order of files by the time of their last change.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

from podhawk.events.gaps import Damaged
from podhawk.events.inputfile import Input
from podhawk.events.paths import ListedFile
from podhawk.serve.inbox.deposit import TailPosition

HEAD: Final = 1024
"""Bytes by which a file is known again."""
_STAMP: Final = r"[-_.]?\d{4}-?\d\d-?\d\d[-_T.]?[\d\-_.:]*"
PACKED: Final = (".gz", ".zst", ".xz", ".bz2")


class RotatedFile(NamedTuple):
    """A file beside the one that is followed: when it was last changed, in nanoseconds, and its device and inode."""

    changed: int
    path: str
    identity: tuple[int, int]

    @property
    def is_packed(self) -> bool:
        return self.path.endswith(PACKED)

    @property
    def plain_path(self) -> str:
        """What the file was called before it was compressed. While that exists, it may be half compressed."""
        return os.path.splitext(self.path)[0] if self.is_packed else self.path


def identity_of(about: os.stat_result) -> tuple[int, int]:
    """The device and the inode of a file, as the inbox can store them: its numbers end at 2 ** 63, those of some file
    systems do not."""
    return about.st_dev % (1 << 63), about.st_ino % (1 << 63)


def head_of(data: bytes) -> bytes:
    """The hash by which a file is known again."""
    return blake2b(data, digest_size=16).digest()


def rotated_files(path: str) -> list[RotatedFile]:
    """The files that the one at a path may have been renamed to, the oldest first."""
    folder, name = os.path.split(path)
    stem, ending = os.path.splitext(name)
    packed = "(?:" + "|".join(map(re.escape, PACKED)) + ")?"
    pattern = re.compile(
        rf"(?:{re.escape(name)}(?:\.\d+|{_STAMP})|{re.escape(stem)}{_STAMP}{re.escape(ending)}){packed}\Z"
    )
    found = []
    with os.scandir(folder or ".") as entries:
        for entry in entries:
            if pattern.match(entry.name) and entry.is_file():
                about = entry.stat()
                found.append(RotatedFile(about.st_mtime_ns, entry.path, identity_of(about)))
    return sorted(found)


def renamed(position: TailPosition, files: list[RotatedFile]) -> RotatedFile | None:
    """The file that a position is about, if it is among the files: under another name, or compressed. Raises OSError
    if files were renamed meanwhile."""
    for one in files:
        if one.identity == (position.device, position.inode) and begins_as(one.path, position):
            return one
    packed = (one for one in files if position.head_size and one.is_packed)
    return next((one for one in packed if begins_as(one.path, position)), None)


def begins_as(path: str, position: TailPosition) -> bool:
    """Whether a file begins as the one that a position is about, when decompressed. Raises OSError."""
    head = b""
    with contextlib.suppress(Damaged):
        for block in content(path):
            head += block
            if len(head) >= position.head_size:
                break
    return len(head) >= position.head_size and head_of(head[: position.head_size]) == position.head


def content(path: str, skip: int = 0) -> Iterator[bytes]:
    """The content of a file that nobody writes to any more, decompressed, in blocks, without its first bytes. Raises
    OSError, and Damaged where it ends early."""
    file = Input(ListedFile(path, False))
    file.open()
    try:
        for block in file.blocks():
            if skip < len(block):
                yield block[skip:]
            skip = max(0, skip - len(block))
    finally:
        file.close()
