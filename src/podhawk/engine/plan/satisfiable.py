"""Whether rows can come out of a plan where some fields are absent.

The search is walked with the absent fields. A comparison with an absent field never matches, so a condition that needs
one cannot hold. One side of an OR may be lost while the others can match. An exclusion (`NOT`) of an absent field never
applies. A grouping drops rows that lack a field of its `by` list, unless `fillnull` filled it before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

from podhawk.commands.declare import Pipeline, Stage
from podhawk.engine.plan.lineage import Lineage
from podhawk.engine.plan.planner import gives_groups, grouped_by
from podhawk.events.event import METADATA
from podhawk.spl import clause as spl
from podhawk.spl.clause import Clause
from podhawk.spl.expression import Expression, fields

Absent = Callable[[str], bool]
"""Whether an event field is absent."""


class Loss(Struct, frozen=True):
    """What a search loses where fields are absent.

    `requires`: a condition never holds. `side`: one side of an OR never holds, with what it requires in `inside`.
    `excludes`: an exclusion never applies. `reads`: an expression reads the field. `groups`: a grouping drops every
    row. `fields` are the absent ones; none where a condition can never be true for another reason.
    """

    kind: Literal["requires", "side", "excludes", "reads", "groups"]
    fields: tuple[str, ...]
    stage: str = ""
    inside: tuple[Loss, ...] = ()


class Losses(Struct, frozen=True):
    """`fatal` is why no row can come out; None if rows can. `others` are what is lost on the way."""

    fatal: Loss | None
    others: tuple[Loss, ...] = ()


def losses(pipeline: Pipeline, absent: Absent, first: int = 0) -> Losses:
    """What a pipeline loses where fields are absent, from the stage with the index `first` on."""
    found: list[Loss] = []
    lineage = Lineage(pipeline.stages)
    for number, stage in enumerate(pipeline.stages):
        if number < first:
            continue

        def gone(name: str, number: int = number) -> bool:
            origin = lineage.origin(name, number)
            return origin.strict and bool(origin.fields) and all(map(absent, origin.fields or ()))

        condition = stage.condition
        if isinstance(condition, Expression):
            lost = tuple(sorted(name for name in fields(condition) if gone(name)))
            if lost:
                found.append(Loss("reads", lost, stage.name))
        elif condition is not None:
            inside: list[Loss] = []
            if not _can_match(condition, gone, inside):
                fatal = inside[-1] if inside else Loss("requires", ())
                return Losses(fatal, tuple(found))
            found += inside
        elif gives_groups(stage):
            dropped = tuple(name for name in grouped_by(stage) if gone(name))
            if dropped:
                return Losses(Loss("groups", dropped, stage.name), tuple(found))
    return Losses(None, tuple(found))


def _can_match(clause: Clause, gone: Absent, found: list[Loss]) -> bool:
    match clause:
        case spl.And(parts=parts):
            able = [_can_match(part, gone, found) for part in parts]  # every part: each may lose something
            return all(able)
        case spl.Or(parts=parts):
            sides: list[Loss] = []
            able = [_can_match(part, gone, sides) for part in parts]
            if any(able) and not all(able):
                names = dict.fromkeys(name for side in sides for name in side.fields)
                found.append(Loss("side", tuple(names), inside=tuple(sides)))
            elif not any(able):
                names = dict.fromkeys(name for side in sides for name in side.fields)
                found.append(Loss("requires", tuple(names), inside=tuple(sides)))
            return any(able)
        case spl.Not(part=part):
            lost = sorted(name for name in spl.fields(part) or () if name not in METADATA and gone(name))
            if lost:
                found.append(Loss("excludes", tuple(lost)))
            return True
        case spl.Compare(name=name) | spl.In(name=name):
            if name in METADATA or not gone(name):
                return True
            found.append(Loss("requires", (name,)))
            return False
        case _:
            return True


def deciding_fields(pipeline: Pipeline) -> frozenset[str]:
    """The event fields on which it depends whether a row comes out: those that conditions and groupings are made of."""
    lineage = Lineage(pipeline.stages)
    found: set[str] = set()
    for number, stage in enumerate(pipeline.stages):
        for name in _decided_by(stage):
            origin = lineage.origin(name, number)
            if origin.strict:
                found |= origin.fields or frozenset()
    return frozenset(found)


def _decided_by(stage: Stage) -> Iterator[str]:
    condition = stage.condition
    if isinstance(condition, Expression):
        yield from fields(condition)
    elif condition is not None:
        yield from spl.fields(condition) or ()
    elif gives_groups(stage):
        yield from grouped_by(stage)
