"""appendpipe: run commands over a copy of the rows, and add what they give."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Pipeline, Wanted, Whole, always
from podhawk.commands.shared.legs import (
    examine,
    inner_effect,
    inner_legs,
    joined,
    pipeline_columns,
    pipeline_resources,
    pipeline_volatility,
)
from podhawk.commands.shared.parser import parse_bracketed, render_bracketed
from podhawk.rows import Table
from podhawk.spl.cursor import Cursor


class AppendPipe(Struct, frozen=True):
    inner: Pipeline


def _parse(cursor: Cursor) -> AppendPipe:
    options = cursor.options(("run_in_preview",))
    inner = parse_bracketed(cursor, continues=True)
    options |= cursor.options(("run_in_preview",))
    cursor.finish()
    cursor.boolean(options.get("run_in_preview", "t"), "run_in_preview")
    return AppendPipe(inner)


def _reads(node: AppendPipe, wanted: Wanted) -> Wanted:
    needed = wanted
    for stage in reversed(node.inner.stages):
        needed = stage.command.reads(stage.node, needed)
    return None if wanted is None or needed is None else wanted | needed


def _columns(node: AppendPipe, columns: Columns) -> Columns:
    return joined(columns, pipeline_columns(node.inner, columns))


def _whole(node: AppendPipe, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        copies = [row.copy() for row in table.rows]
        added = context.run_stages(node.inner.stages, Table(copies, table.columns))
        return Table([*table.rows, *added.rows], joined(table.columns, added.columns))

    return whole


APPENDPIPE = Command(
    name="appendpipe",
    syntax="appendpipe [run_in_preview=<bool>] [ <commands> ]",
    doc="Runs the commands in brackets over a copy of the rows and appends the result, for example "
    "subtotals, or a row that reports an empty result. `run_in_preview` is accepted and ignored, "
    "because podhawk has no previews.",
    examples=(
        Example(
            '* | stats count by user | appendpipe [ stats sum(count) as count | eval user="all" ]',
            ({"user": "a", "count": "2"}, {"user": "b", "count": "1"}, {"user": "all", "count": "3"}),
            ('{"user":"a"}', '{"user":"a"}', '{"user":"b"}'),
        ),
        Example(
            'verb=none | table verb | appendpipe [ stats count | where count=0 | eval verb="nothing" ]',
            ({"verb": "nothing", "count": "0"},),
            ('{"verb":"get"}',),
        ),
    ),
    parse=_parse,
    render=lambda node: render_bracketed(node.inner),
    kind=always(Kind.WHOLE),
    reads=_reads,
    columns=_columns,
    whole=_whole,
    check=lambda node, context: examine(node.inner, context, "appendpipe"),
    legs=lambda node: inner_legs(node.inner),
    templates=lambda node, context: (node.inner,),
    effect=lambda node: inner_effect(node.inner),
    volatility=lambda node: pipeline_volatility(node.inner),
    resources=lambda node: pipeline_resources(node.inner),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/appendpipe",
)
