"""What a detection's findings are made of: single requests, windows, or the whole input.

A *request plan* says of each request by itself whether it is a finding: it may group and count, but whether a row
comes out depends on no result of an aggregation. Nearly all published audit detections are such. An *aggregate plan*
needs events of several requests (a threshold on a count, `dedup`, `top` …) and looks at a window of time. A plan that
brings in other rows (`append`, `join`, a subsearch, `inputlookup` at the start) is evaluated over the whole input at
once.

To tell them apart, results of aggregations are followed through the search (see `podhawk.engine.plan.lineage`). A
filter that reads such a result, or a value computed from it, makes an aggregate plan, and so does a grouping by it. Any
other command whose rows depend on other rows does the same.
"""

from __future__ import annotations

from typing import Literal

from podhawk.commands.declare import Kind, Stage
from podhawk.commands.properties import Effect
from podhawk.engine.plan.lineage import Lineage
from podhawk.engine.plan.planner import Plan
from podhawk.engine.plan.subsearches import rereads

PlanKind = Literal["request", "aggregate", "whole"]


def plan_kind(plan: Plan) -> PlanKind:
    """What the findings of a plan are made of."""
    stages = plan.pipeline.stages
    if plan.pipeline.generates or rereads(plan.pipeline):
        return "whole"
    lineage = Lineage(stages)
    return "aggregate" if any(_decides(stage, number, lineage) for number, stage in enumerate(stages)) else "request"


def _decides(stage: Stage, number: int, lineage: Lineage) -> bool:
    """Whether a stage makes rows depend on several requests."""
    match stage.effect:
        case Effect.KEEPS | Effect.EXPANDS:
            return False
        case Effect.FILTERS:
            read = stage.command.reads(stage.node, frozenset())
            if read is None:
                return any(before.kind is not Kind.PER_EVENT for before in lineage.stages[:number])
            return any(lineage.origin(name, number).aggregated for name in read)
        case Effect.GROUPS:
            return any(lineage.origin(name, number).aggregated for name in stage.groups or ())
        case _:
            return True
