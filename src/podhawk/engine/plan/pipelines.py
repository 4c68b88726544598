"""All pipelines of a search: itself, the legs that its commands run, and the subsearches in its clauses."""

from __future__ import annotations

from collections.abc import Iterator

from podhawk.commands.declare import Pipeline
from podhawk.commands.search import Search
from podhawk.spl.clause import Subsearch, walk


def subsearches(pipeline: Pipeline) -> Iterator[Pipeline]:
    """The subsearches in the clauses of a pipeline's own stages."""
    for stage in pipeline.stages:
        if isinstance(stage.node, Search):
            for part in walk(stage.node.clause):
                if isinstance(part, Subsearch):
                    yield part.pipeline


def every_pipeline(pipeline: Pipeline) -> Iterator[Pipeline]:
    """The pipeline and every pipeline inside it, at any depth."""
    yield pipeline
    for inner in subsearches(pipeline):
        yield from every_pipeline(inner)
    for stage in pipeline.stages:
        for leg in stage.command.legs(stage.node):
            yield from every_pipeline(leg)
