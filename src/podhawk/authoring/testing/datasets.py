"""Where the dataset of a test is, or why it cannot be had.

A dataset is a path (as it stands, or from the detection's file up to the content root) or a URL of Splunk's
attack_data repository, for which a checkout is looked into. What git LFS has not fetched is a pointer; the real file
may lie in the checkout's LFS objects, or in a cache folder under its content's hash.

Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from podhawk.authoring.testing.fetch import NotFetched, default_cache, download
from podhawk.content.boundary import is_inside
from podhawk.content.datasets import local
from podhawk.content.model import Detection
from podhawk.events.paths import unreadable

_POINTER: Final = b"version https://git-lfs.github.com/spec"
_OID: Final = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_INSIDE: Final = re.compile(r"/(?:attack_data/[^/]+/)?(datasets/.+)\Z")


class Places(Struct, frozen=True):
    """Where datasets are looked for: a checkout of attack_data, a cache folder. With `fetch`, what a URL names is
    downloaded into the cache."""

    attack_data: Path | None = None
    cache: Path | None = None
    fetch: bool = False


class Located(Struct, frozen=True):
    """A dataset's file, or the reason why there is none."""

    path: Path | None
    reason: str = ""


def locate(name: str, detection: Detection, places: Places) -> Located:
    """The file of a dataset. Raises ContentError for a path that leads out of the content root."""
    path = _in_checkout(name, places) if "://" in name else local(name, detection)
    if path is None and "://" in name and places.fetch:
        try:
            path = download(name, places.cache or default_cache())
        except NotFetched as error:
            return Located(None, f"dataset {name} could not be fetched: {error}")
    if path is None:
        if "://" in name:
            return Located(
                None,
                (
                    f"dataset {name} not found: name a checkout of attack_data with --attack-data, download it "
                    "with --fetch, or name a file in the test"
                )
                if places.attack_data is None
                else f"dataset {name} not found in {places.attack_data}",
            )
        return Located(
            None,
            f"dataset {name} not found, neither in the working folder nor upwards from "
            f"{detection.file or 'the detection'}",
        )
    return fetched(path, places)


def _in_checkout(name: str, places: Places) -> Path | None:
    found = _INSIDE.search(name)
    if places.attack_data is None or found is None:
        return None
    path = places.attack_data / found[1]
    return path if is_inside(path, places.attack_data) and path.is_file() else None


def fetched(path: Path, places: Places) -> Located:
    """The file itself, or what a pointer stands for. Raises `InputError` for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(400)
    except OSError as error:
        raise unreadable(str(path), error) from None
    if not head.startswith(_POINTER):
        return Located(path)
    found = _OID.search(head)
    oid = found[1].decode() if found else ""
    checkout = next((parent for parent in path.absolute().parents if (parent / ".git").exists()), None)
    stores = [(places.cache, places.cache)] if places.cache is not None else []
    if checkout is not None:
        stores.append((checkout / ".git" / "lfs" / "objects", checkout))
    for folder, home in stores:
        for candidate in (folder / oid[:2] / oid[2:4] / oid, folder / oid):
            if oid and candidate.is_file() and is_inside(candidate, home):
                return Located(candidate)
    return Located(
        None,
        f"{path} is a git LFS pointer: run git lfs pull in its repository, or put the data into the "
        f"--cache folder as {oid or '(its SHA-256)'}",
    )
