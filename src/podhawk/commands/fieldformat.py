"""fieldformat: how a field is shown, without changing its value.

Rows keep their values; whoever draws a table asks `displays` for the formats of a pipeline and shows what
they give. Exports hold the values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Pipeline, Stream, Wanted, always, needs, same_columns
from podhawk.commands.eval import target
from podhawk.commands.properties import Effect, effect, immutable, same
from podhawk.commands.shared.names import shown
from podhawk.commands.where import void
from podhawk.functions.evaluate import compile_value, patterns
from podhawk.rows import Row, Value
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Expression, fields, parse_expression, render
from podhawk.spl.placed import Placed
from podhawk.spl.text import SearchText

Display = Callable[[Row], Value | None]
"""What to show of a field for a row; None leaves the cell empty."""


class FieldFormat(Placed, frozen=True):
    name: str
    expression: Expression
    source: SearchText


def _parse(cursor: Cursor) -> FieldFormat:
    name = target(cursor)
    node = FieldFormat(name, parse_expression(cursor), cursor.source)
    cursor.finish()
    return node


def _reads(node: FieldFormat, wanted: Wanted) -> Wanted:
    return needs(wanted, *fields(node.expression))


def _stream(node: FieldFormat, context: Context) -> Stream:
    def stream(rows: Iterable[Row]) -> Iterator[Row]:
        yield from rows

    return stream


def display(node: FieldFormat, context: Context) -> Display:
    """The function that gives the text to show. Raises SearchError where the expression is wrong."""
    evaluate = compile_value(node.expression, context.env, node.source)

    def show(row: Row) -> Value | None:
        value = evaluate(row)
        return str(value) if isinstance(value, bool) else value

    return show


def displays(pipeline: Pipeline, context: Context) -> dict[str, Display]:
    """The formats of a pipeline's result by field; of several for one field the last counts."""
    return {
        stage.node.name: display(stage.node, context)
        for stage in pipeline.stages
        if isinstance(stage.node, FieldFormat)
    }


FIELDFORMAT = Command(
    name="fieldformat",
    syntax="fieldformat <field>=<eval-expression>",
    doc="Displays a field as the result of an eval expression, in tables only. Later commands and "
    "exports see the original value.",
    examples=(
        Example('* | fieldformat size=tostring(size,"commas") | table size', ({"size": "12345"},), ('{"size":12345}',)),
    ),
    parse=_parse,
    render=lambda node: f"{shown(node.name)}={render(node.expression)}",
    kind=always(Kind.PER_EVENT),
    reads=_reads,
    columns=same_columns,
    stream=_stream,
    check=lambda node, context: void(display(node, context)),
    made=same,
    effect=effect(Effect.KEEPS),
    volatility=immutable,
    patterns=lambda node: tuple(patterns(node.expression)),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/fieldformat",
)
