"""nomv: the values of a field as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, Wanted, always, needs, same_columns
from podhawk.commands.mvcombine import Delimited
from podhawk.commands.properties import Effect, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor

DELIM = "\n"


class NoMv(Struct, frozen=True):
    field: str


def _parse(cursor: Cursor) -> NoMv:
    field = cursor.name("the field to join")
    cursor.finish()
    return NoMv(field)


def _reads(node: NoMv, wanted: Wanted) -> Wanted:
    return needs(wanted, node.field)


def _stream(node: NoMv, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.field)
            if isinstance(value, tuple):
                row[node.field] = (value.delim if isinstance(value, Delimited) else DELIM).join(value)
            yield row

    return stream


NOMV = Command(
    name="nomv",
    syntax="nomv <field>",
    doc="Joins the values of a multivalue field into one value, separated by line breaks, or by the "
    "`delim` of an earlier mvcombine.",
    examples=(
        Example(
            '* | table user verb | mvcombine delim="," verb | nomv verb',
            ({"user": "a", "verb": "get,list"},),
            ('{"user":"a","verb":"get"}', '{"user":"a","verb":"list"}'),
        ),
    ),
    parse=_parse,
    render=lambda node: shown(node.field),
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    made=lambda node, name: (computed((name,), strict=True) if name == node.field else copy(name),),
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/nomv",
)
