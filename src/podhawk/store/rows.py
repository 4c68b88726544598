"""Writing rows, in the dialect of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from podhawk.store.keys import chunks


def insert(connection: Connection, table: sql.Table) -> Any:
    """An INSERT that can say what to do about a conflict."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def upsert(connection: Connection, table: sql.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, in place of those with the same key."""
    keys = [column.name for column in table.primary_key]
    for chunk in chunks(rows):
        statement = insert(connection, table)
        changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), chunk)
