"""The pipelines that a command holds: running them, looking for their faults, and joining their columns.

A *leg* runs over the input of the search (`append`, `join`, `union`); an *inner* pipeline runs over the
rows at hand (`appendpipe`, `foreach`). The runner plans legs itself; an inner pipeline belongs to its
command, which must look through it before the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from podhawk.commands.context import Context, place
from podhawk.commands.declare import Columns, Pipeline, Stage
from podhawk.commands.properties import Effect, Resources
from podhawk.functions.declare import Volatility
from podhawk.rows import Table
from podhawk.spl.clause import Subsearch
from podhawk.spl.expression import Embedded
from podhawk.spl.text import SearchText

LIMIT = 50_000
"""Rows that a leg may bring. Source: the maxout and subsearch_maxout settings of limits.conf."""


_INNER: Final = (Subsearch, Embedded)
_APART: Final = (Pipeline, SearchText)


def run_leg(pipeline: Pipeline, context: Context, what: str, limit: int = LIMIT) -> Table:
    """The rows of a leg, cut at the limit (0: none) with a warning."""
    table = context.run(pipeline)
    if not limit or len(table.rows) <= limit:
        return table
    context.warn(
        "subsearch-limit", f"{what}: the subsearch returned {len(table.rows)} rows; only the first {limit} are used"
    )
    return Table(table.rows[:limit], table.columns)


def subsearches_in(value: Any) -> Iterator[Subsearch | Embedded]:
    """The subsearches that stand in clauses and expressions of a node, in the order of the text. Those inside another
    pipeline belong to that. A chain of thousands of terms is as deep as it is long, so nothing here is recursive."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, _INNER):
            yield one
        elif isinstance(one, tuple):
            waiting.extend(reversed(one))
        elif isinstance(one, Struct) and not isinstance(one, _APART):
            members = (getattr(one, name) for name in reversed(one.__struct_fields__))
            waiting.extend(member for member in members if member.__class__ is not str)


def subsearches_of(stage: Stage) -> tuple[Subsearch | Embedded, ...]:
    """The same for the node of a stage, looked for once. A subsearch begins with a bracket."""
    if stage.source is not None and "[" not in stage.source.text:
        return ()
    found: tuple[Subsearch | Embedded, ...] | None = stage.memo.get("subsearches")
    if found is None:
        found = stage.memo["subsearches"] = tuple(subsearches_in(stage.node))
    return found


def examine(pipeline: Pipeline, context: Context, what: str) -> None:
    """Look for faults in a pipeline that runs over rows at hand. Raises SearchError at the first."""
    for stage in pipeline.stages:
        if stage.command.refused:
            raise place(stage.source, stage.at, f"{stage.name} is not supported: {stage.command.refused}")
        if subsearches_of(stage):
            raise place(
                stage.source,
                stage.at,
                f"a clause or an expression inside {what} cannot contain a subsearch",
                "Run the subsearch first, or use join or append.",
            )
        if stage.command.check is not None:
            stage.command.check(stage.node, context)


def inner_legs(pipeline: Pipeline) -> tuple[Pipeline, ...]:
    """The legs of an inner pipeline's stages: they read the input, although the pipeline does not."""
    return tuple(leg for stage in pipeline.stages for leg in stage.command.legs(stage.node))


def pipeline_columns(pipeline: Pipeline, columns: Columns = None) -> Columns:
    """The named columns that a pipeline leaves."""
    for stage in pipeline.stages:
        columns = stage.command.columns(stage.node, columns)
    return columns


def pipeline_volatility(pipeline: Pipeline) -> Volatility:
    """The volatility of a pipeline."""
    return max((stage.command.volatility(stage.node) for stage in pipeline.stages), default=Volatility.IMMUTABLE)


def inner_effect(pipeline: Pipeline) -> Effect:
    """The effect of a command that runs an inner pipeline over its rows: unknown if that may read the input again."""
    again = any(stage.effect is Effect.UNKNOWN or stage.command.legs(stage.node) for stage in pipeline.stages)
    return Effect.UNKNOWN if again else Effect.REBUILDS


def pipeline_resources(pipeline: Pipeline) -> Resources:
    """What the stages of a pipeline and their legs use besides their rows."""
    found = Resources()
    for stage in pipeline.stages:
        found |= stage.command.resources(stage.node)
        for leg in stage.command.legs(stage.node):
            found |= pipeline_resources(leg)
    return found


def joined(first: Columns, second: Columns) -> Columns:
    """The columns of two results as one; open fields stay open."""
    return None if first is None else tuple(dict.fromkeys((*first, *(second or ()))))
