"""mvexpand: one row per value of a field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, Wanted, always, needs, same_columns
from podhawk.commands.makemv import internal
from podhawk.commands.properties import Effect, effect, immutable, same
from podhawk.commands.shared.names import shown
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor


class MvExpand(Struct, frozen=True):
    """`limit` is how many values of a row count; 0 means all."""

    field: str
    limit: int = 0


def _parse(cursor: Cursor) -> MvExpand:
    options = cursor.options(("limit",))
    at = cursor.at
    field = cursor.name("the field to expand")
    internal(cursor, field, at)
    options |= cursor.options(("limit",))
    cursor.finish()
    return MvExpand(field, cursor.integer(options.get("limit", "0"), "limit"))


def _reads(node: MvExpand, wanted: Wanted) -> Wanted:
    return needs(wanted, node.field)


def _stream(node: MvExpand, context: Context) -> Stream:
    drops = "mvexpand-drops-empty" in context.env.switches

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.field)
            if not isinstance(value, tuple):
                if value is not None or not drops:
                    yield row
                continue
            for number, text in enumerate(value[: node.limit] if node.limit else value):
                one = Row(row, row.order._replace(place=(*row.order.place, number)))
                one[node.field] = text
                yield one

    return stream


MVEXPAND = Command(
    name="mvexpand",
    syntax="mvexpand <field> [limit=<n>]",
    doc="Makes one row per value of a multivalue field and copies the other fields. `limit` is the "
    "maximum number of values per row. A row with one value, or without the field, stays "
    "unchanged.",
    examples=(
        Example(
            "* | mvexpand groups{} | table user groups{}",
            ({"user": "a", "groups{}": "dev"}, {"user": "a", "groups{}": "ops"}),
            ('{"user":"a","groups":["dev","ops"]}',),
        ),
    ),
    parse=_parse,
    render=lambda node: shown(node.field) + (f" limit={node.limit}" if node.limit else ""),
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    made=same,
    effect=effect(Effect.EXPANDS),
    volatility=immutable,
    known_as=("mv-expand", "unnest", "explode"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/mvexpand",
)
