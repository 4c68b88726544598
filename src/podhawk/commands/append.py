"""append: add the rows of a subsearch after the others."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Command, Example, Kind, Pipeline, Whole, always
from podhawk.commands.properties import Effect, effect
from podhawk.commands.shared.legs import LIMIT, joined, pipeline_columns, pipeline_volatility, run_leg
from podhawk.commands.shared.parser import parse_bracketed, render_bracketed
from podhawk.rows import Table
from podhawk.spl.cursor import Cursor

OPTIONS = ("extendtimerange", "maxtime", "maxout", "timeout")
"""Times limit nothing here: a subsearch runs to its end over the input of the search."""


class Append(Struct, frozen=True):
    pipeline: Pipeline
    maxout: int = LIMIT


def subsearch_options(cursor: Cursor, options: dict[str, str]) -> int:
    """Look through the options that append and its kin share; the limit of rows."""
    for name in ("maxtime", "timeout"):
        cursor.integer(options.get(name, "0"), name)
    cursor.boolean(options.get("extendtimerange", "f"), "extendtimerange")
    return cursor.integer(options.get("maxout", str(LIMIT)), "maxout")


def expect_subsearch(cursor: Cursor, known: tuple[str, ...] = OPTIONS, example: str = "[search verb=get]") -> None:
    """Look, before options are read, whether a search without brackets follows, as in `append verb=get`."""
    name = cursor.next_option()
    if "[" not in cursor.rest and name is not None and name not in known:
        cursor.fail("expected a subsearch in square brackets", f"For example: {example}.")


def _parse(cursor: Cursor) -> Append:
    expect_subsearch(cursor)
    options = cursor.options(OPTIONS)
    pipeline = parse_bracketed(cursor)
    options |= cursor.options(OPTIONS)
    cursor.finish()
    return Append(pipeline, subsearch_options(cursor, options))


def _columns(node: Append, columns: Columns) -> Columns:
    return joined(columns, pipeline_columns(node.pipeline))


def _whole(node: Append, context: Context) -> Whole:
    def whole(table: Table) -> Table:
        added = run_leg(node.pipeline, context, "append", node.maxout)
        return Table([*table.rows, *added.rows], joined(table.columns, added.columns))

    return whole


APPEND = Command(
    name="append",
    syntax="append [maxout=<n>] [extendtimerange=<bool>] [maxtime=<n>] [timeout=<n>] [ <subsearch> ]",
    doc="Runs a subsearch over the same input and appends its rows, at most `maxout` (default: "
    "50,000; 0: no limit). Time limits are accepted and ignored.",
    examples=(
        Example(
            '| makeresults | eval n="1" | append [ | makeresults | eval n="2" ] | table n', ({"n": "1"}, {"n": "2"})
        ),
        Example(
            "verb=get | stats count | append [ search verb=list | stats count ]",
            ({"count": "1"}, {"count": "2"}),
            ('{"verb":"get"}', '{"verb":"list"}', '{"verb":"list"}'),
        ),
    ),
    parse=_parse,
    render=lambda node: (f"maxout={node.maxout} " if node.maxout != LIMIT else "") + render_bracketed(node.pipeline),
    kind=always(Kind.WHOLE),
    reads=lambda node, wanted: wanted,
    columns=_columns,
    whole=_whole,
    legs=lambda node: (node.pipeline,),
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: pipeline_volatility(node.pipeline),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/append",
)
