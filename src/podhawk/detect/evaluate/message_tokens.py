"""The values that a message's tokens and the risk part of a detection name.

A token is a field of the search's last rows (`$user$`, `$user.groups{}$`, `$result.Country$`), or one that a `rename`
of the search has given another name since, or else one of the event itself. What `fillnull` put in is no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from podhawk.commands.declare import Stage
from podhawk.commands.rename import Rename, renamed
from podhawk.rows import Filled, Row, Value, texts

TOKEN: Final = re.compile(r"\$(?:result\.)?([^\s$]+)\$")
SHOWN: Final = 5
"""Values of one token that a title shows."""
NONE: Final = "(none)"


class TokenValues(Struct, frozen=True):
    """The values of a field, each once; `filled` says that there were none, and that the search says so."""

    values: tuple[str, ...] = ()
    filled: bool = False


class MessageFields:
    """The fields that a finding can name: of its rows, then of its events."""

    def __init__(
        self, rows: Sequence[Row], names: Mapping[str, str], event_field: Callable[[str], Iterable[Value]]
    ) -> None:
        self._rows = rows
        self._names = names
        self._event_field = event_field
        self._known: dict[str, TokenValues] = {}

    def find(self, name: str) -> TokenValues:
        """The values of a field."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._find(name)
        return known

    def _find(self, name: str) -> TokenValues:
        for column in dict.fromkeys((name, self._names.get(name, name))):
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
        return TokenValues(
            tuple(dict.fromkeys(text for value in self._event_field(name) for text in texts(value) if text))
        )


def names_at_end(stages: Sequence[Stage]) -> dict[str, str]:
    """What fields that the search renamed are called at its end, by any name that they had before."""
    found: dict[str, str] = {}
    for stage in stages:
        if isinstance(stage.node, Rename):
            for old, new in stage.node.pairs:
                for first, now in list(found.items()):
                    found[first] = renamed(now, old, new) or now
                if "*" not in old:
                    found[old] = new
    return found


def name_at_end(name: str, stages: Sequence[Stage]) -> str:
    """What a field that these stages begin with is called after them."""
    for stage in stages:
        if isinstance(stage.node, Rename):
            name = next((new for old, into in stage.node.pairs if (new := renamed(name, old, into)) is not None), name)
    return name


def fill(message: str, fields: MessageFields) -> str:
    """A message with its tokens replaced; a token that nothing has is shown as such."""
    return TOKEN.sub(lambda found: _shown(found[1], fields.find(found[1])), message)


def _shown(name: str, found: TokenValues) -> str:
    if not found.values:
        return NONE if found.filled else f"(no {name})"
    more = len(found.values) - SHOWN
    listed = ", ".join(found.values[:SHOWN])
    return f"{listed} and {more} more" if more > 0 else listed
