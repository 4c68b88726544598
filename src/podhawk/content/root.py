"""From a single file to the content that it belongs to.

A hook or an editor names one file; its macros, lookups and stories stand elsewhere in the same repository. The root
is the nearest folder upwards that holds `podhawk.toml`, `contentctl.yml` or a `detections` folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from podhawk.content.load import load_content
from podhawk.content.mixed_up import refuse_file
from podhawk.content.model import Content, Detection
from podhawk.content.registry import DETECTION, FOLDERS
from podhawk.content.walk import MARKERS, files_of
from podhawk.errors import ContentError
from podhawk.settings.keywords import Paths

MARKS: Final = (*MARKERS, DETECTION.folder)


def root_of(path: Path) -> Path:
    """The root of the content that a file or folder belongs to; itself (or its folder) where nothing marks one."""
    start = path.resolve()
    start = start if start.is_dir() else start.parent
    for folder in (start, *start.parents):
        if folder.name not in FOLDERS and any((folder / mark).exists() for mark in MARKS):
            return folder
    return start


def working_content(folder: Path) -> Path | None:
    """The nearest root of content, from a folder upwards; None if there is none.

    A settings file alone is no content: the folder must hold a content folder too, and a `detections` folder must hold
    a content file.
    """
    start = folder.resolve()
    for one in (start, *start.parents):
        marked = any((one / name).is_file() for name in MARKERS) and any((one / name).is_dir() for name in FOLDERS)
        if (marked or (one / DETECTION.folder).is_dir()) and next(iter(files_of(one)), None) is not None:
            return one
    return None


def load_around(
    paths: Sequence[str | Path], overrides: Paths = (), macro_overrides: Mapping[str, str] | None = None
) -> tuple[Content, tuple[Detection, ...]]:
    """The content around some files or folders, with the overrides of a site as `load_content` takes them, and the
    detections that stand in these paths.

    Raises ContentError for a path that does not exist.
    """
    resolved = [Path(path).resolve() for path in paths]
    for path in resolved:
        if not path.exists():
            raise ContentError(f"no such file or folder: {path}", remedy="Name a file or folder of content.")
        refuse_file(path)
    roots = dict.fromkeys(root_of(path) for path in resolved)
    content = load_content(list(roots), overrides, macro_overrides=macro_overrides)
    chosen = tuple(one for one in content.detections if any(_within(Path(one.file), path) for path in resolved))
    return content, chosen


def _within(file: Path, path: Path) -> bool:
    own = file.resolve()
    return own == path or path in own.parents
