"""`podhawk serve --backup FOLDER`: a copy of a state from which a service can go on, made while another one runs.

What has to be right is the order. The state knows how far it has evaluated the inbox. If the inbox were copied first,
the state could be ahead of it, and numbers would be given twice; if it were copied last, files could have gone that the
state still needs. So the files of the inbox are opened first, which keeps them even when they are removed, then the
state is copied, and then the inbox: it holds everything that the state has not evaluated, and more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from podhawk.errors import StoreError, UsageError
from podhawk.serve.inbox.segment import segments
from podhawk.store.database import FILE, is_state, open_engine, transaction
from podhawk.store.lake import FILES, LAKE, REMOVED, SEALED, Manifest
from podhawk.writing import writing_to

_INBOX: Final = "inbox"
_NOT_COPIED: Final = frozenset({"serve.lock", "attempts.json"})
"""What is about the process that runs, not about what it keeps."""


def back_up(state: Path, target: Path) -> Iterator[str]:
    """Copy a state to a folder that is not there yet; gives what was copied, one line for each part.

    Raises UsageError for a folder that cannot be used, StoreError and OutputError if the copy fails: nothing is left of
    it then.
    """
    if not is_state(str(state)):
        raise UsageError(f"{state} holds no state", remedy="Name the folder of podhawk serve with --state.")
    if target.exists():
        raise UsageError(f"{target} is there already", remedy="Name a folder that is not there yet.")
    part = target.with_name(f".{target.name}.part")
    with writing_to(target):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        try:
            yield from _copied(state, part)
            _sync(part)
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def _copied(state: Path, part: Path) -> Iterator[str]:
    with contextlib.ExitStack() as opened:
        inbox: dict[str, sqlite3.Connection] = {}
        _open_inbox(state, inbox, opened)
        _copy(_opened(state / FILE, opened), part / FILE)
        yield f"the state: {(part / FILE).stat().st_size:,} bytes"
        _open_inbox(state, inbox, opened)
        if inbox:
            (part / _INBOX).mkdir(mode=0o700)
        for name, connection in sorted(inbox.items()):
            _copy(connection, part / _INBOX / name)
        yield f"the inbox: {len(inbox)} files"
    yield f"the lake: {_lake(state, part)} files"
    others = [one for one in state.iterdir() if one.is_file() and not one.name.startswith((FILE, "."))]
    for one in others:
        if one.name not in _NOT_COPIED:
            shutil.copy2(one, part / one.name)
    for one in state.iterdir():
        if one.is_dir() and one.name not in (_INBOX, LAKE):
            shutil.copytree(one, part / one.name)
    yield "tokens and tables"


def _open_inbox(state: Path, inbox: dict[str, sqlite3.Connection], opened: contextlib.ExitStack) -> None:
    """Open the files of the inbox that are not open yet. One that goes meanwhile has been evaluated and sealed."""
    for one in segments(state / _INBOX):
        if one.path.name not in inbox:
            with contextlib.suppress(sqlite3.OperationalError):
                inbox[one.path.name] = _opened(one.path, opened)


def _opened(path: Path, opened: contextlib.ExitStack) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=30)
    opened.callback(connection.close)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens the file, and its log
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path.name} cannot be copied: {error}", remedy="Restore an older backup.") from None
    return connection


def _copy(source: sqlite3.Connection, path: Path) -> None:
    """Copy a database as it is at this moment."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    copy = sqlite3.connect(path, isolation_level=None)
    try:
        source.backup(copy)
        (answer,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{path.name} cannot be copied: {error}") from None
    finally:
        copy.close()
    if answer != "ok":
        raise StoreError(f"{path.name} is damaged: {answer}", remedy="Restore an older backup.")


def _lake(state: Path, part: Path) -> int:
    """Take over the files of the lake that the copied state knows. They never change, so a link is enough where that is
    possible. Those that were removed meanwhile are marked so."""
    files = Manifest(str(part)).files(SEALED)
    gone = []
    for one in files:
        source, copy = state / LAKE / one.name, part / LAKE / one.name
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            try:
                os.link(source, copy)
            except FileNotFoundError:
                raise
            except OSError:
                shutil.copy2(source, copy)
        except FileNotFoundError:
            gone.append(one.name)
    if gone:
        with transaction(open_engine(str(part))) as connection:
            connection.execute(FILES.update().where(FILES.c.name.in_(gone)).values(condition=REMOVED))
    return len(files) - len(gone)


def _sync(folder: Path) -> None:
    """Have everything in a folder on the disk."""
    for path in [folder, *folder.rglob("*")]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
