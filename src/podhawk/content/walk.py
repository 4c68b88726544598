"""Which files of a path are content, and of which kind.

Three shapes are taken: a content root (a folder with `detections/` beside `macros/`, `lookups/` and
so on, as contentctl lays it out, or a git checkout of one), a folder of loose files, and one file. For
a file or a folder inside a content root, the root's macros, lookups, stories, data sources and
deployments come along, because a detection is nothing without them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from podhawk.content.boundary import refusal
from podhawk.content.content_type import ContentType
from podhawk.content.registry import DEPRECATIONS, FOLDERS

SUPPORTING: Final = tuple(one.folder for one in FOLDERS.values() if one.supporting)
MARKERS: Final = ("podhawk.toml", "contentctl.yml", "contentctl.yaml")
BASELINE: Final = "baseline"
"""The folder of what is normal at a site: lookups and macros, told apart by their keys."""
_SUFFIXES: Final = (".yml", ".yaml")


class ContentFile(Struct, frozen=True):
    """A file that may hold content, the kind its folder promises, and the folder that it and all files it names must
    lie in. The user named the file itself if it is `named`."""

    path: Path
    hint: ContentType[Any] | None
    home: Path
    loose: bool = False
    named: bool = False

    @property
    def refused(self) -> str:
        """Why the file must not be read, or ""."""
        return refusal(self.path, None if self.named else self.home)


def is_root(folder: Path) -> bool:
    """Whether the folder is laid out as a content root."""
    return (folder / "detections").is_dir()


def content_root(path: Path) -> Path | None:
    """The nearest folder above `path` that is a content root, or that has a settings file beside content."""
    for folder in path.resolve().parents:
        if is_root(folder):
            return folder
        marked = any((folder / name).is_file() for name in MARKERS)
        if marked and any((folder / name).is_dir() for name in FOLDERS):
            return folder
    return None


def home_of(path: Path) -> Path:
    """The folder that a content file, and all files that it names, must lie in: its content root, else its folder."""
    root = content_root(path)
    return root if root is not None and _in_folders(path.resolve(), root) else path.absolute().parent


def _in_folders(real: Path, root: Path) -> bool:
    """Whether a path is in one of the folders of a content root, and not merely somewhere below it."""
    return real.relative_to(root).parts[0] in (*FOLDERS, BASELINE, "removed")


def files_of(path: Path) -> Iterator[ContentFile]:
    """Every content file that `path` stands for, in a settled order."""
    if path.is_file():
        root = content_root(path)
        yield ContentFile(path, _hint(path, root), home_of(path), named=True)
        if root is None:
            yield from (one for one in _neighbours(path) if one.path != path)
        else:
            yield from _supporting(root)
        return
    if is_root(path):
        yield from _layout(path)
        return
    root = content_root(path)
    inside = root is not None and _in_folders(path.resolve(), root)
    yield from _loose(path, FOLDERS.get(path.resolve().name), root if root is not None and inside else path.resolve())
    if root is not None and inside:
        yield from _supporting(root)


def _layout(root: Path) -> Iterator[ContentFile]:
    for name, kind in FOLDERS.items():
        yield from _tree(root / name, kind, root)
        yield from _tree(root / "removed" / name, kind, root)
    yield from _tree(root / BASELINE, None, root)
    for mapping in sorted((root / "removed").glob("deprecation_mapping.*")):
        if mapping.suffix.lower() in _SUFFIXES:
            yield ContentFile(mapping, DEPRECATIONS, root.resolve())


def _supporting(root: Path) -> Iterator[ContentFile]:
    for name in SUPPORTING:
        yield from _tree(root / name, FOLDERS[name], root)
    yield from _tree(root / BASELINE, None, root)


def _tree(folder: Path, kind: ContentType[Any] | None, root: Path) -> Iterator[ContentFile]:
    home = root.resolve()
    for path in _walk(folder):
        yield ContentFile(path, kind, home)


def _loose(folder: Path, hint: ContentType[Any] | None, home: Path) -> Iterator[ContentFile]:
    """A folder of any shape: folders named like content promise a kind, roots inside are laid out as such."""
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_file() and is_content_name(entry.name):
            yield ContentFile(entry, hint, home, loose=True)
    for entry in entries:
        if not entry.is_dir() or entry.name.startswith(".") or entry.is_symlink():
            continue
        if is_root(entry):
            yield from _layout(entry)
        else:
            yield from _loose(entry, FOLDERS.get(entry.name, hint), home)


def _neighbours(path: Path) -> Iterator[ContentFile]:
    """The files beside a detection that stands in no content root."""
    for entry in sorted(path.parent.iterdir()):
        if entry.is_file() and is_content_name(entry.name):
            yield ContentFile(entry, None, path.absolute().parent, loose=True)


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if is_content_name(name):
                yield Path(base, name)


def is_content_name(name: str) -> bool:
    """Whether a file of that name may be content."""
    return not name.startswith(".") and name.lower().endswith((*_SUFFIXES, ".csv"))


def _hint(path: Path, root: Path | None) -> ContentType[Any] | None:
    parts = path.resolve().relative_to(root).parts if root else path.resolve().parts[-2:-1]
    return next((FOLDERS[part] for part in parts if part in FOLDERS), None)
