"""What keeps a search from running here, told before it runs."""

from __future__ import annotations

from collections.abc import Iterator

from podhawk.commands.declare import Pipeline
from podhawk.commands.parse import parse_search
from podhawk.spl.macros import MacroTable, expand


def every_stage(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """The names and refusals of all commands of a pipeline and its legs."""
    for stage in pipeline.stages:
        yield stage.name, stage.command.refused
        for leg in stage.command.legs(stage.node):
            yield from every_stage(leg)


def refusal(text: str, macros: MacroTable, name: str = "search") -> str:
    """Why a search is not supported ("mstats: it reads a metrics store"), or nothing.

    Macros that are not defined are left alone here: that a command is not supported is the better answer.
    """
    return refused_in(parse_search(expand(text, macros, keep_unknown=True, name=name)))


def refused_in(pipeline: Pipeline) -> str:
    """Why a pipeline is not supported, or nothing."""
    return next((f"{name} is not supported: {reason}" for name, reason in every_stage(pipeline) if reason), "")


def needs_geo(pipeline: Pipeline) -> bool:
    """Whether a search asks where addresses are."""
    return any(name == "iplocation" for name, _ in every_stage(pipeline))
