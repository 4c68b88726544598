"""appendcols: put the fields of a subsearch's rows beside the rows, first to first."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.append import OPTIONS, expect_subsearch, subsearch_options
from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Pipeline, Whole, always
from podhawk.commands.properties import Effect, effect
from podhawk.commands.shared.legs import LIMIT, joined, pipeline_columns, pipeline_volatility, run_leg
from podhawk.commands.shared.parser import parse_bracketed, render_bracketed
from podhawk.rows import Row, Table
from podhawk.spl.cursor import Cursor

_OPTIONS = ("override", *OPTIONS)


class AppendCols(Struct, frozen=True):
    pipeline: Pipeline
    override: bool = False
    maxout: int = LIMIT


def _parse(cursor: Cursor) -> AppendCols:
    expect_subsearch(cursor, _OPTIONS)
    options = cursor.options(_OPTIONS)
    pipeline = parse_bracketed(cursor)
    options |= cursor.options(_OPTIONS)
    cursor.finish()
    return AppendCols(
        pipeline, cursor.boolean(options.get("override", "f"), "override"), subsearch_options(cursor, options)
    )


def _render(node: AppendCols) -> str:
    parts = ["override=true"] if node.override else []
    if node.maxout != LIMIT:
        parts.append(f"maxout={node.maxout}")
    return " ".join((*parts, render_bracketed(node.pipeline)))


def _outer(columns: Columns) -> Columns:
    return None if columns is None else tuple(name for name in columns if not name.startswith("_"))


def _columns(node: AppendCols, columns: Columns) -> Columns:
    return joined(columns, _outer(pipeline_columns(node.pipeline)))


def _beside(row: Row, added: Row, override: bool) -> Row:
    for name, value in added.items():
        if not name.startswith("_") and (override or name not in row):
            row[name] = value
    return row


def _whole(node: AppendCols, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        added = run_leg(node.pipeline, context, "appendcols", node.maxout)
        rows = [row.copy() for row in table.rows]
        # A subsearch that gives more rows than there are makes rows of its own.
        rows += [Row((), row.order) for row in added.rows[len(rows) :]]
        for row, other in zip(rows, added.rows, strict=False):
            _beside(row, other, node.override)
        return Table(rows, joined(table.columns, _outer(added.columns)))

    return whole


APPENDCOLS = Command(
    name="appendcols",
    syntax="appendcols [override=<bool>] [maxout=<n>] [maxtime=<n>] [timeout=<n>] [ <subsearch> ]",
    doc="Runs a subsearch over the same input. Adds the fields of its first row to the first row, "
    "those of its second row to the second row, and so on, except internal fields such as "
    "`_time`. Existing fields are kept unless `override=true`.",
    examples=(
        Example(
            "verb=get | stats count as gets | appendcols [ search verb=list | stats count as lists ]",
            ({"gets": "1", "lists": "2"},),
            ('{"verb":"get"}', '{"verb":"list"}', '{"verb":"list"}'),
        ),
        Example(
            '| makeresults | eval a="1" | appendcols override=t [ | makeresults | eval a="2" ] | table a', ({"a": "2"},)
        ),
    ),
    parse=_parse,
    render=_render,
    kind=always(Kind.WHOLE),
    reads=lambda node, wanted: wanted,
    columns=_columns,
    whole=_whole,
    legs=lambda node: (node.pipeline,),
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: pipeline_volatility(node.pipeline),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/appendcols",
)
