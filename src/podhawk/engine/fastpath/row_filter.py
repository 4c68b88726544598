"""Filters further down a search, asked before a row is made.

Many searches look something up first and then drop most events (`… | lookup networks … | search zone=unknown`). Whether
the per-event stages up to such a filter pass an event depends on the few fields that they read. The answer is
remembered by the values of these fields, and an event that would be dropped costs one look into a dict instead of a
row.

A filter is asked here only if it reads what many events share: no bodies, times or ids. A combination that makes the
stages warn passes, so that the warnings are counted when its rows are made.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Stage, Wanted
from podhawk.commands.properties import Effect
from podhawk.engine.fastpath.decoded import make_row
from podhawk.engine.fastpath.decoder import DecodedValues, reachable, reader
from podhawk.engine.options import EngineOptions
from podhawk.engine.plan.lineage import volatility
from podhawk.engine.plan.planner import Plan
from podhawk.engine.plan.stages import chain
from podhawk.engine.search.compiled import CompiledSearch
from podhawk.events.event import METADATA
from podhawk.events.fields import of_body
from podhawk.functions.declare import Volatility

UNIQUE: Final = frozenset({"auditID", "requestReceivedTimestamp", "stageTimestamp", "_time"})
"""Fields that differ for nearly every event."""


def filtering(plan: Plan) -> tuple[tuple[Stage, ...], frozenset[str]] | None:
    """The stages after the first clause up to the last filter that can be asked beforehand, and the fields that they
    read; None if no filter can."""
    for end in range(len(plan.mapped), 1, -1):
        stages = plan.mapped[1:end]
        if stages[-1].effect is not Effect.FILTERS or volatility(stages) is Volatility.VOLATILE:
            continue
        wanted: Wanted = frozenset()
        for stage in reversed(stages):
            wanted = stage.command.reads(stage.node, wanted)
        names = None if wanted is None else wanted - set(METADATA)
        if (
            names
            and not names & UNIQUE
            and "_raw" not in names
            and all(reachable(name) and not of_body(name) for name in names)
        ):
            return stages, names
    return None


class RowFilter:
    """Tells whether an event passes the filters of a search. Where the answer would seldom be known, the stages are not
    run, and the event passes."""

    def __init__(
        self,
        stages: tuple[Stage, ...],
        names: frozenset[str],
        fixed: dict[str, str],
        context: Context,
        options: EngineOptions,
    ) -> None:
        self._warned = False
        self._context = replace(context, env=replace(context.env, warn=self._warn))
        self._stream = chain(stages, self._context)
        self._fixed = fixed
        self._names = sorted(names)
        self._read = reader(self._names)
        self._known: dict[DecodedValues, bool] = {}
        self._trials, self._most = options.row_filter_trials, options.remembered_values
        self._looked = 0
        self.ran = 0
        """How often the stages were run: once for each combination of values that was not known."""

    def passes(self, event: Any) -> bool:
        """Whether a decoded event passes."""
        values = self._read(event)
        self._looked += 1
        found = self._known.get(values)
        if found is None:
            if self.ran >= self._trials and self.ran * 2 > self._looked:
                return True
            if len(self._known) >= self._most:
                self._known.clear()
            found = self._known[values] = self._run(values)
        return found

    def _run(self, values: DecodedValues) -> bool:
        self.ran += 1
        self._warned = False
        row = make_row(self._names, values, self._fixed)
        return any(True for _ in self._stream((row,))) or self._warned

    def _warn(self, kind: str, detail: str) -> None:
        self._warned = True


def row_filter_for(search: CompiledSearch, fixed: dict[str, str], options: EngineOptions) -> RowFilter | None:
    """The row filter of a search; None if it has no filter that can be asked beforehand."""
    found = filtering(search.plan) if options.row_filters else None
    return RowFilter(*found, fixed, search.context, options) if found is not None else None
