"""Filters that stand further down a search, asked before a row is made.

Many a search looks something up first and drops most events then (`… | lookup networks … | search zone=unknown`). What
its per-event stages up to such a filter say of an event depends on the few fields that they read, so it is remembered
by the values of these, and an event that would be dropped costs one look into a dict instead of a row.

A filter is asked here only if it reads what many events share: no bodies, times or ids. A combination that makes the
stages warn is let through, so that warnings are counted where rows are made.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Stage, Wanted
from podhawk.commands.properties import Effect
from podhawk.engine.fastpath.decoder import FIXED, Values, of_body, reachable, reader, value_of
from podhawk.engine.plan.lineage import volatility
from podhawk.engine.plan.planner import Plan
from podhawk.engine.plan.stages import chain
from podhawk.functions.declare import Volatility
from podhawk.rows import Row

UNIQUE: Final = frozenset({"auditID", "requestReceivedTimestamp", "stageTimestamp", "_time"})
"""Fields that are others for nearly every event."""
MOST_REMEMBERED: Final = 50_000
"""Combinations of values that are remembered or counted before they are let go."""
_TRIED: Final = 1024
"""After so many combinations, it has been seldom known if it had to be asked more than half of the times."""


def filtering(plan: Plan) -> tuple[tuple[Stage, ...], frozenset[str]] | None:
    """The stages after the first clause up to the last filter that can be asked this way, and the fields that they
    read; None if there is none."""
    for end in range(len(plan.mapped), 1, -1):
        stages = plan.mapped[1:end]
        if stages[-1].effect is not Effect.FILTERS or volatility(stages) is Volatility.VOLATILE:
            continue
        wanted: Wanted = frozenset()
        for stage in reversed(stages):
            wanted = stage.command.reads(stage.node, wanted)
        names = None if wanted is None else wanted - set(FIXED)
        if (
            names
            and not names & UNIQUE
            and "_raw" not in names
            and all(reachable(name) and not of_body(name) for name in names)
        ):
            return stages, names
    return None


class Gate:
    """Tells whether an event gets past the filters of a search. Where it would seldom know, it does not ask, and lets
    the event pass."""

    def __init__(
        self, stages: tuple[Stage, ...], names: frozenset[str], fixed: dict[str, str], context: Context
    ) -> None:
        self._warned = False
        self._context = replace(context, env=replace(context.env, warn=self._warn))
        self._stream = chain(stages, self._context)
        self._fixed = fixed
        self._names = sorted(names)
        self._read = reader(self._names)
        self._known: dict[Values, bool] = {}
        self._asked = self._looked = 0

    def passes(self, event: Any) -> bool:
        """Whether a decoded event gets past."""
        values = self._read(event)
        self._looked += 1
        found = self._known.get(values)
        if found is None:
            if self._asked >= _TRIED and self._asked * 2 > self._looked:
                return True
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            found = self._known[values] = self._ask(values)
        return found

    def _ask(self, values: Values) -> bool:
        self._asked += 1
        row = Row(self._fixed)
        for name, raw in zip(self._names, values, strict=True):
            value = value_of(raw)
            if value is not None:
                row[name] = value
        self._warned = False
        return any(True for _ in self._stream((row,))) or self._warned

    def _warn(self, kind: str, detail: str) -> None:
        self._warned = True


def gate_of(plan: Plan, fixed: dict[str, str], context: Context) -> Gate | None:
    """The gate of a search, where it has one."""
    found = filtering(plan)
    return None if found is None else Gate(*found, fixed, context)
