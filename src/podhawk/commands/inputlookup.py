"""inputlookup: the rows of a lookup table."""

from __future__ import annotations

from podhawk.commands.context import Context, table_of
from podhawk.commands.declare import Columns, Command, Example, Kind, Wanted, Whole, plus
from podhawk.commands.properties import Effect, Resources, effect
from podhawk.commands.shared.names import shown
from podhawk.commands.where import void
from podhawk.functions.predicates import compile_clause, volatility
from podhawk.rows import OrderKey, Row, Table
from podhawk.spl.clause import EVERYTHING, Clause, parse_clause, render
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

MAX = 1_000_000_000
_OPTIONS = ("append", "strict", "start", "max")


class InputLookup(Placed, frozen=True):
    table: str
    append: bool = False
    first: int = 0
    max: int = MAX
    where: Clause = EVERYTHING
    at: int = 0
    source: SearchText | None = None


def _parse(cursor: Cursor) -> InputLookup:
    options = cursor.options(_OPTIONS)
    at = cursor.at
    table = cursor.name("the name of a lookup")
    options |= cursor.options(_OPTIONS)
    where: Clause = EVERYTHING
    if cursor.keyword("where"):
        where = parse_clause(cursor, _no_subsearch)
    cursor.finish()
    cursor.boolean(options.get("strict", "f"), "strict")
    return InputLookup(
        table,
        cursor.boolean(options.get("append", "f"), "append"),
        cursor.integer(options.get("start", "0"), "start"),
        cursor.integer(options.get("max", str(MAX)), "max"),
        where,
        at,
        cursor.source,
    )


def _no_subsearch(cursor: Cursor) -> object:
    raise cursor.error("where cannot contain a subsearch", remedy="Use a search command after inputlookup.")


def _render(node: InputLookup) -> str:
    parts = ["append=true"] if node.append else []
    parts += [f"start={node.first}"] if node.first else []
    parts += [f"max={node.max}"] if node.max != MAX else []
    parts.append(shown(node.table))
    if node.where != EVERYTHING:
        parts.append(f"where {render(node.where, str)}")
    return " ".join(parts)


def _reads(node: InputLookup, wanted: Wanted) -> Wanted:
    return wanted if node.append else frozenset()


def _columns(node: InputLookup, columns: Columns) -> Columns:
    return columns if node.append else None


def _generate(node: InputLookup, context: Context) -> Table:
    table = table_of(context, node.table, node.source, node.at)
    test = compile_clause(node.where, context.env)
    rows: list[Row] = []
    for number, source in enumerate(table.rows):
        if number < node.first:
            continue
        row = Row(((name, source[name]) for name in table.fields if name in source), OrderKey(0.0, 0.0, (number,)))
        if not test(row):
            continue
        if len(rows) >= node.max:
            break
        rows.append(row)
    return Table(rows, tuple(table.fields) or None)


def _whole(node: InputLookup, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        added = _generate(node, context)
        return Table([*table.rows, *added.rows], plus(table.columns, *(added.columns or ())))

    return whole


INPUTLOOKUP = Command(
    name="inputlookup",
    syntax="inputlookup [append=<bool>] [start=<n>] [max=<n>] <lookup>|<file.csv> [WHERE <clause>]",
    doc="Returns the rows of a lookup table. It is the first command of a search, or, with "
    "`append=true`, appends the rows to the current ones. `start` is the first row (from 0), "
    "`max` the maximum number of rows. The WHERE clause follows the rules of the search command.",
    examples=(
        Example(
            "| inputlookup teams where team=red | table user",
            ({"user": "ann"},),
            (),
            (("teams", "user,team\nann,red\nbob,blue\n"),),
        ),
        Example(
            "* | table user | inputlookup append=t teams",
            ({"user": "eve"}, {"user": "ann"}),
            ('{"user":"eve"}',),
            (("teams", "user\nann\n"),),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=lambda node: Kind.WHOLE if node.append else Kind.GENERATING,
    reads=_reads,
    columns=_columns,
    generate=_generate,
    whole=_whole,
    check=lambda node, context: void(table_of(context, node.table, node.source, node.at)),
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: volatility(node.where),
    resources=lambda node: Resources(lookups=(node.table,)),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/inputlookup",
)
