"""Paths to files: what a file, a folder, a glob or `-` stands for."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from podhawk.errors import InputError

STDIN: Final = "-"


class Listed(NamedTuple):
    """A file of the input; `named` says whether the user named it, rather than a folder or a glob that it is in."""

    path: str
    named: bool


def expand_paths(paths: Sequence[str]) -> list[str]:
    """Files in order: a folder gives its files (recursive, sorted, hidden ones left out), a glob its
    matches, `-` is stdin. Raises `InputError` naming a path that does not exist or matches nothing."""
    return [one.path for one in listed(paths)]


def listed(paths: Sequence[str]) -> Iterator[Listed]:
    """The same, with how each file came to be read."""
    for path in paths:
        if path == STDIN or os.path.isfile(path) or (os.path.exists(path) and not os.path.isdir(path)):
            yield Listed(path, True)
        elif os.path.isdir(path):
            for inner in _files_below(path):
                yield Listed(inner, False)
        else:
            matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []
            if not matches:
                raise InputError(
                    f"no such file or folder: {path!r}",
                    remedy="Paths may be files, folders, globs, or - for standard input.",
                )
            for match in matches:
                for inner in _files_below(match) if os.path.isdir(match) else [match]:
                    yield Listed(inner, False)


def _files_below(folder: str) -> list[str]:
    root = Path(folder)
    return [
        str(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
