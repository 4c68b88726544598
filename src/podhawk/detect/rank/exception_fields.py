"""The fields that conditions of exceptions may name: those of audit events, and for aggregate plans those of rows.

A condition on a field that nothing has never holds. In a file of exceptions, that is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from podhawk.detect.evaluate.plan_kind import plan_kind
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.rank.exceptions import SiteException
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.plan.stages import columns_after
from podhawk.errors import ContentError
from podhawk.events.schema import known, suggestions
from podhawk.spl.clause import Clause, fields


def check_fields(exceptions: Sequence[SiteException], prepared: Sequence[Prepared]) -> None:
    """Raise ContentError for the first condition that names a field which neither audit events nor the rows of a
    detection that it is for can have. Exceptions for other detections are not looked at."""
    for one in exceptions:
        if all(map(known, fields(one.clause))):
            continue
        own = [detection for detection in prepared if one.named(detection.detection)]
        for name, remedy in unknown_names(one.clause, own) if own else ():
            raise ContentError(f"invalid `when`: audit events have no field {name!r}", place=one.place, remedy=remedy)


def unknown_names(clause: Clause, own: Sequence[Prepared]) -> Iterator[tuple[str, str]]:
    """The fields of a condition that neither audit events nor the rows of these detections can have, each with a remedy
    that names the nearest one."""
    names = sorted(name for name in fields(clause) if not known(name))
    columns = [_columns(one) for one in own] if names else []
    for name in names:
        if not any(one is None or name in one for one in columns):
            yield name, suggestions(name, [each for one in columns if one is not None for each in one])


def _columns(one: Prepared) -> frozenset[str] | None:
    """The fields that conditions can name besides those of events: none for a request plan, which is judged by its
    events. None where any name may be right."""
    if one.request is None:
        return None
    plan = make_plan(one.request.pipeline, one.request.context)
    if plan_kind(plan) == "request":
        return frozenset()
    columns = columns_after(plan.pipeline.stages, None)
    return None if columns is None else frozenset(columns)
