"""Drafts of detections that people have made from searches.

They are files in the folder `drafts` of the state. Nothing reads them from there: a draft takes effect when somebody
has completed it, and committed it to the content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from podhawk.authoring.scaffold import Draft, files_of
from podhawk.content.detection import slug
from podhawk.errors import OutputError, UsageError
from podhawk.serve.console.hunt.question import cleaned
from podhawk.serve.console.loaded_content import loaded_site
from podhawk.serve.console.page import Action, Done, Download, File, Page, Visit, nothing_here
from podhawk.writing import write_text

FOLDER: Final = "drafts"
MOST: Final = 500
"""Drafts that are kept."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,()._/-]{2,98}[A-Za-z0-9)]")
_STEM: Final = re.compile(r"[a-z0-9][a-z0-9_,().-]{0,120}")


class KeptDraft(Struct, frozen=True):
    """A draft: the stem of its file, and when it was written (epoch seconds)."""

    stem: str
    written: float


def folder_of(visit: Visit) -> Path:
    return Path(visit.console.kept.path) / FOLDER


def drafts(folder: Path) -> list[KeptDraft]:
    """The drafts of a folder, the last first."""
    found = [(path, path.stat().st_mtime) for path in folder.glob("*.yml")]
    return [KeptDraft(path.stem, time) for path, time in sorted(found, key=lambda one: (-one[1], one[0].name))]


def _save(visit: Visit) -> Done:
    name, text = visit.given("name").strip(), cleaned(visit.given("q"))
    if not _NAME.fullmatch(name):
        raise UsageError(
            "a detection needs a name of 4 to 100 letters, digits, blanks, commas and hyphens",
            remedy="For example: Kubernetes Secret Read at Night.",
        )
    if not text:
        raise UsageError("there is no search to save")
    folder, stem = folder_of(visit), slug(name).replace("/", "_")
    if (folder / f"{stem}.yml").exists():
        raise UsageError(f"there is a draft {stem} already", remedy="Choose another name.")
    if len(drafts(folder)) >= MOST:
        raise OutputError(f"there are {MOST} drafts", remedy="Remove some from the folder drafts of the state.")
    content = loaded_site(visit.console).content
    today = datetime.fromtimestamp(visit.now, UTC).date()
    files = files_of(Draft("detection", name, visit.account.name, today, content, search=text))
    detection = next(text for path, text in files.items() if path.startswith("detections/"))
    write_text(folder / f"{stem}.yml", detection, parents=True)
    return Done(f"/drafts/{quote(stem, safe='')}", "The draft is written. It takes effect when its file is committed.")


def _text(visit: Visit) -> tuple[str, str]:
    stem = visit.path["stem"].removesuffix(".yml")
    path = folder_of(visit) / f"{stem}.yml"
    if not _STEM.fullmatch(stem) or ".." in stem or not path.is_file():
        raise nothing_here("draft")
    return stem, path.read_text(encoding="utf-8")


def _list(visit: Visit) -> Mapping[str, Any]:
    return {"drafts": drafts(folder_of(visit))}


def _show(visit: Visit) -> Mapping[str, Any]:
    stem, text = _text(visit)
    return {"stem": stem, "lines": text.splitlines(), "file": f"/drafts/{quote(stem, safe='')}/file"}


def _download(visit: Visit) -> File:
    stem, text = _text(visit)
    return File(f"{stem}.yml", "application/yaml", text.encode())


SAVE: Final = Action("/hunt/draft", "save draft", "analyst", _save, lambda visit: visit.given("name"))
LIST: Final = Page("/drafts", "Drafts", "viewer", "drafts.html", _list)
SHOW: Final = Page("/drafts/{stem:str}", "Draft", "viewer", "draft.html", _show)
DOWNLOAD: Final = Download("/drafts/{stem:str}/file", "viewer", _download)
