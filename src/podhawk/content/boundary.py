"""The boundary of content: no file outside the content root is read, whatever a content file names.

Content may come from people who must not see the rest of the disk: a pull request in CI, a downloaded repository.
Lookup tables, datasets and the content files themselves are judged by their real path, so that a symbolic link, `..`
or an absolute path leads nowhere else. Folders that the user names (`--content`, `--overrides`) are roots of their
own; a table from another place is given to content by naming its folder.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from podhawk.errors import ContentError, Place

OUTSIDE_REMEDY: Final = (
    "Move the dataset into the content, or name it by the URL that it has in a checkout that --attack-data names."
)


def is_inside(path: str | Path, home: str | Path) -> bool:
    """Whether the real path of a file lies in the folder `home`. The file need not exist."""
    if "\0" in os.fspath(path):
        return False
    real = os.path.realpath(path)
    root = os.path.realpath(home)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def refusal(path: str | Path, home: str | Path | None) -> str:
    """Why a file of content is not read, or "". `home` None allows any place: the user named the file."""
    if home is not None and not is_inside(path, home):
        return f"is outside the content root {os.fspath(home)} and is not read"
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return ""  # reading it tells what is wrong
    return "" if stat.S_ISREG(mode) else "is not a regular file and is not read"


class DatasetPaths(NamedTuple):
    """Where a dataset may be: the paths in the content root in the order of search, and those that lead out of it."""

    inside: tuple[Path, ...]
    outside: tuple[Path, ...]

    @property
    def leads_out(self) -> bool:
        """Whether the name means a file outside the content root."""
        return not any(os.path.isfile(path) for path in self.inside) and (
            bool(self.outside) and (not self.inside or any(os.path.isfile(path) for path in self.outside))
        )


def dataset_paths(name: str, file: str, home: Path) -> DatasetPaths:
    """Where a dataset that the content file `file` names by a path may be: at the path as it stands, or below the
    folder of the file or a folder above that, up to `home`."""
    folder = Path(os.path.realpath(file)).parent
    root = Path(os.path.realpath(home))
    within: list[Path] = [Path(name)] if is_inside(name, home) else []
    without: list[Path] = []
    for above in (folder, *folder.parents):
        if above != root and root not in above.parents:
            break
        path = above / name
        (within if is_inside(path, root) else without).append(path)
    return DatasetPaths(tuple(within), tuple(without))


def outside(dataset: str) -> str:
    """The message for a dataset outside the content root."""
    return f"dataset {dataset!r} is outside the content root and is not read"


def unmoved(path: str) -> Path:
    """The real path of a file of content, which was found earlier, if it still leads to the same place.

    Raises ContentError if a part of it has become a symbolic link since.
    """
    if os.path.realpath(path) != os.path.abspath(path):
        raise ContentError(
            "has become a symbolic link since the content was loaded, and is not read",
            place=Place(path),
            remedy="Load the content again.",
        )
    return Path(path)
