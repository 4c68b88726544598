"""Many small questions to the state in few statements.

A list of tuples in a condition would do the same, but SQLite then looks at every row. So each question is a part of a
UNION ALL. The number of parts is one of a few, so that few texts are read and compiled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy.engine import Connection

_AT_ONCE: Final = (100, 25, 5, 1)
"""The questions of one statement."""


def many_questions(
    connection: Connection, question: str, asked: Sequence[Mapping[str, Any]], also: Mapping[str, Any] | None = None
) -> Iterator[Any]:
    """The rows of a question for each of `asked`. The names of its members end in `{0}` in the question; those of
    `also` are the same in all."""
    start = 0
    while start < len(asked):
        count = next(size for size in _AT_ONCE if size <= len(asked) - start)
        values = {
            f"{name}{number}": value
            for number, one in enumerate(asked[start : start + count])
            for name, value in one.items()
        }
        yield from connection.execute(_statement(question, count), {**(also or {}), **values})
        start += count


@lru_cache(maxsize=64)
def _statement(question: str, count: int) -> sql.TextClause:
    parts = (f"SELECT * FROM ({question.format(number)}) AS part{number}" for number in range(count))
    return sql.text(" UNION ALL ".join(parts))
