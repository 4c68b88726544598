"""Retention: files of the lake go when they are old, when there are too many, and when the disk is nearly full.

Events that come in count more than old ones: the lake gives way before the inbox refuses them.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from podhawk.store.lake import HOUR, REMOVED, REMOVING, SEALED, LakeFile, Manifest

_DAY: Final = 86400


class Keeping(Struct, frozen=True):
    """How many days and bytes the lake keeps, and how many bytes must stay free on its disk. Without `days` and with 0
    bytes there is no lake."""

    days: float = 30.0
    most: int = 100 << 30
    free: int = 4 << 30

    @property
    def is_on(self) -> bool:
        return self.days > 0 and self.most > 0


def surplus(files: list[LakeFile], keeping: Keeping, now: float, free: Callable[[], int]) -> list[tuple[LakeFile, str]]:
    """The files that are not kept any longer, the oldest first, and why: age, size or disk."""
    by_age = sorted(files, key=lambda one: (one.hour, one.first))
    left, room = sum(one.size for one in by_age), free()
    found = []
    for one in by_age:
        if (one.hour + 1) * HOUR < now - keeping.days * _DAY:
            why = "age"
        elif left > keeping.most:
            why = "size"
        elif room < keeping.free:
            why = "disk"
        else:
            break
        found.append((one, why))
        left, room = left - one.size, room + one.size
    return found


def retain(manifest: Manifest, keeping: Keeping, now: float) -> list[tuple[LakeFile, str]]:
    """Remove what is not kept any longer; gives it with the reason. A file that is being read stays until it is
    closed."""
    gone = surplus(manifest.files(SEALED), keeping, now, lambda: _free(manifest.folder))
    files = [one for one, _ in gone]
    if files:
        manifest.mark(files, REMOVING)
        for one in files:
            path = manifest.folder / one.name
            path.unlink(missing_ok=True)
            _remove_empty(path.parent)
        manifest.mark(files, REMOVED)
    return gone


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder if folder.exists() else folder.parent).free


def _remove_empty(folder: Path) -> None:
    """Remove the folder of an hour if nothing is in it. The sealer, the only one who fills it, is this process."""
    with contextlib.suppress(OSError):
        folder.rmdir()
