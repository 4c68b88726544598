"""The files of an input, all of them opened before the first is read.

Audit logs are rotated while they are read: a file is renamed, deleted or compressed, and its path names another file
from then on. Whatever reads a file later (a piece in another process, a second pass, the next search over the same
input) therefore reads from the descriptor that was opened when the run began. It reads by place, because forks share
the position of a descriptor.

A process may have only so many descriptors. If there are more files, the newest stay open, because these are the ones
that are rotated. Any other is opened again by its path, and must then be the same file.
"""

from __future__ import annotations

import contextlib
import errno
import heapq
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from podhawk.errors import InputError
from podhawk.events.event import Origin
from podhawk.events.gaps import Gap
from podhawk.events.inputfile import Input, gap_of
from podhawk.events.options import InputReport
from podhawk.events.paths import STORED, ListedFile, Skip, listed, unreadable
from podhawk.events.reasons import UNREADABLE

RESERVED: Final = 128
"""Descriptors that are left for everything else: pipes to processes, databases, lookups, results."""
MOST_HELD: Final = 4096
_LISTINGS: Final = 3
_NEVER_CLOSED: Final = sys.maxsize
"""The time of a file that has no path by which it could be opened again."""


Stored = Callable[[str, Skip], Iterator[ListedFile | Input]]
"""Gives the files for a path that begins with `state:`, or data of it that is open already, and tells of what is not
there any more."""


class Inputs:
    """The files that paths stand for, opened when they are first asked for.

    With `keep`, what can be read only once is copied, so that it can be read again. `stored` finds the files for paths
    that begin with `state:`. `gaps` says of files why they were not read, or not to their end, in any pass.
    """

    def __init__(self, paths: Sequence[str], *, keep: bool = False, stored: Stored | None = None) -> None:
        self.paths = list(paths)
        self.keep = keep
        self._stored = stored
        self.gaps: dict[str, Gap] = {}
        self._files: list[Input] | None = None

    @classmethod
    def of(cls, files: Sequence[Input]) -> Inputs:
        """Files that are open already."""
        made = cls([one.path for one in files])
        made._files = list(files)
        return made

    @property
    def order(self) -> list[str]:
        """The paths of the files that have been opened, in the order in which they are read."""
        return [one.path for one in self._files or ()]

    @property
    def files(self) -> Sequence[Input]:
        """The files, in the order in which they are read. Raises `InputError` where one that the user named cannot be
        opened, and where there is none at all."""
        if self._files is None:
            self._files = []
            try:
                self._open(self._files)
                self._need_one(self._files)
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
        for one in listed(self._plain, self.gaps.setdefault):
            self._open_one(one, files, held, room)
        # What was renamed between listing and opening is found under its new name.
        for _ in range(_LISTINGS if not all(file.named for file in files) else 0):
            paths, identities = {file.path for file in files}, {file.identity for file in files}
            late = [one for one in listed(self._plain, self.gaps.setdefault) if one.path not in paths]
            late = [one for one in late if one.path not in self.gaps and _identity(one.path) not in identities]
            if not late:
                break
            for one in late:
                self._open_one(one, files, held, room)
        stored = self._stored
        if stored is None:
            return
        for path in (one for one in self.paths if one.startswith(STORED)):
            for found in stored(path, self.gaps.setdefault):
                if isinstance(found, Input):
                    files.append(found)
                else:
                    self._open_one(found, files, held, room)

    @property
    def _plain(self) -> list[str]:
        """The paths that name files by themselves."""
        return [one for one in self.paths if self._stored is None or not one.startswith(STORED)]

    def _open_one(self, one: ListedFile, files: list[Input], held: list[tuple[int, int]], room: int) -> None:
        """Open a file, and hold it open if it is one of the newest; `held` are times and numbers of those that are."""
        file = Input(one)
        try:
            changed = file.open()
            if file.stream is not None and self.keep:
                file.copy()
                changed = _NEVER_CLOSED
        except OSError as error:
            if file.named:
                raise unreadable(file.name, error) from None
            if error.errno != errno.ENOENT or os.path.islink(file.path):  # else it has gone since it was listed
                self.gaps[file.path] = gap_of(UNREADABLE, file.path, error)
            return
        files.append(file)
        if file.stream is None:
            heapq.heappush(held, (changed, len(files) - 1))
            if len(held) > max(room, 1) and held[0][0] != _NEVER_CLOSED:
                files[heapq.heappop(held)[1]].close()

    def _need_one(self, files: list[Input]) -> None:
        if files or not self.paths:
            return
        for path, gap in self.gaps.items():
            others = f" {len(self.gaps) - 1:,} more cannot be read either." if len(self.gaps) > 1 else ""
            raise InputError(f"nothing can be read: {path} {gap.detail}.{others}", remedy=gap.remedy)
        raise InputError(
            f"there is no file in {', '.join(self.paths)}",
            remedy="Hidden files are left out. Name the folder that the API server writes its audit log to.",
        )

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


def _identity(path: str) -> tuple[int, int] | None:
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_dev, about.st_ino


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
