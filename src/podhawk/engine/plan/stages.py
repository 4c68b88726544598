"""Stages over a table in memory: those behind the map side, and those of subsearches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial

from podhawk.commands.context import Context, renumber
from podhawk.commands.declare import Columns, Kind, Pipeline, Stage, Stream, Whole
from podhawk.rows import Row, Table


def run_stages(stages: Sequence[Stage], table: Table, context: Context) -> Table:
    """The table after the stages, one after the other."""
    for stage in stages:
        table = run_stage(stage, table, context)
    return table


def run_stage(stage: Stage, table: Table, context: Context) -> Table:
    """The table after one stage."""
    return compile_stage(stage, context)(table)


def compile_stages(stages: Sequence[Stage], context: Context) -> Whole:
    """Stages as one function of tables, to be run many times."""
    compiled = [compile_stage(stage, context) for stage in stages]

    def run(table: Table) -> Table:
        for one in compiled:
            table = one(table)
        return table

    return run


def compile_stage(stage: Stage, context: Context) -> Whole:
    """One stage as a function of tables."""
    command, node = stage.command, stage.node
    context.source = stage.source
    if stage.kind is Kind.GENERATING:
        generate = command.generate
        assert generate is not None
        return lambda table: generate(node, context)
    if stage.kind is Kind.PER_EVENT:
        assert command.stream is not None
        stream = command.stream(node, context)
        columns = lru_cache(maxsize=8)(partial(command.columns, node))
        return lambda table: Table(list(stream(table.rows)), columns(table.columns))
    if stage.kind is Kind.MERGEABLE:
        assert command.merge is not None
        reducer = command.merge(node, context)

        def reduce(table: Table) -> Table:
            renumber(table.rows)
            state = reducer.start()
            reducer.add(state, table.rows)
            made = reducer.finish(state)
            if made.columns is None:
                made.columns = command.columns(node, table.columns)
            return made

        return reduce
    assert command.whole is not None
    return command.whole(node, context)


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
