"""Where a detection fires, fires partly, or cannot: worked out from its plan and from what each place gives.

For each place the search is walked with the fields that the place does not give taken as absent. A comparison with
an absent field never matches, so a condition that needs one cannot hold; one side of an OR may be lost; an
exclusion (`NOT`) of an absent field never applies. A grouping drops rows that lack a field of its `by` list, unless
`fillnull` filled it before. What is left over is a column that stays empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from podhawk.authoring.pages.places import BODIES, ONLY_EVENTS_HAVE, ORIGINS, READS, IndexedAs, LogSource
from podhawk.authoring.pages.trace import NOT_AUDIT, Trace
from podhawk.engine.plan.lineage import Lineage, may_be_made
from podhawk.engine.plan.planner import Plan, gives_groups, grouped_by
from podhawk.events.event import AUDIT_KEYS, METADATA
from podhawk.functions.declare import Env
from podhawk.functions.predicates import decide
from podhawk.rows import Row
from podhawk.spl import clause as spl
from podhawk.spl.clause import Clause
from podhawk.spl.expression import Expression, fields

PlaceOutcome = Literal["fires", "partly", "cannot", "unknown"]
_FIELD_LIMIT = 6
_NEVER = "events never have here"


class PlaceVerdict(Struct, frozen=True):
    """What a detection does at a place, and why."""

    place: str
    title: str
    outcome: PlaceOutcome
    reasons: tuple[str, ...]


def verdicts(trace: Trace) -> tuple[PlaceVerdict, ...]:
    """One verdict for each place, in the order of the table."""
    return tuple(PlaceVerdict(one.name, one.title, *_judge(trace, one)) for one in ORIGINS)


def _judge(trace: Trace, place: LogSource) -> tuple[PlaceOutcome, tuple[str, ...]]:
    plan = trace.plan
    if plan is None:
        return "unknown", (f"podhawk cannot run this search: {trace.fault}",)
    if plan.pipeline.generates:
        return "unknown", (f"The search begins with {plan.pipeline.stages[0].name} and reads no audit events.",)
    seen = next((one for one in place.seen if _selects(plan.base, one)), None)
    if seen is None:
        return "cannot", ("The search selects a source or sourcetype that events do not have here.",)
    if place.level == "None":
        return "cannot", ("At this level the API server logs no events.",)
    if seen.wrapped:
        return "unknown", (
            f"The search reads records in the form of the cloud's Splunk add-on ({seen.sourcetype}). The "
            "audit level does not determine whether these records have the fields.",
        )
    resources, verbs = named(plan.base, "objectRef.resource"), named(plan.base, "verb")
    if resources and resources <= place.unlogged:
        return "cannot", (f"The audit policy here does not log {listing(resources)}.",)
    bare = bool(resources) and resources <= place.bare
    missing = place.absent | BODIES if bare else place.absent

    def absent(name: str) -> bool:
        head = name.partition(".")[0].partition("{")[0]
        if head not in AUDIT_KEYS:
            return not head.startswith("_") and head not in METADATA
        return any(name == one or name.startswith((f"{one}.", f"{one}{{")) for one in missing) or (
            name in ONLY_EVENTS_HAVE and "events" in place.unlogged
        )

    fatal, losses = _walk(plan, absent)
    if bare and any(need.name.startswith(tuple(BODIES)) for need in trace.needs):
        losses.insert(0, f"{listing(resources)} are logged at level Metadata here, without bodies.")
    if fatal:
        return "cannot", (fatal,)
    if resources & place.unlogged:
        losses.append(f"The audit policy here does not log {listing(resources & place.unlogged)}.")
    if place.reads_need and verbs and verbs <= READS:
        losses.append(f"Reads are logged only with {place.reads_need}.")
    empty = [
        need.name
        for need in trace.needs
        if absent(need.name) and not (need.level == NOT_AUDIT and may_be_made(need.name, plan.pipeline.stages))
    ]
    if empty:
        losses.append(f"Fields without values here: {listing(empty)}.")
    return (
        ("partly", tuple(dict.fromkeys(losses)))
        if losses
        else ("fires", ("Events have every field that the search reads.",))
    )


def _selects(base: Clause, seen: IndexedAs) -> bool:
    row = Row({"source": seen.source, "sourcetype": seen.sourcetype})
    return decide(base, row, lambda name: name not in ("source", "sourcetype"), Env()) is not False


def _walk(plan: Plan, absent: Callable[[str], bool]) -> tuple[str, list[str]]:
    """The reason why no row can come out (or ""), and what is lost on the way."""
    losses: list[str] = []
    lineage = Lineage(plan.pipeline.stages)
    for number, stage in enumerate(plan.pipeline.stages):

        def gone(name: str, number: int = number) -> bool:
            origin = lineage.origin(name, number)
            return origin.strict and bool(origin.fields) and all(map(absent, origin.fields or ()))

        condition = stage.condition
        if isinstance(condition, Expression):
            lost = sorted(name for name in fields(condition) if gone(name))
            if lost:
                losses.append(f"{stage.name} reads {listing(lost)}, which {_NEVER}.")
        elif condition is not None:
            found: list[str] = []
            if not _can_match(condition, gone, found):
                return found[-1] if found else "A condition of the search can never be true here.", losses
            losses += found
        elif gives_groups(stage):
            dropped = [name for name in grouped_by(stage) if gone(name)]
            if dropped:
                return f"{stage.name} groups by {listing(dropped)}, which {_NEVER}, so it drops every row.", losses
    return "", losses


def _can_match(clause: Clause, gone: Callable[[str], bool], losses: list[str]) -> bool:
    match clause:
        case spl.And(parts=parts):
            able = [_can_match(part, gone, losses) for part in parts]  # every part: each may have something to say
            return all(able)
        case spl.Or(parts=parts):
            notes: list[str] = []
            able = [_can_match(part, gone, notes) for part in parts]
            if any(able) and not all(able):
                losses.append("One side of an OR can never match: " + " ".join(notes))
            elif not any(able):
                losses += notes[:1]
            return any(able)
        case spl.Not(part=part):
            lost = sorted(name for name in spl.fields(part) or () if name not in METADATA and gone(name))
            if lost:
                losses.append(f"The exclusion by {listing(lost)} has no effect. Expect more false positives.")
            return True
        case spl.Compare(name=name) | spl.In(name=name):
            if name in METADATA or not gone(name):
                return True
            losses.append(f"The search requires {name}, which {_NEVER}.")
            return False
        case _:
            return True


def named(clause: Clause, name: str) -> frozenset[str]:
    """The values that a clause allows a field to have, where it says so at its top level."""
    parts = clause.parts if isinstance(clause, spl.And) else (clause,)
    for part in parts:
        match part:
            case spl.Compare(name=found, operator="=", value=value) if found == name and "*" not in value:
                return frozenset({value})
            case spl.In(name=found, values=values) if found == name and not any("*" in value for value in values):
                return frozenset(values)
            case spl.Or(parts=sides) if all(
                isinstance(side, spl.Compare) and side.name == name and side.operator == "=" for side in sides
            ):
                return frozenset(side.value for side in sides if isinstance(side, spl.Compare))
    return frozenset()


def listing(names: object) -> str:
    """Names as a phrase, the first few of many."""
    ordered = sorted(names) if isinstance(names, (set, frozenset)) else list(names)  # type: ignore[call-overload]
    shown = ", ".join(ordered[:_FIELD_LIMIT])
    return shown + (f" and {len(ordered) - _FIELD_LIMIT} more" if len(ordered) > _FIELD_LIMIT else "")
