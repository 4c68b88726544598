"""format: the rows of a subsearch as the text of a clause.

Every subsearch in a clause ends with this, implied: `( ( f="v" AND g="w" ) OR ( … ) )`. Internal fields are
left out, fields stand in the order of their names, and the value of a field named `search` or `query` is
put in as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always
from podhawk.commands.properties import Effect, effect, immutable
from podhawk.rows import Row, Table, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

EMPTY = "NOT( )"
WRAPPING = ("(", "(", "AND", ")", "OR", ")")
BARE = ("search", "query")
_OPTIONS = ("mvsep", "maxresults", "emptystr")


class ClauseFormat(Struct, frozen=True):
    """`wrapping`: row prefix, column prefix, column separator, column end, row separator, row end.

    `maxresults` 0 means all rows.
    """

    wrapping: tuple[str, ...] = WRAPPING
    mvsep: str = "OR"
    maxresults: int = 0
    emptystr: str = EMPTY


def _parse(cursor: Cursor) -> ClauseFormat:
    options: dict[str, str] = {}
    wrapping: list[str] = []
    at = cursor.at
    while not cursor.done:
        if cursor.next_option():
            options |= cursor.options(_OPTIONS)
        else:
            wrapping.append(cursor.word('a text such as "("'))
    if wrapping and len(wrapping) != len(WRAPPING):
        raise cursor.error(
            f"expected six texts, found {len(wrapping)}",
            at,
            remedy="The texts are: row prefix, column prefix, column separator, column end, row separator, row end.",
        )
    return ClauseFormat(
        tuple(wrapping) or WRAPPING,
        options.get("mvsep", "OR"),
        cursor.integer(options.get("maxresults", "0"), "maxresults"),
        options.get("emptystr", EMPTY),
    )


def _render(node: ClauseFormat) -> str:
    parts = [f"mvsep={quote(node.mvsep)}"] if node.mvsep != "OR" else []
    if node.maxresults:
        parts.append(f"maxresults={node.maxresults}")
    if node.wrapping != WRAPPING:
        parts += [quote(text) for text in node.wrapping]
    if node.emptystr != EMPTY:
        parts.append(f"emptystr={quote(node.emptystr)}")
    return " ".join(parts)


def formatted(rows: Iterable[Row], node: ClauseFormat | None = None) -> str:
    """The text for these rows; `emptystr` if no row says anything."""
    node = node or ClauseFormat()
    row_prefix, prefix, separator, end, row_separator, row_end = node.wrapping
    made: list[str] = []
    for row in rows:
        if node.maxresults and len(made) >= node.maxresults:
            break
        parts = [_column(node, name, texts(row[name])) for name in sorted(row) if not name.startswith("_")]
        if parts:
            made.append(_joined(prefix, f" {separator} ".join(parts), end))
    return _joined(row_prefix, f" {row_separator} ".join(made), row_end) if made else node.emptystr


def _column(node: ClauseFormat, name: str, values: tuple[str, ...]) -> str:
    """One field of a row: several values in parentheses of their own."""
    parts = list(values) if name in BARE else [f"{name}={quote(value)}" for value in values]
    return parts[0] if len(parts) == 1 else f"( {f' {node.mvsep} '.join(parts)} )"


def _joined(before: str, inner: str, after: str) -> str:
    return " ".join(part for part in (before, inner, after) if part)


def _reads(node: ClauseFormat, wanted: Wanted) -> Wanted:
    return None


def _whole(node: ClauseFormat, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        return Table([Row({"search": formatted(table.rows, node)})], ("search",))

    return whole


FORMAT = Command(
    name="format",
    syntax='format [mvsep=<text>] [maxresults=<n>] ["<row prefix>" "<column prefix>" "<column separator>" '
    '"<column end>" "<row separator>" "<row end>"] [emptystr=<text>]',
    doc="Turns the rows into one row, whose field `search` is a clause: the fields of a row are "
    "joined by AND, the rows by OR, the values of a multivalue field by `mvsep`. The values of "
    "fields named search or query are inserted unchanged. Without rows, the clause is `emptystr`.",
    examples=(
        Example(
            "* | table user verb | format",
            ({"search": '( ( user="a" AND verb="get" ) OR ( user="b" AND verb="list" ) )'},),
            ('{"user":"a","verb":"get"}', '{"user":"b","verb":"list"}'),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=lambda node, columns: ("search",),
    whole=_whole,
    effect=effect(Effect.REBUILDS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/format",
)
