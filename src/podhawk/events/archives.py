"""Zip and tar archives: the members one after another, as if they were one file.

Folders and hidden members are left out. Each member ends with a line feed.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from lzma import LZMAError
from typing import IO, Final, cast

from podhawk.events.gaps import Damaged
from podhawk.events.reasons import ENCRYPTED

_BLOCK: Final = 1 << 20
_FAULTS: Final = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, ValueError, OSError)

Decode = Callable[[Iterator[bytes]], Iterator[bytes]]
"""What makes plain bytes of the content of a member."""


def unzipped(stream: IO[bytes], decode: Decode) -> Iterator[bytes]:
    """The plain bytes of all members of a zip archive, in blocks. Raises `Damaged`."""
    try:
        archive = zipfile.ZipFile(stream)
    except _FAULTS:
        raise Damaged from None
    with archive:
        shown = (member for member in archive.infolist() if not member.is_dir() and _is_shown(member.filename))
        yield from _one_after_another(decode(_content(archive, member)) for member in shown)


def untarred(blocks: Iterator[bytes], decode: Decode) -> Iterator[bytes]:
    """The plain bytes of all files in a tar archive, in blocks. Raises `Damaged`."""
    try:
        stream = cast(IO[bytes], _Stream(blocks))
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=0) as archive:
            files = (member for member in archive if member.isfile() and _is_shown(member.name))
            contents = (content for member in files if (content := archive.extractfile(member)) is not None)
            yield from _one_after_another(decode(iter(partial(content.read, _BLOCK), b"")) for content in contents)
    except (tarfile.TarError, *_FAULTS):
        raise Damaged from None


def _one_after_another(members: Iterable[Iterator[bytes]]) -> Iterator[bytes]:
    """The blocks of all members. Raises `Damaged` after the last one if one of them broke off."""
    broken: Damaged | None = None
    for member in members:
        block = b""
        try:
            for block in member:
                yield block
        except Damaged as damaged:
            broken = broken or damaged
        if block and not block.endswith(b"\n"):
            yield b"\n"
    if broken is not None:
        raise broken


class _Stream:
    """Blocks as the file object that `tarfile` reads from."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = bytearray()

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end."""
        while len(self._held) < size and (block := next(self._blocks, b"")):
            self._held += block
        data = bytes(self._held[:size])
        del self._held[:size]
        return data


def _is_shown(name: str) -> bool:
    parts = [part for part in name.split("/") if part not in (".", "")]
    return not any(part.startswith((".", "__MACOSX")) for part in parts)


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(member) as content:
            while block := content.read(_BLOCK):
                yield block
    except _FAULTS:
        raise Damaged from None
    except (RuntimeError, NotImplementedError):  # a password, or a method that Python does not know
        raise Damaged(reason=ENCRYPTED) from None
