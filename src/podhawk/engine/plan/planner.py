"""From a parsed search to a plan: what is refused, what is rewritten, and where the map side ends.

A plan is a tree: the pipeline, and the pipelines of its legs and subsearches, each planned alike. The
map side is every per-event stage up to the first stage that is not; if that one is mergeable it ends
the map side with a state, else the rows themselves are the state. Passes are plain functions in an
ordered tuple: each takes a pipeline and gives one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Kind, Pipeline, Stage, Wanted
from podhawk.commands.parse import parse_search
from podhawk.commands.properties import Effect, NextGrouping, SearchRange
from podhawk.commands.search import Search
from podhawk.errors import SearchError
from podhawk.events.event import METADATA
from podhawk.functions.declare import Env
from podhawk.functions.evaluate import compile_expression
from podhawk.functions.predicates import bound, with_latest
from podhawk.rows import Row
from podhawk.spl.clause import EVERYTHING, And, Clause, Subsearch, TimeBound, walk
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import parse_expression
from podhawk.spl.macros import MacroTable, expand
from podhawk.spl.text import SearchText, plain


class Plan(Struct, frozen=True):
    """A pipeline cut where its rows must come together.

    `wanted` are the fields that the events must give (None: all of them); `base` is the clause that
    every event must match first.
    """

    pipeline: Pipeline
    mapped: tuple[Stage, ...]
    reducer: Stage | None
    rest: tuple[Stage, ...]
    wanted: Wanted
    base: Clause

    @property
    def name(self) -> str:
        """What the search is called in a profile."""
        return (self.pipeline.source.name or "search").removesuffix(": search").rpartition("/")[2]


def read_search(text: str, macros: MacroTable, name: str = "search", env: Env | None = None) -> Pipeline:
    """The pipeline of a search's text: comments, macros, commands. Raises SearchError."""
    return parse_search(expand_search(text, macros, name, env))


def expand_search(
    text: str,
    macros: MacroTable,
    name: str = "search",
    env: Env | None = None,
    *,
    keep_unknown: bool = False,
    evaluated: list[str] | None = None,
) -> SearchText:
    """The text of a search with its macros expanded.

    `evaluated` gathers the expressions of macros that are eval expressions: such a search may differ each time it is
    read. `keep_unknown` leaves calls of undefined macros as written. Raises SearchError.
    """
    own = env if env is not None else Env()

    def evaluate(expression: str) -> object:
        if evaluated is not None:
            evaluated.append(expression)
        source = plain(expression, f"{name}, a macro's expression")
        cursor = Cursor(source, 0, len(expression))
        tree = parse_expression(cursor)
        cursor.finish()
        return compile_expression(tree, own, source)(Row())

    return expand(
        text,
        macros,
        name=name,
        keep_unknown=keep_unknown,
        keep_quotes="macro-keeps-quotes" in own.switches,
        evaluate=evaluate,
    )


def refuse(pipeline: Pipeline, context: Context) -> Pipeline:
    """Refuse commands that podhawk does not run, by name and position."""
    for stage in pipeline.stages:
        if stage.command.refused:
            message = f"{stage.name} is not supported: {stage.command.refused}"
            raise stage.source.error(message, stage.at, len(stage.name)) if stage.source else SearchError(message)
    return pipeline


def check(pipeline: Pipeline, context: Context) -> Pipeline:
    """Let each command look for faults in its own expressions, patterns and names."""
    for stage in pipeline.stages:
        if stage.command.check is not None:
            context.source = stage.source
            stage.command.check(stage.node, context)
    return pipeline


def tell_grouping(pipeline: Pipeline, context: Context) -> Pipeline:
    """Tell commands that ask for it (`fillnull`) which fields the next grouping needs (not with --splunk-exact)."""
    if context.exact:
        return pipeline
    stages = [
        replace(stage, node=stage.command.told(stage.node, _next_grouping(pipeline.stages[number:])))
        if stage.command.told is not None
        else stage
        for number, stage in enumerate(pipeline.stages, 1)
    ]
    return Pipeline(tuple(stages), pipeline.source)


def tell_range(pipeline: Pipeline, context: Context) -> Pipeline:
    """Tell commands that ask for it (`timechart`, `addinfo`) the time range of the search."""
    if all(stage.command.ranged is None for stage in pipeline.stages):
        return pipeline
    within = search_range(pipeline, context)
    stages = [
        replace(stage, node=stage.command.ranged(stage.node, within)) if stage.command.ranged is not None else stage
        for stage in pipeline.stages
    ]
    return Pipeline(tuple(stages), pipeline.source)


def search_range(pipeline: Pipeline, context: Context) -> SearchRange:
    """The time range of a search: what its first clause demands of every event, inside the range of the run."""
    first = pipeline.stages[0].node if pipeline.stages else None
    clause = with_latest(first.clause) if isinstance(first, Search) else EVERYTHING
    earliest = [context.within.earliest] if context.within.earliest is not None else []
    latest = [context.within.latest] if context.within.latest is not None else []
    for part in _all_conjuncts(clause):
        if isinstance(part, TimeBound):
            side, moment = bound(part, context.env)
            (earliest if side == "earliest" else latest).append(moment)
    return SearchRange(max(earliest, default=None), min(latest, default=None))


def _all_conjuncts(clause: Clause) -> Iterator[Clause]:
    """What every event must satisfy, conjunctions inside conjunctions included."""
    if isinstance(clause, And):
        for part in clause.parts:
            yield from _all_conjuncts(part)
    else:
        yield clause


def _next_grouping(later: Sequence[Stage]) -> NextGrouping:
    following = next((stage for stage in later if aggregates(stage)), None)
    if following is None:
        return NextGrouping((), False)
    names = grouped_by(following)
    read = following.command.reads(following.node, None) if following is later[0] else None
    return NextGrouping(names, read is not None and read <= set(names))


def join_searches(pipeline: Pipeline, context: Context) -> Pipeline:
    """A search straight after the first one narrows that: the scan can use what both of them want."""
    stages = pipeline.stages
    while len(stages) > 1 and isinstance(stages[0].node, Search) and _narrows(stages[1]):
        parts = [part for stage in stages[:2] for part in _conjuncts(stage.node.clause)]
        joined = replace(stages[0], node=Search(And(tuple(parts)) if len(parts) > 1 else parts[0]))
        stages = (joined, *stages[2:])
    return Pipeline(stages, pipeline.source)


def _narrows(stage: Stage) -> bool:
    """Whether a search says nothing about time or about which view of an event it wants, as only the first one may."""
    return isinstance(stage.node, Search) and not any(
        isinstance(part, TimeBound | Subsearch) or getattr(part, "name", "") in METADATA
        for part in walk(stage.node.clause)
    )


def _conjuncts(clause: Clause) -> tuple[Clause, ...]:
    return clause.parts if isinstance(clause, And) else (clause,)


def grouped_by(stage: Stage) -> tuple[str, ...]:
    """The fields by which a stage groups rows, without internal ones (`_time`)."""
    return tuple(name for name in dict.fromkeys(stage.groups or ()) if not name.startswith("_"))


def aggregates(stage: Stage) -> bool:
    """Whether a stage computes results for groups of rows. A row that lacks one of the fields is in no group."""
    return stage.groups is not None and stage.effect is not Effect.LIMITS


def gives_groups(stage: Stage) -> bool:
    """Whether each row after a stage stands for a group of rows. A row that lacks one of the fields is dropped."""
    return aggregates(stage) and stage.effect is not Effect.KEEPS


def expect_lookups(pipeline: Pipeline, context: Context) -> Pipeline:
    """Let the tables that a search writes exist, so that it may read them first."""
    for stage in pipeline.stages:
        for name in stage.command.resources(stage.node).written:
            context.lookups.expect(name)
    return pipeline


PASSES: tuple[Callable[[Pipeline, Context], Pipeline], ...] = (
    refuse,
    expect_lookups,
    check,
    tell_grouping,
    tell_range,
    join_searches,
)


def wanted_fields(stages: tuple[Stage, ...]) -> Wanted:
    """The fields that the first stage's input must have, worked out from the end. None: any field."""
    wanted: Wanted = None
    for stage in reversed(stages):
        wanted = stage.command.reads(stage.node, wanted)
    return wanted


def make_plan(pipeline: Pipeline, context: Context) -> Plan:
    """The plan of a pipeline. Raises SearchError for whatever cannot run."""
    for one in PASSES:
        pipeline = one(pipeline, context)
    stages = pipeline.stages
    cut = next((number for number, stage in enumerate(stages) if stage.kind is not Kind.PER_EVENT), len(stages))
    reducer = stages[cut] if cut < len(stages) and stages[cut].kind is Kind.MERGEABLE else None
    rest = stages[cut + 1 :] if reducer is not None else stages[cut:]
    first = stages[0].node if stages else None
    base = first.clause if isinstance(first, Search) else EVERYTHING
    return Plan(pipeline, stages[:cut], reducer, rest, wanted_fields(stages), base)
