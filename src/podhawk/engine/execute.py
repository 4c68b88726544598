"""Stages over a table that is already in memory: what follows the map side, and every subsearch's rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from podhawk.commands.context import Context, renumber
from podhawk.commands.declare import Columns, Kind, Pipeline, Stage, Stream
from podhawk.rows import Row, Table


def run_stages(stages: Sequence[Stage], table: Table, context: Context) -> Table:
    """The table after the stages, one after the other."""
    for stage in stages:
        table = run_stage(stage, table, context)
    return table


def run_stage(stage: Stage, table: Table, context: Context) -> Table:
    """The table after one stage."""
    command = stage.command
    context.source = stage.source
    if stage.kind is Kind.GENERATING:
        assert command.generate is not None
        return command.generate(stage.node, context)
    if stage.kind is Kind.PER_EVENT:
        assert command.stream is not None
        rows = list(command.stream(stage.node, context)(table.rows))
        return Table(rows, command.columns(stage.node, table.columns))
    if stage.kind is Kind.MERGEABLE:
        assert command.merge is not None
        renumber(table.rows)
        run = command.merge(stage.node, context)
        state = run.start()
        run.add(state, table.rows)
        made = run.finish(state)
        if made.columns is None:
            made.columns = command.columns(stage.node, table.columns)
        return made
    assert command.whole is not None
    return command.whole(stage.node, context)(table)


def chain(stages: Sequence[Stage], context: Context) -> Stream:
    """Per-event stages as one function of rows to rows."""
    streams: list[Stream] = []
    for stage in stages:
        assert stage.command.stream is not None, stage.name
        context.source = stage.source
        streams.append(stage.command.stream(stage.node, context))

    def stream(rows: Iterable[Row]) -> Iterable[Row]:
        for one in streams:
            rows = one(rows)
        return rows

    return stream  # type: ignore[return-value]


def columns_after(stages: Sequence[Stage], columns: Columns) -> Columns:
    """The named columns after per-event stages."""
    for stage in stages:
        columns = stage.command.columns(stage.node, columns)
    return columns


def run_pipeline(pipeline: Pipeline, rows: Iterable[Row], context: Context) -> Table:
    """A whole pipeline over rows in memory, in their order (generating pipelines take none)."""
    return run_stages(pipeline.stages, Table(list(rows)), context)
