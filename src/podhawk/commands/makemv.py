"""makemv: split a value into several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, Wanted, always, needs, same_columns
from podhawk.commands.properties import Effect, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.values import put_or_drop
from podhawk.errors import SearchError
from podhawk.functions.regex import LimitHit, compile_pattern, finditer
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

_OPTIONS = ("delim", "tokenizer", "allowempty", "setsv")


class MakeMv(Struct, frozen=True):
    field: str
    delim: str = " "
    tokenizer: str = ""
    allowempty: bool = False
    setsv: bool = False


def internal(cursor: Cursor, field: str, at: int) -> None:
    """Refuse a field that Splunk keeps for itself."""
    if field.startswith("_"):
        raise cursor.error(
            f"{field} is an internal field; this command does not change internal fields",
            at,
            remedy="Copy it first: eval copy=" + field + ".",
        )


def _parse(cursor: Cursor) -> MakeMv:
    options = cursor.options(_OPTIONS)
    at = cursor.at
    field = cursor.name("the field to split")
    internal(cursor, field, at)
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    if "delim" in options and "tokenizer" in options:
        raise cursor.error("delim and tokenizer cannot be combined", at)
    if options.get("delim") == "":
        raise cursor.error("delim is empty", at, remedy='Use tokenizer="(.)" to split into characters.')
    if "tokenizer" in options:
        try:
            if not compile_pattern(options["tokenizer"]).groups:
                raise SearchError("tokenizer has no group", remedy='Put the value into a group: "([^,]+),?".')
        except SearchError as error:
            raise cursor.error(error.message, at, remedy=error.remedy) from None
    empty, single = (cursor.boolean(options.get(name, "f"), name) for name in ("allowempty", "setsv"))
    return MakeMv(field, options.get("delim", " "), options.get("tokenizer", ""), empty, single)


def _render(node: MakeMv) -> str:
    parts = [f"tokenizer={quote(node.tokenizer)}"] if node.tokenizer else []
    if node.delim != " ":
        parts.append(f"delim={quote(node.delim)}")
    parts += [f"{name}=true" for name in ("allowempty", "setsv") if getattr(node, name)]
    return " ".join((*parts, shown(node.field)))


def _reads(node: MakeMv, wanted: Wanted) -> Wanted:
    return needs(wanted, node.field)


def _splitter(node: MakeMv) -> Callable[[str], list[str]]:
    if node.tokenizer:
        return lambda text: [match.group(1) or "" for match in finditer(node.tokenizer, text)]
    return lambda text: text.split(node.delim)


def _stream(node: MakeMv, context: Context) -> Stream:
    split = _splitter(node)

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.field)
            if value is not None:
                try:
                    parts = [part for text in texts(value) for part in split(text) if part or node.allowempty]
                except LimitHit:
                    context.warn("regex-limit", node.tokenizer)
                else:
                    put_or_drop(row, node.field, [node.delim.join(parts)] if node.setsv and parts else parts)
            yield row

    return stream


MAKEMV = Command(
    name="makemv",
    syntax='makemv [delim=<text> | tokenizer="<regex>"] [allowempty=<bool>] [setsv=<bool>] <field>',
    doc="Splits a field into a multivalue, at each `delim` (default: a space), or into the text of "
    "the first group of `tokenizer` at each match. Empty parts are dropped unless "
    "`allowempty=true`. `setsv=true` joins the parts again with the delimiter.",
    examples=(
        Example(
            '* | makemv delim="," ips | table ips',
            ({"ips": ["10.0.0.1", "10.0.0.2"]},),
            ('{"ips":"10.0.0.1,10.0.0.2"}',),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    made=lambda node, name: (computed((name,), strict=True) if name == node.field else copy(name),),
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    patterns=lambda node: (node.tokenizer,) if node.tokenizer else (),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/makemv",
)
