"""What searches were parsed into, and content as it was read, kept from one run to the next.

A run over a small log spends most of its time on reading content: thousands of YAML files and searches that have not
changed since the last time. What came of them is kept in a file that is named after everything it depends on: the
bytes of the content's files, where they stand, macros of the site, and the version of podhawk to the file. So there is
nothing to bring up to date, only files that nobody asks for any more.

A file that somebody else than the user could have written is not read.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
from collections.abc import Iterable, Mapping, Sequence
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
WORTH_IT: Final = 64
"""Files below which content is read as quickly. Sigma rules have to be turned into searches, which takes longer."""


def kept(path: Path) -> Content | None:
    """The content that a file holds; None where there is none, where others could have written it, or where it is
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
    """Whether the table of a lookup stands where it stood, which may be outside of the content; and if there was none,
    whether there still is none."""
    path = Path(lookup.path) if lookup.path else Path(lookup.file).parent / lookup.filename
    return lookup.kind != "csv" or path.is_file() == bool(lookup.path)


def _own(about: os.stat_result) -> bool:
    """Whether only the user may have written something."""
    return hasattr(os, "geteuid") and about.st_uid == os.geteuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def file_for(
    folder: str | None, paths: Sequence[str | Path], overrides: Sequence[str | Path], macros: Mapping[str, str]
) -> Path | None:
    """The file for some content: in a folder, or the user's own for such things; None where there is to be none, or
    where reading content takes no longer than looking for the file."""
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
    if not sigma and count < WORTH_IT:
        return None
    if sigma:
        digest.update(repr([_version_of(name) for name in ("pysigma", "pysigma-backend-splunk")]).encode())
    digest.update(_version())
    return root / f"{digest.hexdigest()}{SUFFIX}"


def _parts(path: Path) -> Iterable[bytes]:
    for found in files_of(path):
        content = found.path.read_bytes()
        yield b"\0" + os.fsencode(found.path) + b"\0" + str(len(content)).encode() + b"\0" + content


def _users_folder() -> Path:
    """Source: https://specifications.freedesktop.org/basedir-spec/latest/"""
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if os.path.isabs(given) else Path.home() / ".cache") / "podhawk"


def _version_of(package: str) -> str:
    """The version of what turns Sigma rules into searches, or "" where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


@cache
def _version() -> bytes:
    """What tells one podhawk from another, also while it is being worked on."""
    package = Path(__file__).resolve().parent.parent
    files = [
        f"{path.relative_to(package)} {about.st_mtime_ns} {about.st_size}"
        for path in sorted(package.rglob("*.py"))
        for about in (path.stat(),)
    ]
    return "\n".join((platform.python_version(), platform.python_implementation(), *files)).encode()
