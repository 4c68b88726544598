"""uniq: rows that are equal to the one before are left out."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Whole, always, same_columns
from podhawk.commands.properties import Effect, effect, immutable, same
from podhawk.rows import Row, Table, texts
from podhawk.spl.cursor import Cursor


class Uniq(Struct, frozen=True):
    """What the text of the command says. It has no arguments."""


def _parse(cursor: Cursor) -> Uniq:
    cursor.finish()
    return Uniq()


def _whole(node: Uniq, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        kept: list[Row] = []
        last: dict[str, tuple[str, ...]] | None = None
        for row in table.rows:
            cells = {name: texts(value) for name, value in row.items()}
            if cells != last:
                kept.append(row)
            last = cells
        return Table(kept, table.columns)

    return whole


UNIQ = Command(
    name="uniq",
    syntax="uniq",
    doc="Removes each row that is equal to the row before it in all fields. Sort the rows first to find all "
    "duplicates.",
    examples=(
        Example(
            "* | table user | uniq",
            ({"user": "ann"}, {"user": "bob"}),
            ('{"user":"ann"}', '{"user":"ann"}', '{"user":"bob"}'),
        ),
    ),
    parse=_parse,
    render=lambda node: "",
    kind=always(Kind.WHOLE),
    reads=lambda node, wanted: None,  # rows are compared by all their fields
    columns=same_columns,
    whole=_whole,
    made=same,
    effect=effect(Effect.LIMITS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/uniq",
)
