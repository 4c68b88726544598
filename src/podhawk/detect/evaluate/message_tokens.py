"""The values that a message's tokens and the risk part of a detection name.

A token is a field of the search's last rows (`$user$`, `$user.groups{}$`, `$result.Country$`), or one that a `rename`
of the search has given another name since, or else one of the event itself. What `fillnull` put in is no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from podhawk.commands.declare import Stage
from podhawk.engine.plan.lineage import earlier_names
from podhawk.rows import Filled, Row, Value, texts

TOKEN: Final = re.compile(r"\$(?:result\.)?([^\s$]+)\$")
SHOWN: Final = 5
"""Values of one token that a title shows."""
NONE: Final = "(none)"


class TokenValues(Struct, frozen=True):
    """The values of a field, each once; `filled` says that there were none, and that the search says so."""

    values: tuple[str, ...] = ()
    filled: bool = False


class NamesBefore:
    """The earlier names of the columns of a search."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, column: str) -> tuple[str, ...]:
        """The earlier names of a column."""
        known = self._known.get(column)
        if known is None:
            known = self._known[column] = earlier_names(column, self._stages)
        return known


class MessageFields:
    """The fields that a finding can name: of its rows, then of its events."""

    def __init__(self, rows: Sequence[Row], names: NamesBefore, event_field: Callable[[str], Iterable[Value]]) -> None:
        self._rows = rows
        self._names = names
        self._event_field = event_field
        self._known: dict[str, TokenValues] = {}
        self.from_events: set[str] = set()
        """The fields that no row had, and for which the events were asked."""

    def find(self, name: str) -> TokenValues:
        """The values of a field."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._find(name)
        return known

    def _find(self, name: str) -> TokenValues:
        for column in (name, *self._columns_once(name)):
            held = [row[column] for row in self._rows if column in row]
            if held:
                real = dict.fromkeys(
                    text
                    for value in held
                    if not isinstance(value, Filled)
                    for text in texts(value)
                    if not isinstance(text, Filled) and text
                )
                return TokenValues(tuple(real), filled=not real)
        self.from_events.add(name)
        return TokenValues(
            tuple(dict.fromkeys(text for value in self._event_field(name) for text in texts(value) if text))
        )

    def _columns_once(self, name: str) -> list[str]:
        """The columns that had this name before."""
        columns = dict.fromkeys(column for row in self._rows for column in row)
        return [column for column in columns if name in self._names.of(column)]


def fill(message: str, fields: MessageFields) -> str:
    """A message with its tokens replaced; a token that nothing has is shown as such."""
    return TOKEN.sub(lambda found: _named(found[1], fields.find(found[1])), message)


def _named(name: str, found: TokenValues) -> str:
    if not found.values:
        return NONE if found.filled else f"(no {name})"
    return shown(found)


def shown(found: TokenValues) -> str:
    """The values of a token in a title; of many, the first ones."""
    more = len(found.values) - SHOWN
    listed = ", ".join(found.values[:SHOWN])
    return f"{listed} and {more} more" if more > 0 else listed
