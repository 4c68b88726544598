"""Exceptions that people accept in the console: files in the folder of the state, which hold beside those of the site.

Each is a file of its own, written whole, and named after its proposal. So two people who accept at once lose nothing,
and a copy of the folder, or a restart, keeps what was accepted. The evaluator sees them as it sees files of
`--exceptions`: within two seconds, and it evaluates again what their detections have found.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from podhawk.detect.rank.exceptions import SiteException, load_exceptions
from podhawk.errors import UsageError
from podhawk.settings.resolve import Settings
from podhawk.writing import replacing, writing_to

FOLDER: Final = "exceptions"
"""The folder within that of the state."""


def are_accepted(settings: Settings) -> bool:
    """Whether the site lets people accept exceptions in the console (`--accept-exceptions`)."""
    return bool(settings.values.get("accept_exceptions"))


def folder_of(settings: Settings) -> Path | None:
    """Where accepted exceptions are; None if none hold: the site does not want any, or there is no state."""
    state = settings.values.get("state")
    return Path(state) / FOLDER if state and are_accepted(settings) else None


def accepted(settings: Settings) -> list[SiteException]:
    """The exceptions that people have accepted. Raises ContentError for a file that cannot be read."""
    folder = folder_of(settings)
    files = sorted(folder.glob("*.yml")) if folder is not None else []
    return load_exceptions(files)


def accept(settings: Settings, name: str, text: str) -> Path:
    """Make an exception hold. Raises UsageError if the site does not want it or if it holds already, ContentError for a
    text that is no exception, and OutputError; nothing is written then."""
    folder = folder_of(settings)
    if folder is None:
        raise UsageError(
            "exceptions are not accepted in the console here",
            remedy="Commit the file, or start the service with --accept-exceptions.",
        )
    path = folder / name
    if path.exists():
        raise UsageError("this exception has been accepted already", remedy="Reload the page.")
    part = folder / f"{name}.{secrets.token_hex(4)}.new"
    with replacing(part, parents=True, private=True) as file:
        file.write(text)
    try:
        load_exceptions([part])  # a file that cannot be read would keep all others from being read
        _link(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _link(part: Path, path: Path) -> None:
    """Give a file its name, unless somebody else was first."""
    with writing_to(path):
        try:
            os.link(part, path)
        except FileExistsError:
            raise UsageError("this exception has been accepted already", remedy="Reload the page.") from None


def withdraw(settings: Settings, name: str) -> None:
    """End an accepted exception: what it hid shows again. Raises UsageError if there is none, and OutputError."""
    folder = folder_of(settings)
    path = folder / name if folder is not None and Path(name).name == name else None
    if path is None or not path.is_file():
        raise UsageError("no such accepted exception", remedy="Reload the page.")
    with writing_to(path):
        path.unlink()
