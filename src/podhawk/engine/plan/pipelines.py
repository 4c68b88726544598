"""All pipelines of a search: itself, and those that its commands hold at any depth."""

from __future__ import annotations

from collections.abc import Iterator

from podhawk.commands.declare import Context, Pipeline
from podhawk.commands.shared.legs import subsearches_of


def subsearches(pipeline: Pipeline) -> Iterator[Pipeline]:
    """The subsearches in the clauses and expressions of a pipeline's own stages."""
    for stage in pipeline.stages:
        for part in subsearches_of(stage):
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
        for held in stage.command.templates(stage.node, context) or stage.command.legs(stage.node):
            yield from every_pipeline(held, context)
