"""noop: nothing; in Splunk it turns parts of the search engine on and off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, always, same_columns
from podhawk.commands.properties import Effect, effect, immutable, same
from podhawk.rows import Row
from podhawk.spl.cursor import Cursor


class Noop(Struct, frozen=True):
    """`text` are the settings of Splunk's search engine that were given; they have no meaning here."""

    text: str = ""


def _parse(cursor: Cursor) -> Noop:
    text = cursor.rest.strip()
    while not cursor.done:
        if not cursor.next_option():
            cursor.fail(f"expected a setting such as search_optimization=false, found {cursor.rest.split()[0]!r}")
        cursor.option((cursor.next_option() or "",))
        cursor.commas()
    return Noop(text)


def _stream(node: Noop, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        return iter(rows)

    return stream


NOOP = Command(
    name="noop",
    syntax="noop [<setting>=<value>]…",
    doc="Passes all rows on unchanged. The settings of Splunk's search engine that it may name are ignored.",
    examples=(Example("* | table user | noop search_optimization=false", ({"user": "ann"},), ('{"user":"ann"}',)),),
    parse=_parse,
    render=lambda node: node.text,
    kind=always(Kind.PER_EVENT),
    reads=lambda node, wanted: wanted,
    columns=same_columns,
    stream=_stream,
    made=same,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/multisearch",
)
