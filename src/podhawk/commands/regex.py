"""regex: keep the rows in which a regular expression is found, or is not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Stream, Wanted, always, needs, same_columns
from podhawk.commands.properties import Effect, effect, immutable, same
from podhawk.commands.shared.names import shown
from podhawk.errors import SearchError
from podhawk.functions.regex import LimitHit, compile_pattern, search
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

_BARE_FIELD = lazy_pattern(r'([^\s"=!|(\[\\^$?+]+)\s*(!=|=)\s*')
_OPERATOR = lazy_pattern(r"(!=|=)\s*")
MISSING_DROPS = "regex-missing-drops"
"""Switch: `regex field!=…` drops rows without the field."""


class Regex(Struct, frozen=True):
    pattern: str
    field: str = "_raw"
    negated: bool = False


def _parse(cursor: Cursor) -> Regex:
    if cursor.done:
        cursor.fail("expected a regular expression")
    at = cursor.at
    field, negated = "_raw", False
    found = cursor.looking_at(_BARE_FIELD)
    pattern: str | None = None
    if found:
        field, negated = found[1].strip("'"), found[2] == "!="
        cursor.at = found.end()
    elif cursor.peek() == '"':
        text = cursor.quoted() or ""
        operator = cursor.looking_at(_OPERATOR)
        if operator:
            field, negated = text, operator[1] == "!="
            cursor.at = operator.end()
        else:
            pattern = text
    if pattern is None:
        at = cursor.at
        if cursor.peek() == '"':
            pattern = cursor.quoted() or ""
        else:
            if re.match(r'[A-Za-z_][\w.{}]*\s+"', cursor.rest):
                cursor.word()
                cursor.fail("expected = or != after the field", 'For example: regex user="^system:".')
            pattern = cursor.rest.rstrip()
            cursor.at = cursor.end
    cursor.finish()
    if not pattern:
        raise cursor.error("expected a regular expression", at)
    try:
        compile_pattern(pattern)
    except SearchError as error:
        raise cursor.error(error.message, at, remedy=error.remedy) from None
    return Regex(pattern, field, negated)


def _render(node: Regex) -> str:
    return f"{shown(node.field)}{'!=' if node.negated else '='}{quote(node.pattern)}"


def _reads(node: Regex, wanted: Wanted) -> Wanted:
    return needs(wanted, node.field)


def _stream(node: Regex, context: Context) -> Stream:
    missing = node.negated and MISSING_DROPS not in context.env.switches

    def matches(text: str) -> bool:
        try:
            return search(node.pattern, text) is not None
        except LimitHit:
            context.warn("regex-limit", node.pattern)
            return False

    def keep(row: Row) -> bool:
        value = row.get(node.field)
        if value is None:
            return missing
        return any(matches(text) for text in texts(value)) != node.negated

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        return (row for row in rows if keep(row))

    return stream


REGEX = Command(
    name="regex",
    syntax='regex [<field>=|<field>!=] "<regex>"',
    doc="Keeps rows with a match of a PCRE pattern anywhere in a field (default: `_raw`). With `!=`, "
    "keeps rows without a match, including rows that lack the field. A multivalue field matches "
    "if any of its values matches.",
    examples=(
        Example(
            r'* | regex user="^system:node:" | table user',
            ({"user": "system:node:n1"},),
            ('{"user":"system:node:n1"}', '{"user":"bob"}'),
        ),
        Example(r'* | regex code!="^[23]\d\d$" | table code', ({"code": "403"},), ('{"code":403}', '{"code":201}')),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    made=same,
    effect=effect(Effect.FILTERS),
    volatility=immutable,
    patterns=lambda node: (node.pattern,),
    known_as=("egrep", "rgrep"),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/regex",
)
