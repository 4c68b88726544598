"""mvcombine: rows that differ in one field only, as one row."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Wanted, Whole, always, same_columns
from podhawk.commands.makemv import internal
from podhawk.commands.properties import Effect, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.rows import Row, Table, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.text import quote

DELIM = " "


class Delimited(tuple[str, ...]):
    """A multivalue that remembers the text which `nomv` joins it by."""

    delim: str

    def __new__(cls, values: tuple[str, ...], delim: str) -> Delimited:
        made = super().__new__(cls, values)
        made.delim = delim
        return made

    def __reduce__(self) -> tuple[type[Delimited], tuple[tuple[str, ...], str]]:
        return Delimited, (tuple(self), self.delim)


class MvCombine(Struct, frozen=True):
    field: str
    delim: str = DELIM


def _parse(cursor: Cursor) -> MvCombine:
    options = cursor.options(("delim",))
    at = cursor.at
    field = cursor.name("the field to combine")
    internal(cursor, field, at)
    options |= cursor.options(("delim",))
    cursor.finish()
    return MvCombine(field, options.get("delim", DELIM))


def _reads(node: MvCombine, wanted: Wanted) -> Wanted:
    # Rows are compared by all their fields.
    return None


def _whole(node: MvCombine, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        kept: list[Row] = []
        groups: dict[frozenset[tuple[str, tuple[str, ...]]], tuple[Row, list[str]]] = {}
        for row in table.rows:
            value = row.get(node.field)
            if value is None:
                kept.append(row)
                continue
            key = frozenset((name, texts(other)) for name, other in row.items() if name != node.field)
            if key not in groups:
                groups[key] = (row, [])
                kept.append(row)
            groups[key][1].extend(texts(value))
        for row, values in groups.values():
            if len(values) > 1:
                row[node.field] = Delimited(tuple(values), node.delim)
        return Table(kept, table.columns)

    return whole


MVCOMBINE = Command(
    name="mvcombine",
    syntax="mvcombine [delim=<text>] <field>",
    doc="Merges rows that are equal in all other fields into one row with all values of the field, "
    "in order and with duplicates. Select the relevant fields first with `table` or `stats`. "
    "`delim` (default: a space) is the separator for a later nomv. Rows without the field stay unchanged.",
    examples=(
        Example(
            "* | table user verb | mvcombine verb",
            ({"user": "a", "verb": ["get", "list"]},),
            ('{"user":"a","verb":"get"}', '{"user":"a","verb":"list"}'),
        ),
    ),
    parse=_parse,
    render=lambda node: (f"delim={quote(node.delim)} " if node.delim != DELIM else "") + shown(node.field),
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=same_columns,
    whole=_whole,
    made=lambda node, name: (copy(name, aggregated=name == node.field),),
    effect=effect(Effect.REBUILDS),
    volatility=immutable,
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/mvcombine",
)
