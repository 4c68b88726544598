"""The database of a state: where it is and how it is opened.

A folder holds a SQLite file that only its owner can read; a URL names a PostgreSQL server. One run evaluates at a time,
and others wait. A run writes everything in one transaction, so a killed run leaves the state as it was.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from podhawk.errors import StoreError, UsageError
from podhawk.events.redaction.names import is_secret_parameter
from podhawk.store.intact import RESTORE
from podhawk.store.schema import CURRENT, migrate, version_of

FILE: Final = "podhawk.db"
WAIT: Final = 60
"""Seconds to wait for another run."""
_LOCK: Final = 0x706F6468  # "podh": the key of the advisory lock
_POSTGRES: Final = ("postgresql://", "postgres://", "postgresql+psycopg://")


def is_url(state: str) -> bool:
    """Whether a state is a database by URL."""
    return "://" in state


def open_engine(state: str) -> Engine:
    """The engine for a state. Raises UsageError for an unsupported database, StoreError if it cannot be used."""
    if is_url(state):
        if not state.startswith(_POSTGRES):
            raise UsageError(
                f"unsupported state URL {state.split('://')[0]}://…",
                remedy="--state takes a folder, or a URL such as postgresql://user@host/podhawk.",
            )
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise UsageError(
                "a PostgreSQL state needs the package psycopg, which is not installed",
                remedy="pip install 'podhawk[postgres]'",
            ) from None
        return sql.create_engine(_postgres(state), connect_args={"connect_timeout": 10}, poolclass=NullPool)
    folder = Path(state)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / FILE
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"cannot use the state folder {state}: {error.strerror}", remedy="Name a writable folder."
        ) from None
    engine = sql.create_engine(
        f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": WAIT, "isolation_level": None}
    )
    sql.event.listen(engine, "connect", _set_up)
    return engine


def _postgres(state: str) -> sql.URL:
    """The URL of a PostgreSQL database. Raises UsageError, without the password, if it cannot be read."""
    try:
        url = sql.make_url("postgresql+psycopg://" + state.split("://", 1)[1])
    except (ValueError, SQLAlchemyError):
        url = None
    if url is None or (url.port is not None and not 0 < url.port < 1 << 16):
        raise UsageError(
            "the host or the port in the state URL cannot be read",
            remedy="A URL is postgresql://user@host:port/database, where the port is a number up to 65535. Write "
            "special characters of a password as %40, and IPv6 addresses in brackets.",
        )
    return url


def _set_up(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


@contextlib.contextmanager
def transaction(engine: Engine, *, alone: bool = True) -> Iterator[Connection]:
    """A connection in one transaction. `alone` excludes other runs until it ends, and updates the schema."""
    with _store_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE" if alone else "BEGIN")
        elif alone:
            connection.execute(sql.text(f"SET LOCAL lock_timeout = '{WAIT}s'"))
            connection.execute(sql.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        try:
            if alone:
                migrate(connection)
            yield connection
        except BaseException:
            with contextlib.suppress(SQLAlchemyError):  # SQLite has rolled back by itself if the disk is full
                if engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("ROLLBACK")
                connection.rollback()
            raise
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")
        connection.commit()


@contextlib.contextmanager
def reading(state: str) -> Iterator[Connection | None]:
    """A connection that sees the state as the last finished run left it, without waiting; None if no run has written
    to it. Raises StoreError for a state of a newer podhawk."""
    if not is_url(state) and not (Path(state) / FILE).is_file():
        yield None
        return
    engine = open_engine(state)
    with transaction(engine, alone=False) as connection:
        version = version_of(connection)
        if version == CURRENT:
            yield connection
            return
    if version is None:
        yield None
        return
    with transaction(engine) as connection:  # brings it up to date, or refuses
        yield connection


@contextlib.contextmanager
def _store_errors(engine: Engine) -> Iterator[None]:
    """Turn errors of the database into StoreError, without the password of a URL."""
    try:
        yield
    except SQLAlchemyError as error:
        origin = getattr(error, "orig", None)
        what = str(origin or error).strip().splitlines()[0]
        hidden = {name: "***" for name in engine.url.query if is_secret_parameter(name)}
        where = engine.url.update_query_dict(hidden).render_as_string(hide_password=True)
        raise StoreError(f"{where}: {what}", remedy=_remedy(what)) from None


_REMEDIES: Final = (
    (("disk is full", "disk i/o error", "no space left"), "Free space on the disk that the state is on."),
    (("not a database", "malformed", "no such table", "no such column", "does not exist"), RESTORE),
    (("locked", "lock timeout"), "Another run uses it. Run again when it has ended."),
    (("readonly", "read-only"), "podhawk must be able to write to the state."),
)


def _remedy(what: str) -> str:
    """What to do about an error of the database."""
    text = what.lower()
    for signs, remedy in _REMEDIES:
        if any(sign in text for sign in signs):
            return remedy
    return "Another run may have locked it, or it may be unreachable or read-only."
