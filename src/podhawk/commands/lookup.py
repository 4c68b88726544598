"""lookup: columns of a table, by the values of fields.

Every match counts: several make a multivalue. A field with several values is looked up value by value, and
what they find stands in their order. A row that lacks an input field matches nothing, so that it gets the
table's default where the table has one. Without a match OUTPUT removes what its fields held before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from podhawk.commands.context import Context, Lookup, place, table_of
from podhawk.commands.declare import Columns, Command, Example, Kind, Stream, Wanted, always, needs, plus
from podhawk.commands.properties import Effect, Resources, Sources, computed, copy, effect, immutable
from podhawk.commands.shared.names import shown
from podhawk.commands.shared.values import put_or_drop
from podhawk.commands.where import void
from podhawk.errors import nearest
from podhawk.rows import Row, texts
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

KEEPS = "lookup-keeps-unmatched"
"""Switch: a row without a match keeps what the OUTPUT fields held."""
PAIRS_LIMIT = 10_000
"""How many combinations of values one row may ask for, where several input fields are multivalue."""
_OPTIONS = ("local", "update")
_CLAUSES = ("output", "outputnew")


class LookUp(Placed, frozen=True):
    """Pairs are (column of the table, field of the row). `clause` is "", "output" or "outputnew"."""

    table: str
    keys: tuple[tuple[str, str], ...]
    clause: str = ""
    outputs: tuple[tuple[str, str], ...] = ()
    at: int = 0
    source: SearchText | None = None


def _parse(cursor: Cursor) -> LookUp:
    for name, value in cursor.options(_OPTIONS).items():
        cursor.boolean(value, name)
    at = cursor.at
    table = cursor.name("the name of a lookup")
    for name, value in cursor.options(_OPTIONS).items():
        cursor.boolean(value, name)
    keys = _pairs(cursor)
    if not keys:
        cursor.fail("expected a column of the lookup to match")
    clause = cursor.keyword(*_CLAUSES) or ""
    outputs = _pairs(cursor) if clause else ()
    cursor.finish()
    if clause and not outputs:
        cursor.fail(f"{clause.upper()} has no fields")
    return LookUp(table, keys, clause, outputs, at, cursor.source)


def _pairs(cursor: Cursor) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    while not cursor.done:
        save = cursor.at
        if cursor.keyword(*_CLAUSES):
            cursor.at = save
            break
        name = cursor.name()
        other = cursor.name() if cursor.keyword("as") else name
        found.append((name, other))
        cursor.commas()
    return tuple(found)


def _render(node: LookUp) -> str:
    parts = [shown(node.table), *(_pair(*pair) for pair in node.keys)]
    if node.clause:
        parts += [node.clause.upper(), *(_pair(*pair) for pair in node.outputs)]
    return " ".join(parts)


def _pair(column: str, name: str) -> str:
    return shown(column) if column == name else f"{shown(column)} AS {shown(name)}"


def _reads(node: LookUp, wanted: Wanted) -> Wanted:
    return needs(wanted, *(name for _, name in node.keys))


def _columns(node: LookUp, columns: Columns) -> Columns:
    return plus(columns, *(name for _, name in node.outputs))


def _checked(node: LookUp, context: Context) -> Lookup:
    """The table. Raises ContentError if there is none, SearchError for a column that it lacks."""
    table = table_of(context, node.table, node.source, node.at)
    for column, _ in (*node.keys, *node.outputs):
        if table.fields and column not in table.fields:
            raise place(
                node.source,
                node.at,
                f"lookup: {node.table} has no column {column!r}",
                nearest(column, table.fields) or f"Known columns: {', '.join(table.fields)}.",
            )
    return table


def _stream(node: LookUp, context: Context) -> Stream:
    table = _checked(node, context)
    keys = {column for column, _ in node.keys}
    outputs = node.outputs or tuple((column, column) for column in table.fields if column not in keys)
    clears = KEEPS not in context.env.switches
    new_only = node.clause == "outputnew"

    def find(row: Row, columns: list[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {column: [] for column in columns}
        for inputs in _inputs(node, row, context):
            for column, value in table.outputs(inputs, columns).items():
                found[column] += texts(value)
        return found

    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            missing = [pair for pair in outputs if pair[1] not in row] if new_only else outputs
            if missing:
                found = find(row, [column for column, _ in missing])
                for column, name in missing:
                    if found[column] or clears:
                        put_or_drop(row, name, found[column])
            yield row

    return stream


def _inputs(node: LookUp, row: Row, context: Context) -> Iterator[Mapping[str, str]]:
    """What to look up for a row: one set of inputs per combination of values, or one that matches nothing."""
    values = [texts(row[name]) if name in row else () for _, name in node.keys]
    if not all(values):
        yield {}
        return
    for number, combination in enumerate(product(*values)):
        if number == PAIRS_LIMIT:
            context.warn(
                "lookup-combinations", f"a row looks up more than {PAIRS_LIMIT} combinations of values in {node.table}"
            )
            return
        yield {column: value for (column, _), value in zip(node.keys, combination, strict=True)}


def _made(node: LookUp, name: str) -> Sources:
    """Without a clause all columns of the table are added; their names are not known here."""
    names = {field for _, field in node.keys}
    if node.outputs and name not in {field for _, field in node.outputs}:
        return (copy(name),)
    found = computed(names)
    return (copy(name), found) if node.clause == "outputnew" else (found, copy(name))


LOOKUP = Command(
    name="lookup",
    syntax="lookup <lookup> <column> [AS <field>]… [OUTPUT | OUTPUTNEW <column> [AS <field>]…]",
    doc="Adds columns of a lookup table from the table rows that match the given fields, by the "
    "rules of the table (case, wildcards, networks, defaults). Several matches make a "
    "multivalue. Without OUTPUT or OUTPUTNEW, all other columns are added. OUTPUT replaces "
    "fields, and removes them if nothing matches. OUTPUTNEW sets only missing fields. `local` "
    "and `update` are accepted and ignored.",
    examples=(
        Example(
            "* | lookup teams user OUTPUT team | table user team",
            ({"user": "ann", "team": "red"}, {"user": "bob", "team": None}),
            ('{"user":"ann"}', '{"user":"bob"}'),
            (("teams", "user,team\nann,red\n"),),
        ),
        Example(
            "* | lookup teams user AS actor OUTPUTNEW team | table actor team",
            ({"actor": "ann", "team": "mine"},),
            ('{"actor":"ann","team":"mine"}',),
            (("teams", "user,team\nann,red\n"),),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=_columns,
    stream=_stream,
    check=lambda node, context: void(_checked(node, context)),
    made=_made,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    resources=lambda node: Resources(lookups=(node.table,)),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/lookup",
)
