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

from podhawk.content.content_type import ContentType
from podhawk.content.registry import DEPRECATIONS, FOLDERS

SUPPORTING: Final = tuple(one.folder for one in FOLDERS.values() if one.supporting)
MARKERS: Final = ("podhawk.toml", "contentctl.yml", "contentctl.yaml")
_SUFFIXES: Final = (".yml", ".yaml")


class ContentFile(Struct, frozen=True):
    """A file that may hold content, and the kind its folder promises."""

    path: Path
    hint: ContentType[Any] | None
    loose: bool = False


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


def files_of(path: Path) -> Iterator[ContentFile]:
    """Every content file that `path` stands for, in a settled order."""
    if path.is_file():
        root = content_root(path)
        yield ContentFile(path, _hint(path, root))
        if root is None:
            yield from (one for one in _neighbours(path) if one.path != path)
        else:
            yield from _supporting(root)
        return
    if is_root(path):
        yield from _layout(path)
        return
    root = content_root(path)
    inside = root is not None and path.resolve().relative_to(root).parts[0] in (*FOLDERS, "removed")
    yield from _loose(path, FOLDERS.get(path.resolve().name))
    if root is not None and inside:
        yield from _supporting(root)


def _layout(root: Path) -> Iterator[ContentFile]:
    for name, kind in FOLDERS.items():
        yield from _tree(root / name, kind)
        yield from _tree(root / "removed" / name, kind)
    for mapping in sorted((root / "removed").glob("deprecation_mapping.*")):
        if mapping.suffix.lower() in _SUFFIXES:
            yield ContentFile(mapping, DEPRECATIONS)


def _supporting(root: Path) -> Iterator[ContentFile]:
    for name in SUPPORTING:
        yield from _tree(root / name, FOLDERS[name])


def _tree(folder: Path, kind: ContentType[Any]) -> Iterator[ContentFile]:
    for path in _walk(folder):
        yield ContentFile(path, kind)


def _loose(folder: Path, hint: ContentType[Any] | None) -> Iterator[ContentFile]:
    """A folder of any shape: folders named like content promise a kind, roots inside are laid out as such."""
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_file() and is_content_name(entry.name):
            yield ContentFile(entry, hint, loose=True)
    for entry in entries:
        if not entry.is_dir() or entry.name.startswith(".") or entry.is_symlink():
            continue
        if is_root(entry):
            yield from _layout(entry)
        else:
            yield from _loose(entry, FOLDERS.get(entry.name, hint))


def _neighbours(path: Path) -> Iterator[ContentFile]:
    """The files beside a detection that stands in no content root."""
    for entry in sorted(path.parent.iterdir()):
        if entry.is_file() and is_content_name(entry.name):
            yield ContentFile(entry, None, loose=True)


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
