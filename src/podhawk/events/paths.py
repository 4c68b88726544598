"""Paths to files: what a file, a folder, a glob or `-` stands for."""

from __future__ import annotations

import errno
import glob
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from podhawk.errors import InputError
from podhawk.events.gaps import Gap
from podhawk.events.opening import Unfit
from podhawk.events.reasons import FOLDER

STDIN: Final = "-"
STORED: Final = "state:"
"""Begins a path that names the events which podhawk serve keeps, by the folder of its state."""
Skip = Callable[[str, Gap], object]
"""Is told of what lies in a folder or a glob and cannot be read."""
_LINKED: Final = Gap(FOLDER, "was not read: links to folders are not followed", "Name it to read it.")
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR})


class ListedFile(NamedTuple):
    """A file of the input; `named` says whether the user named it, rather than a folder or a glob that it is in."""

    path: str
    named: bool


def expand_paths(paths: Sequence[str]) -> list[str]:
    """Files in order: a folder gives its files (recursive, sorted, hidden ones left out), a glob its
    matches, `-` is stdin. Raises `InputError` naming a path that does not exist or matches nothing."""
    return [one.path for one in listed(paths, lambda path, gap: None)]


def listed(paths: Sequence[str], skip: Skip) -> Iterator[ListedFile]:
    """The same, with how each file came to be read. What is in a folder or a glob and cannot be looked into is skipped;
    raises `InputError` for a path that cannot be."""
    kinds = [(path, "file" if path == STDIN else _kind(path)) for path in paths]
    files_below = _Walk([path for path, kind in kinds if kind == "folder"], skip)
    for path, kind in kinds:
        if kind == "file":
            yield ListedFile(path, True)
        elif kind == "folder":
            try:
                os.scandir(path).close()
            except OSError as error:
                raise unreadable(path, error) from None
            for inner in files_below(path):
                yield ListedFile(inner, False)
        else:
            for match in _matching(path, skip):
                for inner in files_below(match) if os.path.isdir(match) else [match]:
                    yield ListedFile(inner, False)


def unreadable(path: str, error: OSError) -> InputError:
    """The error for a path that cannot be read."""
    return InputError(f"{path} cannot be read: {error.strerror or error}", remedy=remedy_for(path, error))


def remedy_for(path: str, error: OSError) -> str:
    """What to do about a file or folder that cannot be read."""
    if isinstance(error, Unfit):
        return error.remedy
    if error.errno in (errno.EACCES, errno.EPERM):
        if os.path.isdir(path):
            return "Audit logs often belong to root: run podhawk as a user who may read them."
        return (
            "Audit logs often belong to root: run podhawk as a user who may read them, or pipe the log in with "
            f"sudo cat {shlex.quote(path)} | podhawk run -"
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "Raise the number of files that may be open (ulimit -n)."
    if error.errno == errno.ELOOP:
        return "It is a link that leads back to itself."
    if error.errno == errno.ENOENT:
        return "It is a link that leads nowhere." if os.path.islink(path) else "It was there a moment ago: run again."
    return "Look at the disk or the mount that it is on." if error.errno in (errno.EIO, errno.ESTALE) else ""


def _kind(path: str) -> str:
    """Whether a path is a file (or a pipe or device), a folder, or none. Raises `InputError` where that is not to be
    seen."""
    try:
        os.stat(path)
    except ValueError:
        return ""
    except OSError as error:
        if error.errno in _ABSENT:
            return ""
        raise unreadable(path, error) from None
    return "folder" if os.path.isdir(path) else "file"


def _matching(pattern: str, skip: Skip) -> list[str]:
    hidden: dict[str, OSError] = {}
    matches: list[str] = []
    if glob.has_magic(pattern):
        hidden = dict(_out_of_sight(pattern))
        matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        for path, error in hidden.items():
            raise unreadable(path, error)
        if os.path.islink(pattern):
            raise unreadable(pattern, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
        raise InputError(
            f"no such file or folder: {pattern!r}",
            remedy="Paths may be files, folders, globs, or - for standard input.",
        )
    for path, error in hidden.items():
        skip(path, folder_gap(path, error))
    return matches


def folder_gap(path: str, error: OSError) -> Gap:
    """Why a folder was not read."""
    return Gap(FOLDER, f"was not read: {error.strerror or error}", remedy_for(path, error))


def _out_of_sight(pattern: str) -> Iterator[tuple[str, OSError]]:
    """The folders that a glob would have to look into and cannot, which `glob` passes over."""
    parts = pattern.split(os.sep)
    for number, part in enumerate(parts):
        before = os.sep.join(parts[:number]) or (os.sep if number else os.curdir)
        for folder in glob.glob(before, recursive=True) if glob.has_magic(before) else [before]:
            try:
                if glob.has_magic(part):
                    os.scandir(folder).close()
                else:
                    os.stat(os.path.join(folder, part))
            except OSError as error:
                if error.errno not in _ABSENT:
                    yield folder, error


class _Walk:
    """Gives the files in folders and in the folders inside them, by name. `roots` are all folders that are read."""

    def __init__(self, roots: Sequence[str], skip: Skip) -> None:
        self._roots = [os.path.realpath(root) for root in roots]
        self._skip = skip

    def __call__(self, folder: str) -> Iterator[str]:
        """The files below a folder, without hidden ones."""
        left = [self._entries(folder)]
        while left:
            entry = next(left[-1], None)
            if entry is None:
                left.pop()
            elif entry.is_dir(follow_symlinks=False):
                left.append(self._entries(entry.path))
            elif self._is_file(entry):
                yield entry.path

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return iter(sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name))
        except OSError as error:
            self._skip(folder, folder_gap(folder, error))
            return iter(())

    def _is_file(self, entry: os.DirEntry[str]) -> bool:
        """Whether an entry is a file, or a link that should lead to one."""
        if not entry.is_symlink():
            return entry.is_file()
        if os.path.isdir(entry.path):
            if not self._is_read(os.path.realpath(entry.path)):
                self._skip(entry.path, _LINKED)
            return False
        return os.path.isfile(entry.path) or not os.path.exists(entry.path)

    def _is_read(self, target: str) -> bool:
        """Whether the folder that a link leads to is one that is read anyway."""
        for root in self._roots:
            inside = os.path.relpath(target, root).split(os.sep)
            if inside[0] != os.pardir and not any(part.startswith(".") for part in inside if part != os.curdir):
                return True
        return False
