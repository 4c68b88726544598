"""`allnum=true`: a numeric aggregation counts only if every value of its field is a number."""

from __future__ import annotations

from collections.abc import Sequence

from podhawk.commands.shared.items import Item, wild_name
from podhawk.commands.shared.names import pattern
from podhawk.functions.aggregations.arithmetic import ARITHMETIC
from podhawk.rows import Row, texts
from podhawk.rows.values import as_number

_NUMERIC = frozenset(aggregation.name for aggregation in ARITHMETIC) - {"min", "max"}


def spoiled(items: Sequence[Item], row: Row) -> set[str]:
    """The results that a row spoils, because it has a value that is no number where one is asked for."""
    found: set[str] = set()
    for item in items:
        if not isinstance(item.argument, str) or item.declaration()[0].name not in _NUMERIC:
            continue
        if item.wild:
            matcher = pattern(item.argument)
            names = [name for name in row if matcher.match(name) and not name.startswith("_")]
        else:
            names = [item.argument] if item.argument in row else []
        for name in names:
            if any(as_number(text) is None for text in texts(row[name])):
                found.add(wild_name(item, name) if item.wild else item.name)
    return found
