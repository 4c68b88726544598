"""All pipelines of a search: itself, and those that its commands hold at any depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from podhawk.commands import foreach as foreach_command
from podhawk.commands import map as map_command
from podhawk.commands.appendpipe import AppendPipe
from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.search import Search
from podhawk.spl.clause import Subsearch, walk
from podhawk.spl.placed import Placed


def subsearches(pipeline: Pipeline) -> Iterator[Pipeline]:
    """The subsearches in the clauses of a pipeline's own stages."""
    for stage in pipeline.stages:
        if isinstance(stage.node, Search):
            for part in walk(stage.node.clause):
                if isinstance(part, Subsearch):
                    yield part.pipeline


def reading_pipelines(pipeline: Pipeline) -> Iterator[Pipeline]:
    """The pipeline, its subsearches and its legs, at any depth: all that may read the input of the search."""
    yield pipeline
    for inner in subsearches(pipeline):
        yield from reading_pipelines(inner)
    for stage in pipeline.stages:
        for leg in stage.command.legs(stage.node):
            yield from reading_pipelines(leg)


def every_pipeline(pipeline: Pipeline, context: Context) -> Iterator[Pipeline]:
    """The pipeline and every pipeline inside it, also those that run over rows at hand or are made for each row.

    Raises SearchError for a template that cannot be read.
    """
    yield pipeline
    for inner in subsearches(pipeline):
        yield from every_pipeline(inner, context)
    for stage in pipeline.stages:
        for held in _templates(stage, context) or stage.command.legs(stage.node):
            yield from every_pipeline(held, context)


def _templates(stage: Stage, context: Context) -> tuple[Pipeline, ...]:
    """The pipelines of a stage that are no legs, but may hold some. Placeholders are filled with samples."""
    match stage.node:
        case AppendPipe(inner=inner):
            return (inner,)
        case foreach_command.Foreach():
            return (foreach_command.sample_of(stage.node),)
        case map_command.Map():
            return (map_command.sample_of(stage.node, context),)
        case _:
            return ()


def parts_of(node: Any) -> Iterator[Struct]:
    """The node of a command and the trees inside it (clauses, expressions, datasets), but no pipelines."""
    if isinstance(node, Pipeline):
        return
    if isinstance(node, Struct):
        yield node
        skipped = node.UNSAID if isinstance(node, Placed) else frozenset()
        for name in node.__struct_fields__:
            if name not in skipped:
                yield from parts_of(getattr(node, name))
    elif isinstance(node, tuple):
        for item in node:
            yield from parts_of(item)
