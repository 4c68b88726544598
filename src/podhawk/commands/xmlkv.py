"""xmlkv: fields out of XML elements that hold text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, Wanted, always, needs, same_columns
from podhawk.commands.properties import Effect, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.values import put
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor

MAXINPUTS = 50000
_ELEMENT = lazy_pattern(r"<([A-Za-z_][\w.:-]*)(?:\s[^<>]*)?(?<!/)>([^<]*)</\1\s*>")


class XmlKv(Struct, frozen=True):
    """`maxinputs` is how many rows Splunk hands over at a time; it changes no result."""

    field: str = "_raw"
    maxinputs: int = MAXINPUTS


def _parse(cursor: Cursor) -> XmlKv:
    options = cursor.options(("maxinputs",))
    field = "_raw" if cursor.done else cursor.name()
    options |= cursor.options(("maxinputs",))
    cursor.finish()
    return XmlKv(field, cursor.integer(options.get("maxinputs", str(MAXINPUTS)), "maxinputs", 1))


def _render(node: XmlKv) -> str:
    parts = [shown(node.field)] if node.field != "_raw" else []
    if node.maxinputs != MAXINPUTS:
        parts.append(f"maxinputs={node.maxinputs}")
    return " ".join(parts)


def _reads(node: XmlKv, wanted: Wanted) -> Wanted:
    return needs(wanted, node.field)


def _stream(node: XmlKv, context: Context) -> Stream:
    from html import unescape

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.field)
            found: dict[str, list[str]] = {}
            for text in texts(value) if value is not None else ():
                for name, inner in _ELEMENT.findall(text):
                    if inner.strip():
                        found.setdefault(name, []).append(unescape(inner))
            for name, values in found.items():
                put(row, name, values)
            yield row

    return stream


XMLKV = Command(
    name="xmlkv",
    syntax="xmlkv [<field>] [maxinputs=<n>]",
    doc="Makes a field from each XML element that contains only text, named after the element. "
    "Several elements with the same name make a multivalue. Reads `_raw` by default. `maxinputs` "
    "is accepted and ignored.",
    examples=(
        Example(
            '| makeresults | eval x="<a><user>bob</user><n>1</n></a>" | xmlkv x | table user n',
            ({"user": "bob", "n": "1"},),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    made=lambda node, name: (computed((node.field,)), copy(name)),
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/xmlkv",
)
