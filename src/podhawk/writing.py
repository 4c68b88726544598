"""Writing files: whole or not at all, and with an error that says why it failed."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from podhawk.errors import OutputError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def cannot_write(where: str | os.PathLike[str], error: OSError) -> OutputError:
    """The error for output that the system refuses."""
    remedy = ""
    if error.errno in _FULL:
        remedy = "Free some space, or write to another place."
    elif error.errno in _FORBIDDEN:
        remedy = "Name a place that this user may write to."
    return OutputError(f"cannot write {os.fspath(where)}: {error.strerror or error}", remedy=remedy)


@contextlib.contextmanager
def writing_to(where: str | os.PathLike[str]) -> Iterator[None]:
    """Raise OutputError for what the system refuses within the block."""
    try:
        yield
    except OSError as error:
        named = os.fspath(error.filename) if isinstance(error.filename, str | os.PathLike) else ""
        raise cannot_write(where if not named or named.endswith(_part_ending()) else named, error) from None


def _part_ending() -> str:
    """How a file ends that is still being written. Nobody knows it by this name."""
    return f".{os.getpid()}.part"


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, parents: bool = False, private: bool = False) -> Iterator[TextIO]:
    """A text file that takes the place of `path` when the block ends, and is gone if it fails: a reader sees the old
    content or the new one. With `parents`, folders are made. If `private`, only the owner may read the file, and the
    folder, if it is made here. A pipe or device is written to as it is. Raises OutputError."""
    target = Path(os.path.realpath(path))  # the file that a link leads to, not the link
    with writing_to(path):
        if target.exists() and not target.is_file():
            with target.open("w", encoding="utf-8", newline="") as file:
                yield file
            return
        if parents:
            target.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
        part = target.with_name(f".{target.name[:200]}{_part_ending()}")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666)
            with open(descriptor, "w", encoding="utf-8", newline="") as file:
                yield file
            if target.exists() and not private:
                part.chmod(target.stat().st_mode & 0o7777)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str, *, parents: bool = False) -> None:
    """Write a text file, whole or not at all; with `parents`, folders are made. Raises OutputError."""
    with replacing(path, parents=parents) as file:
        file.write(text)
