"""What a detection needs, read from its plan: the commands with their classes, the fields, the literals."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from podhawk.commands.declare import Kind
from podhawk.content.model import Content, Detection
from podhawk.engine.plan.planner import Plan
from podhawk.engine.plan.runnable import Runnable, runnability
from podhawk.engine.prefilter.literals import groups_of
from podhawk.events.event import AUDIT_KEYS, METADATA

NOT_AUDIT: Final = "not an audit field"
_KINDS: Final = {
    Kind.GENERATING: "generates rows",
    Kind.PER_EVENT: "processes each event separately",
    Kind.MERGEABLE: "aggregates in parts that can be merged",
    Kind.WHOLE: "needs the whole result",
}


class PlanStep(Struct, frozen=True):
    """A command of the plan. `side` is map, reduce or finish."""

    name: str
    kind: str
    meaning: str
    side: str


class Need(Struct, frozen=True):
    """An event field that the search reads, and the audit level from which on events have it."""

    name: str
    level: str


class Trace(Struct, frozen=True):
    """The plan of a detection as a page tells it; `fault` says why there is none."""

    plan: Plan | None
    steps: tuple[PlanStep, ...] = ()
    needs: tuple[Need, ...] = ()
    literals: tuple[tuple[str, ...], ...] = ()
    every_field: bool = False
    fault: str = ""


def trace(detection: Detection, content: Content) -> Trace:
    """The plan of a detection's search. Never raises: a search that cannot run says why."""
    answer = runnability(detection, content)
    if not isinstance(answer, Runnable):
        return Trace(None, fault=answer.message)
    plan = answer.plan
    if plan.pipeline.generates:
        return Trace(plan, _steps(plan))
    wanted = plan.wanted or frozenset()
    return Trace(
        plan,
        _steps(plan),
        tuple(Need(name, level_of(name)) for name in sorted(wanted)),
        tuple(tuple(sorted(literal.text for literal in group)) for group in groups_of(plan.base)),
        plan.wanted is None,
    )


def _steps(plan: Plan) -> tuple[PlanStep, ...]:
    sides = [*["map"] * len(plan.mapped), *(["reduce"] if plan.reducer else []), *["finish"] * len(plan.rest)]
    return tuple(
        PlanStep(stage.name, stage.kind.value, _KINDS[stage.kind], side)
        for stage, side in zip(plan.pipeline.stages, sides, strict=True)
    )


def level_of(name: str) -> str:
    """The lowest audit level at which events have a field."""
    head = name.partition(".")[0].partition("{")[0]
    if name.startswith("_") or name in METADATA:
        return "any"
    if head == "requestObject":
        return "Request"
    if head == "responseObject":
        return "RequestResponse"
    return "Metadata" if head in AUDIT_KEYS else NOT_AUDIT
