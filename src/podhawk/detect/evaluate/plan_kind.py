"""What a detection's findings are made of: single requests, windows, or the whole input.

A *request plan* says of each request by itself whether it is a finding: it may group and count, but whether a row
comes out depends on no result of an aggregation. Nearly all published audit detections are such. An *aggregate plan*
needs events of several requests (a threshold on a count, `dedup`, `top` …) and looks at a window of time. A plan that
brings in other rows (`append`, `join`, a subsearch, `inputlookup` at the start) is evaluated over the whole input at
once.

To tell them apart, results of aggregations are followed through the search: a column computed from one is one too. A
filter that reads such a column, or a grouping by it, makes an aggregate plan.
"""

from __future__ import annotations

from typing import Final, Literal

from podhawk.commands.declare import Kind, Stage
from podhawk.commands.rename import Rename, renamed
from podhawk.commands.sort import Sort
from podhawk.commands.stats import Stats
from podhawk.engine.plan.planner import Plan, grouped_by
from podhawk.engine.plan.subsearches import rereads

PlanKind = Literal["request", "aggregate", "whole"]

FILTERS: Final = frozenset({"search", "where", "regex"})
HARMLESS: Final = frozenset(
    {
        "fields",
        "table",
        "fillnull",
        "reverse",
        "fieldformat",
        "filldown",
        "tags",
        "addinfo",
        "outputlookup",
        "collect",
        "eventstats",
    }
)
"""Commands of the whole result that neither drop rows nor join those of several requests."""


def plan_kind(plan: Plan) -> PlanKind:
    """What the findings of a plan are made of."""
    stages = plan.pipeline.stages
    if plan.pipeline.generates or rereads(plan.pipeline):
        return "whole"
    results: frozenset[str] = frozenset()
    for stage in stages[1:] if stages and stages[0].name == "search" else stages:
        if _decides(stage, results):
            return "aggregate"
        results = _results_after(stage, results)
    return "request"


def _decides(stage: Stage, results: frozenset[str]) -> bool:
    """Whether a stage makes rows depend on several requests."""
    if isinstance(stage.node, Stats):
        return bool(results & set(stage.node.by))
    if isinstance(stage.node, Sort):
        return stage.node.stated and stage.node.limit > 0
    if stage.name in FILTERS:
        read = stage.command.reads(stage.node, frozenset())
        return bool(results) and (read is None or bool(read & results))
    if stage.kind is Kind.PER_EVENT:
        return False
    return stage.name not in HARMLESS


def _results_after(stage: Stage, results: frozenset[str]) -> frozenset[str]:
    """The columns after a stage that come from an aggregation."""
    if isinstance(stage.node, Stats):
        made = stage.command.columns(stage.node, ())
        return frozenset(made or ("*",)) - set(stage.node.by)
    if stage.name == "eventstats":
        return results | frozenset(stage.command.columns(stage.node, ()) or ("*",)) - set(grouped_by(stage))
    if isinstance(stage.node, Rename):
        return frozenset(
            next((new for old, into in stage.node.pairs if (new := renamed(name, old, into)) is not None), name)
            for name in results
        )
    if not results or stage.kind is not Kind.PER_EVENT:
        return results
    made = stage.command.columns(stage.node, ())
    if not made:
        return results
    read = stage.command.reads(stage.node, frozenset(made))
    return results | frozenset(made) if read is None or read & results else results - frozenset(made)
