"""rex: fields out of text by a regular expression, or text edited by sed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, needs, plus
from podhawk.commands.properties import Effect, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.sed import compile_sed
from podhawk.commands.shared.values import put
from podhawk.errors import SearchError
from podhawk.functions.regex import LimitHit, compile_pattern, finditer, search
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

_OPTIONS = ("field", "max_match", "offset_field", "mode")
_UNQUOTED = lazy_pattern(r"\S+")


class Rex(Struct, frozen=True):
    """`pattern` is the sed expression when `sed` is set; `max_match` 0 means every match."""

    pattern: str
    field: str = "_raw"
    max_match: int = 1
    offset_field: str = ""
    sed: bool = False


def regular_expression(cursor: Cursor) -> str:
    """A regular expression: in double quotes, one level of escapes resolved, or one word as it stands."""
    quoted = cursor.quoted()
    if quoted is not None:
        return quoted
    found = cursor.looking_at(_UNQUOTED)
    if not found:
        cursor.fail("expected a regular expression in double quotes")
    cursor.at = found.end()
    cursor.space()
    return found[0]


def _parse(cursor: Cursor) -> Rex:
    options: dict[str, str] = {}
    pattern: str | None = None
    at = cursor.at
    while not cursor.done:
        found = cursor.next_option()
        if found in _OPTIONS or (found and "(?" not in cursor.rest.split()[0]):
            options |= cursor.options(_OPTIONS)
        elif pattern is None:
            at = cursor.at
            pattern = regular_expression(cursor)
        else:
            cursor.finish()
    if pattern is None:
        cursor.fail("expected a regular expression")
    sed = "mode" in options and cursor.choice(options["mode"], "mode", ("sed",)) == "sed"
    if sed and ("max_match" in options or "offset_field" in options):
        raise cursor.error("mode=sed cannot be combined with max_match or offset_field", at)
    limit = cursor.integer(options.get("max_match", "1"), "max_match")
    node = Rex(pattern, options.get("field", "_raw"), limit, options.get("offset_field", ""), sed)
    try:
        if sed:
            compile_sed(pattern)
        elif not _groups(node):
            raise SearchError(
                "this regular expression has no named group, so it extracts nothing",
                remedy="Name a group: (?<field>…).",
            )
    except SearchError as error:
        raise cursor.error(error.message, at, remedy=error.remedy) from None
    return node


def _groups(node: Rex) -> tuple[str, ...]:
    """The fields that an extraction makes, in the order of their groups."""
    named: dict[str, int] = compile_pattern(node.pattern).groupindex
    return tuple(sorted(named, key=lambda name: named[name]))


def _render(node: Rex) -> str:
    parts = [f"field={shown(node.field)}"] if node.field != "_raw" else []
    if node.max_match != 1:
        parts.append(f"max_match={node.max_match}")
    if node.offset_field:
        parts.append(f"offset_field={shown(node.offset_field)}")
    if node.sed:
        parts.append("mode=sed")
    return " ".join((*parts, quote(node.pattern)))


def _columns(node: Rex, columns: Columns) -> Columns:
    if node.sed:
        return columns
    return plus(columns, *_groups(node), *((node.offset_field,) if node.offset_field else ()))


def _reads(node: Rex, wanted: Wanted) -> Wanted:
    return needs(wanted, node.field)


def _stream(node: Rex, context: Context) -> Stream:
    return _edits(node, context) if node.sed else _extracts(node, context)


def _offsets(names: tuple[str, ...], found: re.Match[str]) -> Iterator[str]:
    """Where each group of a match stands, as `name=from-to`, both counted from 0 and inside the group."""
    for name in names:
        start, end = found.span(name)
        if start >= 0:
            yield f"{name}={start}-{max(end - 1, start)}"


def _edits(node: Rex, context: Context) -> Stream:
    edit = compile_sed(node.pattern)

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.field)
            if value is not None:
                try:
                    put(row, node.field, [edit(text) for text in texts(value)])
                except LimitHit:
                    context.warn("regex-limit", node.pattern)
            yield row

    return stream


def _extracts(node: Rex, context: Context) -> Stream:
    names = _groups(node)
    empty = "rex-empty-groups" in context.env.switches

    def matches(text: str) -> Iterable[object]:
        if node.max_match == 1:
            found = search(node.pattern, text)
            return () if found is None else (found,)
        every = finditer(node.pattern, text)
        return every if node.max_match == 0 else every[: node.max_match]

    def extract(row: Row, found: list[re.Match[str]]) -> None:
        for name in names:
            put(row, name, [text or "" for match in found if (text := match.group(name)) is not None or empty])
        if node.offset_field:
            put(row, node.offset_field, ["&".join(_offsets(names, match)) for match in found])

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(node.field)
            if value is not None:
                try:
                    found = [match for text in texts(value) for match in matches(text)]
                except LimitHit:
                    context.warn("regex-limit", node.pattern)
                else:
                    if found:
                        extract(row, found)  # type: ignore[arg-type]
            yield row

    return stream


def _made(node: Rex, name: str) -> Sources:
    if node.sed:
        return (computed((name,), strict=True) if name == node.field else copy(name),)
    # No match changes nothing.
    return (computed((node.field,)), copy(name)) if name in (_columns(node, ()) or ()) else (copy(name),)


REX = Command(
    name="rex",
    syntax='rex [field=<field>] [max_match=<n>] [offset_field=<field>] "<regex>" | '
    'rex [field=<field>] mode=sed "<sed>"',
    doc="Makes a field from each named group of a PCRE pattern that matches anywhere in a field (default: "
    "`_raw`). `max_match` uses more than the first match (0: all) and makes multivalues. `offset_field` "
    "receives where each group stands, such as `ns=19-25&name=32-34`, counted from 0. Rows without a match "
    "stay unchanged. In a multivalue field each value is searched. `mode=sed` edits the field with "
    "`s/pattern/replacement/flags` or `y/from/to/`.",
    examples=(
        Example(
            r'* | rex field=uri "^/api/v1/namespaces/(?<ns>[^/]+)" | table ns',
            ({"ns": "default"},),
            ('{"uri":"/api/v1/namespaces/default/pods"}',),
        ),
        Example(
            r'* | rex field=ip mode=sed "s/(\d+)\.\d+$/\1.x/" | table ip', ({"ip": "10.0.0.x"},), ('{"ip":"10.0.0.7"}',)
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    patterns=lambda node: () if node.sed else (node.pattern,),
    known_as=("parse", "parse_regex"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/rex",
)
