"""Why a detection fired, on the event that made it fire: each condition of its search, and what stands there."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.properties import Effect
from podhawk.detect.match import Match
from podhawk.detect.report.explain import clause_text, conjuncts
from podhawk.engine.search.predicate import generate
from podhawk.engine.search.rows import row_of
from podhawk.events.fields import FlattenRules
from podhawk.functions.predicates import with_latest
from podhawk.rows import OrderKey, Row, texts
from podhawk.spl import clause as spl

_LONGEST = 120
_MOST_VALUES = 3


class MetCondition(Struct, frozen=True):
    """A condition of the search as it is written, and the values of its fields on the event: (field, value) pairs, with
    no value where the event does not have the field. Of an OR, only the arms that hold are written."""

    text: str
    values: tuple[tuple[str, str | None], ...]


class FindingEvidence(Struct, frozen=True):
    """The conditions that an event meets, and the later steps of the search that decide which rows remain."""

    origin: str
    conditions: tuple[MetCondition, ...] = ()
    steps: tuple[str, ...] = ()


def evidence_of(match: Match, context: Context) -> FindingEvidence | None:
    """The evidence for a finding; None if its search or its events are not known."""
    if match.search is None or not match.search.stages:
        return None
    events = match.matched or tuple(event for request in match.requests for event in request.events)
    first = match.search.stages[0].node
    clause = getattr(first, "clause", None)
    if not events or clause is None:
        return None
    steps = tuple(
        f"{stage.name} {stage.command.render(stage.node)}".strip()
        for stage in match.search.stages[1:]
        if stage.effect in (Effect.FILTERS, Effect.LIMITS, Effect.UNKNOWN)
        and getattr(stage.node, "clause", None) != spl.EVERYTHING
    )
    event = events[-1]
    shown = row_of(event, event.view, None, OrderKey(), FlattenRules())
    judged = event.unmasked or event
    row = row_of(judged, judged.view, None, OrderKey(), FlattenRules())
    conditions = tuple(_met(part, row, shown, context) for part in _conditions(clause))
    return FindingEvidence(str(event.origin), conditions, steps)


def _conditions(clause: spl.Clause) -> Iterator[spl.Clause]:
    """The parts that must all be true, also where a macro put some of them into parentheses."""
    for part in conjuncts(clause):
        if isinstance(part, spl.And):
            yield from _conditions(part)
        else:
            yield part


def _met(part: spl.Clause, row: Row, shown: Row, context: Context) -> MetCondition:
    """A condition with the values of its fields. It is judged on `row`; `shown` has its secrets masked."""
    arms: list[spl.Clause] = [part]
    text = clause_text(part)
    if isinstance(part, spl.Or):
        arms = [arm for arm in part.parts if _holds(arm, row, context)] or [part]
        text = f"{' OR '.join(map(clause_text, arms[:_MOST_VALUES]))} (of {len(part.parts)} alternatives)"
    names = sorted(set().union(*map(spl.fields, arms)))
    return MetCondition(text, tuple((name, _value(name, shown)) for name in names))


def _value(name: str, shown: Row) -> str | None:
    if name == "_raw":
        return "the text of the event"
    value = shown.get(name)
    return None if value is None else _cut(list(texts(value)))


def _holds(arm: spl.Clause, row: Row, context: Context) -> bool:
    if any(isinstance(one, spl.Subsearch) for one in spl.walk(arm)):
        return True  # what a subsearch gave is not known any more
    return bool(generate(with_latest(arm), context.env)(row))


def _cut(values: list[str]) -> str:
    few = [one if len(one) <= _LONGEST else one[: _LONGEST - 1] + "…" for one in values[:_MOST_VALUES]]
    more = f" and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else ""
    return ", ".join(few) + more
