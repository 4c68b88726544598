"""The database of a state: where it is and how it is opened.

A folder holds a SQLite file that only its owner can read; a URL names a PostgreSQL server. One run evaluates at a time,
and others wait; `Waiting` says how long, and is told once when the wait begins. A run writes everything in one
transaction, so a killed run leaves the state as it was.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sql
from msgspec import Struct
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from podhawk.errors import StateUnavailableError, StoreError, UsageError
from podhawk.events.redaction.names import is_secret_parameter
from podhawk.store.intact import RESTORE
from podhawk.store.schema import CURRENT, version_of

FILE: Final = "podhawk.db"
WAIT: Final = 300
"""Seconds to wait for another run, unless the caller says otherwise."""
_PAUSE: Final = 0.2
_BUSY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED")
_LATER: Final = frozenset({"55P03", "57P01", "57P02", "57P03", "53300", "40001", "40P01"})
"""What PostgreSQL calls errors after which a later try may succeed: locked, shutting down, starting, too many clients,
conflicts. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""
_REFUSALS: Final = ("password", "authentication", "does not exist", "pg_hba.conf", "permission denied", "role")
"""Words by which a connection that PostgreSQL refuses is told from one that fails: it has no code."""
_LOCK: Final = 0x706F6468  # "podh": the key of the advisory lock
_POSTGRES: Final = ("postgresql://", "postgres://", "postgresql+psycopg://")


def _say_nothing(message: str) -> None:
    pass


class Waiting(Struct, frozen=True):
    """How many seconds to wait for another run, and who is told when a wait begins."""

    seconds: float = WAIT
    tell: Callable[[str], None] = _say_nothing


def is_url(state: str) -> bool:
    """Whether a state is a database by URL."""
    return "://" in state


def is_state(state: str) -> bool:
    """Whether a folder holds a state; a database by URL is taken for one."""
    return is_url(state) or (Path(state) / FILE).is_file()


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
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"cannot use the state folder {state}: {error.strerror}", remedy="Name a writable folder."
        ) from None
    engine = sql.create_engine(
        f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": _PAUSE, "isolation_level": None}
    )
    engine.dialect.statement_compiler = _HintingCompiler
    return engine


class _HintingCompiler(SQLiteCompiler):
    """Writes hints (`INDEXED BY …`) into statements: SQLAlchemy leaves them out for SQLite, without a word."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        return text


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


@contextlib.contextmanager
def transaction(
    engine: Engine, *, alone: bool = True, waiting: Waiting | None = None, repeatable: bool = False
) -> Iterator[Connection]:
    """A connection in one transaction. `alone` excludes other runs until it ends, and updates the schema. `repeatable`
    sees one state of the database throughout, as every transaction of SQLite does.

    Raises StateUnavailableError if other runs exclude this one for too long, or if the server cannot be reached.
    """
    chosen = waiting if waiting is not None else Waiting()
    with _store_errors(engine), contextlib.ExitStack() as stack:
        sqlite = engine.dialect.name == "sqlite"
        connection = _begun(engine, alone, chosen, stack) if sqlite else stack.enter_context(engine.connect())
        if repeatable and not sqlite:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        if alone and not sqlite:
            _lock(connection, chosen)
        try:
            if alone:
                from podhawk.store.migrations import migrate

                migrate(connection)
            yield connection
        except BaseException:
            with contextlib.suppress(SQLAlchemyError):  # SQLite has rolled back by itself if the disk is full
                if sqlite:
                    connection.exec_driver_sql("ROLLBACK")
                connection.rollback()
            raise
        if sqlite:
            connection.exec_driver_sql("COMMIT")
        connection.commit()


def _begun(engine: Engine, alone: bool, waiting: Waiting, stack: contextlib.ExitStack) -> Connection:
    """A connection to a SQLite file, in a transaction. Even setting a connection up can meet a lock."""
    end = time.monotonic() + waiting.seconds
    told = False
    while True:
        connection = engine.connect()
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if alone else "BEGIN")
        except BaseException as error:
            connection.close()
            if not _is_later(error) or time.monotonic() >= end:
                raise
        else:
            stack.callback(connection.close)
            connection.exec_driver_sql(f"PRAGMA busy_timeout={int(waiting.seconds * 1000)}")
            return connection
        if not told:
            waiting.tell(_waits(engine, waiting))
            told = True
        time.sleep(_PAUSE)


def _lock(connection: Connection, waiting: Waiting) -> None:
    """Exclude other runs from a PostgreSQL database. Those that wait are let in one after the other, as they came."""
    if connection.execute(sql.text(f"SELECT pg_try_advisory_xact_lock({_LOCK})")).scalar():
        return
    waiting.tell(_waits(connection.engine, waiting))
    connection.execute(sql.text(f"SET LOCAL lock_timeout = '{int(waiting.seconds * 1000)}ms'"))
    connection.execute(sql.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def _waits(engine: Engine, waiting: Waiting) -> str:
    return f"another run uses the state {_shown(engine)}; waiting for it, at most {waiting.seconds:g} seconds"


def _is_later(error: BaseException) -> bool:
    """Whether a later try may succeed."""
    origin = error.orig if isinstance(error, DBAPIError) else None
    if getattr(origin, "sqlite_errorname", "").startswith(_BUSY):
        return True
    code = getattr(origin, "sqlstate", None)
    if code is not None:
        return code in _LATER or code.startswith("08")
    lost = isinstance(error, OperationalError) and type(origin).__module__.startswith("psycopg")
    return lost and not any(word in str(origin) for word in _REFUSALS)


@contextlib.contextmanager
def reading(state: str) -> Iterator[Connection | None]:
    """A connection that sees the state as the last finished run left it, without waiting; None if no run has written
    to it. Raises StoreError for a state of a newer podhawk."""
    if not is_state(state):
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
        if _is_later(error):
            raise StateUnavailableError(
                f"the state {_shown(engine)} cannot be used now: {what}",
                remedy="Another run uses it, or its server is not there. Try again later, or wait longer with --wait.",
            ) from None
        raise StoreError(
            f"{_shown(engine)}: {what}",
            remedy=_remedy(what),
        ) from None


def _shown(engine: Engine) -> str:
    """The place of a state, without passwords."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    hidden = {name: "***" for name in engine.url.query if is_secret_parameter(name)}
    return engine.url.update_query_dict(hidden).render_as_string(hide_password=True)


_REMEDIES: Final = (
    (("disk is full", "disk i/o error", "no space left"), "Free space on the disk that the state is on."),
    (("not a database", "malformed", "no such table", "no such column", "does not exist"), RESTORE),
    (("readonly", "read-only"), "podhawk must be able to write to the state."),
)


def _remedy(what: str) -> str:
    """What to do about an error of the database."""
    text = what.lower()
    for signs, remedy in _REMEDIES:
        if any(sign in text for sign in signs):
            return remedy
    return "It may be read-only or damaged, or its server may refuse access."
