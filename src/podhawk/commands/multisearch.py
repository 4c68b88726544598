"""multisearch: several streaming searches at once, their events in order of time."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Command, Example, Kind, Pipeline, always
from podhawk.commands.properties import Effect, effect
from podhawk.commands.shared.legs import pipeline_volatility, run_leg
from podhawk.commands.shared.parser import parse_bracketed, render_bracketed
from podhawk.rows import Table
from podhawk.spl.cursor import Cursor


class MultiSearch(Struct, frozen=True):
    pipelines: tuple[Pipeline, ...]


def _parse(cursor: Cursor) -> MultiSearch:
    pipelines: list[Pipeline] = []
    start = cursor.at
    while not cursor.done:
        pipeline = parse_bracketed(cursor)
        for stage in pipeline.stages:
            if stage.kind is not Kind.PER_EVENT and not stage.command.refused:
                raise cursor.source.error(
                    f"multisearch takes only streaming searches, and {stage.name} is not a streaming command",
                    stage.at,
                    len(stage.name),
                    "Use union or append.",
                )
        pipelines.append(pipeline)
        cursor.commas()
    if len(pipelines) < 2:
        raise cursor.error("expected at least two searches in square brackets", start)
    return MultiSearch(tuple(pipelines))


def _generate(node: MultiSearch, context: Context) -> Table:
    rows = [row for pipeline in node.pipelines for row in run_leg(pipeline, context, "multisearch", 0).rows]
    return Table(sorted(rows, key=lambda row: row.order), None)


MULTISEARCH = Command(
    name="multisearch",
    syntax="multisearch [ <search> ] [ <search> ] …",
    doc="Runs two or more searches over the same input and returns all their events, newest first. "
    "The searches may use only streaming commands, such as search, where, eval, rex, rename and "
    "fields.",
    examples=(
        Example(
            '| multisearch [ search verb=get | eval kind="read" ] [ search verb=create | eval kind="write" ] '
            "| table verb kind",
            ({"verb": "create", "kind": "write"}, {"verb": "get", "kind": "read"}),
            ('{"_time":2,"verb":"create"}', '{"_time":1,"verb":"get"}'),
        ),
        Example(
            "| multisearch [ search a=1 ] [ search b=* ] | stats count",
            ({"count": "2"},),
            ('{"a":1}', '{"b":2}', '{"c":3}'),
        ),
    ),
    parse=_parse,
    render=lambda node: " ".join(map(render_bracketed, node.pipelines)),
    kind=always(Kind.GENERATING),
    reads=lambda node, wanted: frozenset(),
    columns=lambda node, columns: None,
    generate=_generate,
    legs=lambda node: node.pipelines,
    effect=effect(Effect.REBUILDS),
    volatility=lambda node: max(map(pipeline_volatility, node.pipelines)),
    source="https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/multisearch",
)
