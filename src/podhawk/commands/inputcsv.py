"""inputcsv: the rows of a CSV file."""

from __future__ import annotations

from podhawk.commands.context import Context, place
from podhawk.commands.declare import Columns, Command, Example, Kind, Wanted, Whole, plus
from podhawk.commands.properties import Effect, effect
from podhawk.commands.shared.filenames import file_name
from podhawk.commands.shared.names import shown
from podhawk.errors import ContentError
from podhawk.functions.predicates import compile_clause, volatility
from podhawk.rows import OrderKey, Row, Table
from podhawk.spl.clause import EVERYTHING, Clause, parse_clause, render
from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

MAX = 1_000_000_000
_OPTIONS = ("append", "start", "max", "dispatch", "strict", "events")


class InputCsv(Placed, frozen=True):
    file: str
    append: bool = False
    first: int = 0
    most: int = MAX
    where: Clause = EVERYTHING
    at: int = 0
    source: SearchText | None = None


def _parse(cursor: Cursor) -> InputCsv:
    options = cursor.options(_OPTIONS)
    at = cursor.at
    file = file_name(cursor)
    options |= cursor.options(_OPTIONS)
    where: Clause = EVERYTHING
    if cursor.keyword("where"):
        where = parse_clause(cursor, _no_subsearch)
    cursor.finish()
    for name in ("dispatch", "strict", "events"):
        cursor.boolean(options.get(name, "f"), name)
    return InputCsv(
        file,
        cursor.boolean(options.get("append", "f"), "append"),
        cursor.integer(options.get("start", "0"), "start"),
        cursor.integer(options.get("max", str(MAX)), "max"),
        where,
        at,
        cursor.source,
    )


def _no_subsearch(cursor: Cursor) -> object:
    raise cursor.error("where cannot contain a subsearch", remedy="Use a search command after inputcsv.")


def _render(node: InputCsv) -> str:
    parts = ["append=true"] if node.append else []
    parts += [f"start={node.first}"] if node.first else []
    parts += [f"max={node.most}"] if node.most != MAX else []
    parts.append(shown(node.file))
    parts += [f"where {render(node.where, str)}"] if node.where != EVERYTHING else []
    return " ".join(parts)


def _generate(node: InputCsv, context: Context) -> Table:
    try:
        columns, cells = context.files.read(node.file)
    except ContentError as error:
        raise place(node.source, node.at, f"inputcsv: {error.message}", error.remedy) from None
    test = compile_clause(node.where, context.env)
    rows: list[Row] = []
    for number, line in enumerate(cells[node.first :]):
        row = Row(((name, line[name]) for name in columns if line.get(name)), OrderKey(0.0, 0.0, (number,)))
        if len(rows) < node.most and test(row):
            rows.append(row)
    return Table(rows, columns or None)


def _whole(node: InputCsv, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        added = _generate(node, context)
        return Table([*table.rows, *added.rows], plus(table.columns, *(added.columns or ())))

    return whole


def _reads(node: InputCsv, wanted: Wanted) -> Wanted:
    return wanted if node.append else frozenset()


def _columns(node: InputCsv, columns: Columns) -> Columns:
    return columns if node.append else None


INPUTCSV = Command(
    name="inputcsv",
    syntax="inputcsv [append=<bool>] [start=<n>] [max=<n>] <file> [WHERE <clause>]",
    doc="Returns the rows of a CSV file that outputcsv wrote, or of a CSV file among the lookups of the content. "
    "It is the first command of a search, or, with append=true, appends the rows to the current ones. A file "
    "is named without a folder: nothing outside the state and the content is read. dispatch, strict and "
    "events are accepted and ignored.",
    examples=(
        Example(
            "| inputcsv teams.csv where team=red | table user",
            ({"user": "ann"},),
            (),
            (("teams", "user,team\nann,red\nbob,blue\n"),),
        ),
    ),
    parse=_parse,
    render=_render,
    kind=lambda node: Kind.WHOLE if node.append else Kind.GENERATING,
    reads=_reads,
    columns=_columns,
    generate=_generate,
    whole=_whole,
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: volatility(node.where),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/inputcsv",
)
