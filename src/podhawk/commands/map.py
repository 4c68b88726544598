"""map: run a search once for each row."""

from __future__ import annotations

from collections.abc import Callable

from podhawk.commands.context import Context, place
from podhawk.commands.declare import Columns, Command, Example, Kind, Pipeline, Wanted, Whole, always
from podhawk.commands.properties import Resources
from podhawk.commands.shared.legs import joined, pipeline_resources
from podhawk.commands.shared.parser import parse_search
from podhawk.commands.shared.template import Hole, Show, escaped, fill, holes, same_shape
from podhawk.errors import SearchError
from podhawk.functions.evaluate import compile_expression
from podhawk.lazy import lazy_pattern
from podhawk.rows import Row, Table, texts
from podhawk.rows.values import as_number
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import parse_expression
from podhawk.spl.macros import expand
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText, plain, quote

_MARK = lazy_pattern(r"\$([A-Za-z_][\w.{}:@/-]*)\$")
_PLAIN = lazy_pattern(r"(?!(?:AND|OR|NOT)\Z)[\w.:/@-]+\Z")
_JOINED = lazy_pattern(r"[\w*]")
DEFAULT = 10
SERIAL = "_serial_id"
"""`$_serial_id$` stands for the number of the run, from 1."""


class Map(Placed, frozen=True):
    search: str
    maxsearches: int = DEFAULT
    at: int = 0
    source: SearchText | None = None


def _parse(cursor: Cursor) -> Map:
    options: dict[str, str] = {}
    at = cursor.at
    while not cursor.done:
        options |= cursor.options(("search", "maxsearches"))
        if cursor.peek() == "[" and "search" not in options:
            start, end = cursor.bracketed()
            options["search"] = cursor.source.text[start:end].strip()
        elif not cursor.done:
            raise cursor.error(
                f"cannot run saved search {cursor.word()!r}: podhawk has no saved searches",
                at,
                remedy='Use map search="…".',
            )
    if not options.get("search", "").strip():
        raise cursor.error('expected search="…"', at)
    count = cursor.integer(options.get("maxsearches", str(DEFAULT)), "maxsearches", 1)
    return Map(options["search"], count, at, cursor.source)


def _names(node: Map) -> tuple[str, ...]:
    return tuple(dict.fromkeys(hole.name for hole in holes(node.search, _MARK)))


def _evaluator(context: Context) -> Callable[[str], object]:
    def evaluate(expression: str) -> object:
        source = plain(expression, "a macro's expression")
        cursor = Cursor(source, 0, len(expression))
        tree = parse_expression(cursor)
        cursor.finish()
        return compile_expression(tree, context.env, source)(Row())

    return evaluate


def _pipeline(node: Map, context: Context, show: Show) -> Pipeline:
    text = fill(node.search, _MARK, show)
    return parse_search(expand(text, context.macros, name="map", evaluate=_evaluator(context)))  # type: ignore[arg-type]


def _shown(value: str, hole: Hole, search: str) -> str:
    """A value in its place. Where an operand stands, text is quoted, for eval would take it for a field; a plain
    word stays bare where it may be a command's word, a field's name, or part of a longer word."""
    if hole.inside == '"':
        return escaped(value)
    if hole.inside == "'":
        return value.replace("'", "")
    operand = search[: hole.start].rstrip()[-1:] in tuple("=<>,(.+") and not _JOINED.match(search, hole.end)
    if as_number(value) is not None or (_PLAIN.match(value) and not operand):
        return value
    return quote(value)


def _sample(node: Map, context: Context) -> Pipeline:
    """The search with stand-ins: a number where a word cannot stand."""
    try:
        return _pipeline(node, context, lambda hole: "x")
    except SearchError as error:
        try:
            return _pipeline(node, context, lambda hole: "1")
        except SearchError:
            raise place(node.source, node.at, f"map: invalid search: {error.message}", error.remedy) from None


def _resources(node: Map) -> Resources:
    """The resources of the search, as far as it can be read without its macros and values."""
    try:
        text = fill(node.search, _MARK, lambda hole: "x")
        return pipeline_resources(parse_search(expand(text, {}, name="map", keep_unknown=True)))
    except SearchError:
        return Resources()


def _check(node: Map, context: Context) -> None:
    sample = _sample(node, context)
    for stage in sample.stages:
        if stage.command.refused:
            raise place(node.source, node.at, f"map: {stage.name} is not supported: {stage.command.refused}")
        if not _names(node) and stage.command.check is not None:
            stage.command.check(stage.node, context)


def _whole(node: Map, context: Context) -> Whole:
    names = tuple(name for name in _names(node) if name != SERIAL)
    sample = _sample(node, context)

    def search(row: Row, number: int) -> Pipeline | None:
        missing = [name for name in names if name not in row]
        if missing:
            context.warn("map-field", f"map: the search was not run for a row without field {missing[0]!r}")
            return None
        try:
            values = {SERIAL: str(number)} | {name: " ".join(texts(row[name])) for name in names}
            made = _pipeline(node, context, lambda hole: _shown(values[hole.name], hole, node.search))
        except SearchError as error:
            context.warn("map-search", f"map: the values of a row make the search invalid: {error.message}")
            return None
        if not same_shape(made, sample):
            context.warn("map-search", "map: the search was not run for a row whose values would change its commands")
            return None
        return made

    def result(pipeline: Pipeline) -> Table | None:
        try:
            return context.run(pipeline)
        except SearchError as error:
            if not names:
                raise
            context.warn("map-search", f"map: the search cannot run for a row: {error.message}")
            return None

    def whole(table: Table) -> Table:
        if len(table.rows) > node.maxsearches:
            context.warn(
                "map-maxsearches",
                f"map: only the first {node.maxsearches} of {len(table.rows)} rows are used "
                f"(maxsearches={node.maxsearches})",
            )
        rows: list[Row] = []
        columns: list[Columns] = []
        for number, row in enumerate(table.rows[: node.maxsearches], 1):
            pipeline = search(row, number)
            found = result(pipeline) if pipeline is not None else None
            if found is not None:
                rows += found.rows
                columns.append(found.columns)
        named = columns[0] if columns else None
        for more in columns[1:]:
            named = None if more is None else joined(named, more)
        return Table(rows, named)

    return whole


def _reads(node: Map, wanted: Wanted) -> Wanted:
    return frozenset(_names(node)) - {SERIAL}


MAP = Command(
    name="map",
    syntax='map search="<search with $field$>" [maxsearches=<n>]',
    doc="Runs a search once for each row and returns the rows of all runs, in order. `$field$` stands for the "
    "value of the row. At most `maxsearches` rows are used (default: 10); more rows give a warning. "
    "`$_serial_id$` is the number of the run, from 1. Values are escaped inside quotes, and quoted elsewhere "
    "unless they are plain words, so that a value cannot add a command.",
    examples=(
        Example(
            'verb=login | table user | map search="search verb=create user=$user$ | table user name"',
            ({"user": "a", "name": "x"},),
            (
                '{"verb":"login","user":"a"}',
                '{"verb":"create","user":"a","name":"x"}',
                '{"verb":"create","user":"b","name":"y"}',
            ),
        ),
        Example(
            '| makeresults | eval who="a b" | map search="| makeresults | eval who=$who$ | table who"',
            ({"who": "a b"},),
        ),
    ),
    parse=_parse,
    render=lambda node: (
        f"search={quote(node.search)}" + (f" maxsearches={node.maxsearches}" if node.maxsearches != DEFAULT else "")
    ),
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=lambda node, columns: None,
    whole=_whole,
    check=_check,
    resources=_resources,
    templates=lambda node, context: (_sample(node, context),),
    # No effect is declared: the search is known only at run time, and it may read the input again.
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/map",
)
