"""outputtext: the raw text of events in another field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, plus
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor

TARGET = "_xml"
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class OutputText(Struct, frozen=True):
    usexml: bool = True


def _parse(cursor: Cursor) -> OutputText:
    options = cursor.options(("usexml",))
    cursor.finish()
    return OutputText(cursor.boolean(options.get("usexml", "t"), "usexml"))


def _stream(node: OutputText, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            raw = row.get("_raw")
            if raw is not None:
                text = "\n".join(texts(raw))
                row[TARGET] = text.translate(_ESCAPES) if node.usexml else text
            yield row

    return stream


def _reads(node: OutputText, wanted: Wanted) -> Wanted:
    return None if wanted is None else (wanted - {TARGET}) | {"_raw"}


def _columns(node: OutputText, columns: Columns) -> Columns:
    return plus(columns, TARGET)


def _made(node: OutputText, name: str) -> Sources:
    return (computed(("_raw",)), copy(name)) if name == TARGET else (copy(name),)


OUTPUTTEXT = Command(
    name="outputtext",
    syntax="outputtext [usexml=<bool>]",
    doc="Copies `_raw` to the field `_xml`, with the characters &, < and > written as XML writes them unless "
    "usexml=false. It writes no file.",
    examples=(Example('| makeresults | eval _raw="a<b" | outputtext | table _xml', ({"_xml": "a&lt;b"},)),),
    parse=_parse,
    render=lambda node: "" if node.usexml else "usexml=false",
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/outputtext",
)
