"""fromjson: the members of a JSON object as fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, Wanted, always, needs, same_columns
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.jsonfields import text_of
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.values import put
from podhawk.functions.jsonpath import parse
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote


class FromJson(Struct, frozen=True):
    field: str
    prefix: str = ""


def _parse(cursor: Cursor) -> FromJson:
    options = cursor.options(("prefix",))
    field = cursor.name("the field that contains JSON")
    options |= cursor.options(("prefix",))
    cursor.finish()
    return FromJson(field, options.get("prefix", ""))


def _reads(node: FromJson, wanted: Wanted) -> Wanted:
    return needs(wanted, node.field)


def _stream(node: FromJson, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.field)
            found: dict[str, list[str]] = {}
            for text in texts(value) if value is not None else ():
                document = parse(text)
                if isinstance(document, dict):
                    for key, member in document.items():
                        items = member if isinstance(member, list) else [member]
                        found.setdefault(node.prefix + key, []).extend(text_of(item) for item in items)
            for name, values in found.items():
                put(row, name, values)
            yield row

    return stream


def _made(node: FromJson, name: str) -> Sources:
    return (computed((node.field,)), copy(name)) if name.startswith(node.prefix) else (copy(name),)


FROMJSON = Command(
    name="fromjson",
    syntax="fromjson <field> [prefix=<text>]",
    doc="Makes a field from each member of the JSON object in a field; `prefix` is put before the "
    "names. Arrays become multivalue fields; nested objects stay JSON text.",
    examples=(
        Example(
            "* | fromjson log prefix=j_ | table j_user j_ips",
            ({"j_user": "bob", "j_ips": ["a", "b"]},),
            (r'{"log":"{\"user\":\"bob\",\"ips\":[\"a\",\"b\"]}"}',),
        ),
    ),
    parse=_parse,
    render=lambda node: shown(node.field) + (f" prefix={quote(node.prefix)}" if node.prefix else ""),
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/fromjson",
)
