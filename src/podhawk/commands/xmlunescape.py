"""xmlunescape: references such as &lt; become their characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, always, same_columns
from podhawk.commands.properties import Effect, Sources, computed, effect, immutable
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, Value
from podhawk.spl.cursor import Cursor

_REFERENCE = lazy_pattern(r"&(amp|lt|gt|quot|apos);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class XmlUnescape(Struct, frozen=True):
    """What the text of the command says; maxinputs has no meaning here."""


def _parse(cursor: Cursor) -> XmlUnescape:
    options = cursor.options(("maxinputs",))
    cursor.integer(options.get("maxinputs", "1"), "maxinputs", 1)
    cursor.finish()
    return XmlUnescape()


def _unescaped(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(map(_text, value))
    return _text(value) if isinstance(value, str) and "&" in value else value


def _text(text: str) -> str:
    return _REFERENCE.sub(lambda found: _CHARACTERS[found[1]], text)


def _stream(node: XmlUnescape, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for name, value in row.items():
                row[name] = _unescaped(value)
            yield row

    return stream


def _made(node: XmlUnescape, name: str) -> Sources:
    return (computed((name,), strict=True),)


XMLUNESCAPE = Command(
    name="xmlunescape",
    syntax="xmlunescape [maxinputs=<n>]",
    doc="Replaces the references `&amp;`, `&lt;`, `&gt;`, `&quot;` and `&apos;` in all fields by their characters. "
    "maxinputs is accepted and ignored.",
    examples=(Example("* | table m | xmlunescape", ({"m": "a < b & c"},), ('{"m":"a &lt; b &amp; c"}',)),),
    parse=_parse,
    render=lambda node: "",
    kind=always(Kind.PER_EVENT),
    reads=lambda node, wanted: wanted,
    columns=same_columns,
    stream=_stream,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/xmlunescape",
)
