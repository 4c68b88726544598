"""reverse: the rows in the opposite order."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Whole, always, same_columns
from podhawk.commands.properties import Effect, effect, immutable, same
from podhawk.rows import Table
from podhawk.spl.cursor import Cursor


class Reverse(Struct, frozen=True):
    """What the text of the command says. It has no arguments."""


def _parse(cursor: Cursor) -> Reverse:
    cursor.finish()
    return Reverse()


def _whole(node: Reverse, context: Context) -> Whole:
    return lambda table: Table(table.rows[::-1], table.columns)


REVERSE = Command(
    name="reverse",
    syntax="reverse",
    doc="Puts the rows into the opposite order.",
    examples=(Example("| makeresults count=2 | streamstats count as n | reverse | table n", ({"n": "2"}, {"n": "1"})),),
    parse=_parse,
    render=lambda node: "",
    kind=always(Kind.WHOLE),
    reads=lambda node, wanted: wanted,
    columns=same_columns,
    whole=_whole,
    made=same,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/reverse",
)
