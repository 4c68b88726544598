"""Where a detection fires, fires partly, or cannot: worked out from its plan and from what each place gives.

For each place the search is walked with the fields that the place does not give taken as absent (see
`podhawk.engine.plan.satisfiable`). What is left over is a column that stays empty.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from podhawk.authoring.pages.places import BODIES, ONLY_EVENTS_HAVE, ORIGINS, READS, IndexedAs, LogSource
from podhawk.authoring.pages.trace import NOT_AUDIT, Trace
from podhawk.engine.plan.lineage import may_be_made
from podhawk.engine.plan.satisfiable import Loss, losses
from podhawk.events.event import AUDIT_KEYS, METADATA
from podhawk.functions.declare import Env
from podhawk.functions.predicates import decide
from podhawk.rows import Row
from podhawk.spl import clause as spl
from podhawk.spl.clause import Clause

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

    lost = losses(plan.pipeline, absent)
    fatal = lost.fatal
    told = [_sentence(loss) for loss in lost.others]
    if bare and any(need.name.startswith(tuple(BODIES)) for need in trace.needs):
        told.insert(0, f"{listing(resources)} are logged at level Metadata here, without bodies.")
    if fatal is not None:
        return "cannot", (_sentence(fatal),)
    if resources & place.unlogged:
        told.append(f"The audit policy here does not log {listing(resources & place.unlogged)}.")
    if place.reads_need and verbs and verbs <= READS:
        told.append(f"Reads are logged only with {place.reads_need}.")
    empty = [
        need.name
        for need in trace.needs
        if absent(need.name) and not (need.level == NOT_AUDIT and may_be_made(need.name, plan.pipeline.stages))
    ]
    if empty:
        told.append(f"Fields without values here: {listing(empty)}.")
    return (
        ("partly", tuple(dict.fromkeys(told)))
        if told
        else ("fires", ("Events have every field that the search reads.",))
    )


def _selects(base: Clause, seen: IndexedAs) -> bool:
    row = Row({"source": seen.source, "sourcetype": seen.sourcetype})
    return decide(base, row, lambda name: name not in ("source", "sourcetype"), Env()) is not False


def _sentence(loss: Loss) -> str:
    """What is lost, for a reader of the page."""
    named = listing(loss.fields)
    match loss.kind:
        case "requires" if not loss.fields:
            return "A condition of the search can never be true here."
        case "requires":
            return _sentence(loss.inside[0]) if loss.inside else f"The search requires {named}, which {_NEVER}."
        case "side":
            return "One side of an OR can never match: " + " ".join(map(_sentence, loss.inside))
        case "excludes":
            return f"The exclusion by {named} has no effect. Expect more false positives."
        case "reads":
            return f"{loss.stage} reads {named}, which {_NEVER}."
        case "groups":
            return f"{loss.stage} groups by {named}, which {_NEVER}, so it drops every row."


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
