"""A search with one more condition, for a click on a value of its result."""

from __future__ import annotations

import re
from typing import Final

from podhawk.errors import SearchError
from podhawk.spl.pipeline import commands_at
from podhawk.spl.text import plain, quote

_PLAIN_NAME: Final = re.compile(r"[\w.:{}@/-]+\Z")
_CUT: Final = 200
"""Values of this length may be cut, so that no condition can be made of them."""


def with_value(search: str, field: str, value: str, *, without: bool = False) -> str | None:
    """The search for rows that have a value, or that have it not. None if that cannot be said.

    A search that is only a clause is narrowed; to all others a command is added at the end, because the field may have
    been made on the way.
    """
    if len(value) >= _CUT or "\n" in field or not field:
        return None
    try:
        several = len(commands_at(plain(search))) > 1 or search.lstrip().startswith("|")
    except SearchError:
        return None
    if "*" in value or not _PLAIN_NAME.match(field):
        if "'" in field:
            return None
        condition = f"'{field}'{'!=' if without else '='}{quote(value)}"
        return f"{search}\n| where {condition}"
    condition = f"{'NOT ' if without else ''}{field}={quote(value)}"
    if several:
        return f"{search}\n| search {condition}"
    clause = search.strip()
    if clause in ("", "*"):
        return condition
    return f"({clause}) {condition}" if re.search(r"\bOR\b", clause) else f"{clause} {condition}"
