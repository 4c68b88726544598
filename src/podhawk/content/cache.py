"""The content cache: loaded content and parsed searches, kept from one run to the next.

A run over a small log spends most of its time on reading content that has not changed. The result is kept in a file
whose name is a hash of everything that it depends on: the bytes and paths of the content's files, the macros of the
site, the sources of podhawk, and the versions of Python and of the packages that convert Sigma rules. So a file is
never out of date: if something changes, another file is looked for. Old files are deleted when new ones are written.

A file that anybody but the user could have written is not read.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from podhawk.content.model import Content, LookupDefinition
from podhawk.content.packed import unpack
from podhawk.content.parsed import SUFFIX, SearchKey
from podhawk.content.walk import files_of
from podhawk.log import logger
from podhawk.runtime import no_collection

OFF: Final = "off"
WORTH_IT: Final = 8
"""With fewer files, reading the content takes hardly longer than the cache, unless there are Sigma rules to convert."""


def kept(path: Path) -> Content | None:
    """The content in a cache file; None if there is no such file, if others could have written it, or if it is
    damaged."""
    try:
        with path.open("rb") as file:
            if not (_own(os.fstat(file.fileno())) and _own(path.parent.stat())):
                logger(__name__).warning("kept content is not read, since others could have written it: %s", path)
                return None
            data = file.read()
        with no_collection():
            values, searches = unpack(data)
            content = Content(*values)
            content.parsed.searches = {SearchKey(*key): pipeline for *key, pipeline in searches}
        os.utime(path)
    except FileNotFoundError:
        logger(__name__).debug("no content is kept in %s", path)
        return None
    except (OSError, ValueError, TypeError) as error:  # then it is written anew
        logger(__name__).warning("kept content cannot be read and is written anew: %s: %r", path, error)
        return None
    return content if all(map(_still_there, content.lookups.values())) else None


def _still_there(lookup: LookupDefinition) -> bool:
    """Whether the file of a lookup table exists as it did when the content was read. It need not be one of the files
    that the name of the kept content is made of."""
    path = Path(lookup.path) if lookup.path else Path(lookup.file).parent / lookup.filename
    return lookup.kind != "csv" or os.path.isfile(path) == bool(lookup.path)


def _own(about: os.stat_result) -> bool:
    """Whether only the user may write the file or folder."""
    return hasattr(os, "geteuid") and about.st_uid == os.geteuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def installed_version(package: str) -> str:
    """The version of an installed package; "" if it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def file_for(
    folder: str | None,
    paths: Sequence[str | Path],
    overrides: Sequence[str | Path],
    macros: Mapping[str, str],
    version_of: Callable[[str], str] = installed_version,
    least: int = WORTH_IT,
) -> Path | None:
    """The file for some content, in `folder` or in the user's cache folder.

    None if the cache is off, or if the content has fewer than `least` files and no Sigma rules. `version_of` tells the
    versions of the packages that convert these.
    """
    if folder == OFF or not hasattr(os, "geteuid"):
        return None
    try:
        root = Path(folder).expanduser() if folder else _users_folder()
        digest = hashlib.blake2b(digest_size=16)
        count, sigma = 0, False
        for given in (*paths, None, *overrides):
            digest.update(b"\0\0" + str(given).encode("utf-8", "surrogateescape"))
            for part in _parts(Path(given).expanduser()) if given is not None else ():
                digest.update(part)
                count += 1
                sigma = sigma or b"logsource" in part
    except (OSError, RuntimeError) as error:  # what is wrong with the content is told where it is read
        logger(__name__).debug("content is not kept: %r", error)
        return None
    digest.update(repr(sorted(macros.items())).encode("utf-8", "surrogateescape"))
    if not sigma and count < least:
        return None
    if sigma:
        digest.update(repr([version_of(name) for name in ("pysigma", "pysigma-backend-splunk")]).encode())
    digest.update(_version())
    return root / f"{digest.hexdigest()}{SUFFIX}"


def _parts(path: Path) -> Iterable[bytes]:
    for found in files_of(path):
        content = b"" if found.refused else found.path.read_bytes()
        yield b"\0" + os.fsencode(found.path) + b"\0" + str(len(content)).encode() + b"\0" + content


def _users_folder() -> Path:
    """Source: https://specifications.freedesktop.org/basedir-spec/latest/"""
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if os.path.isabs(given) else Path.home() / ".cache") / "podhawk"


@cache
def _version() -> bytes:
    """Identifies the sources of podhawk, also during development."""
    files = [f"{path} {about.st_mtime_ns} {about.st_size}" for path, about in _sources(Path(__file__).parent.parent)]
    return "\n".join((sys.version, sys.implementation.name, *sorted(files))).encode()


def _sources(folder: str | Path) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry.path, entry.stat()
            elif entry.name != "__pycache__" and entry.is_dir() and entry.name != "pack":
                yield from _sources(entry.path)
