"""One search on its way through a scan: the plan, its state so far, and what it could not see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, ClassVar

from msgspec import Struct, field, structs

from podhawk.commands.context import Context
from podhawk.commands.declare import Mergeable, Wanted
from podhawk.commands.search import Search
from podhawk.engine.fastpath.decoder import of_body
from podhawk.engine.plan.planner import Plan
from podhawk.engine.plan.stages import chain, columns_after, run_stages
from podhawk.engine.run.scan_profile import name_of, timed
from podhawk.engine.search.predicate import generate
from podhawk.engine.search.rows import chooses, row_of, rules_of
from podhawk.events.event import AuditEvent, Origin, View
from podhawk.functions.predicates import Deciding, deciding, with_latest
from podhawk.rows import OrderKey, Row, Table
from podhawk.spl import clause as spl

BLOCK = 512
Rows = dict[tuple[int, Wanted], Row]


def _anything(name: str) -> bool:
    return True


class Observed(Struct):
    """What a search met in its input.

    `offered` counts events that were looked at, `selected` those of the source, sourcetype, host and index that
    the first clause wants, `matched` those that passed it; `not_evaluable` those for which it could not
    be decided because the carrier lost or never gave what it needs (`first_blind` is the first of
    them); `unseen` are fields that the clause requires and no event had. `warnings` are counted by
    kind, with the first detail of each.
    """

    matched: int = 0
    offered: int = 0
    selected: int = 0
    not_evaluable: int = 0
    first_blind: Origin | None = None
    unseen: set[str] = field(default_factory=set)
    warnings: Counter[str] = field(default_factory=Counter)
    details: dict[str, str] = field(default_factory=dict)
    times: int = 1
    """How many events the row stands for that is at hand."""

    def warn(self, kind: str, detail: str) -> None:
        self.warnings[kind] += self.times
        self.details[kind] = min(detail, self.details.get(kind, detail))  # the same one in whatever order they come

    def clear(self) -> None:
        """Forget everything: the same object goes on, because warnings go to it."""
        self.matched = self.offered = self.selected = self.not_evaluable = 0
        self.first_blind = None
        self.unseen = set()
        self.warnings = Counter()
        self.details = {}

    def absorb(self, other: Observed, lines_before: int) -> None:
        """Take in what was observed on a later piece of the input."""
        self.matched += other.matched
        self.offered += other.offered
        self.selected += other.selected
        if self.first_blind is None and other.first_blind is not None:
            self.first_blind = structs.replace(other.first_blind, line=other.first_blind.line + lines_before)
        self.not_evaluable += other.not_evaluable
        self.unseen &= other.unseen
        self.warnings.update(other.warnings)
        for kind, detail in other.details.items():
            self.details[kind] = min(detail, self.details.get(kind, detail))


def required_fields(clause: spl.Clause) -> frozenset[str]:
    """The fields without which a clause can never be true."""
    match clause:
        case spl.And(parts=parts):
            return frozenset().union(*(required_fields(part) for part in parts))
        case spl.Or(parts=parts):
            return frozenset.intersection(*(required_fields(part) for part in parts))
        case spl.Compare(name=name) | spl.In(name=name):
            return frozenset({name})
        case _:
            return frozenset()


class ScanJob:
    """A plan fed with events: `probe` is the cheap look, `take` the full row.

    `placed` says whether the state knows the lines at which events stand in a piece of the input, which are to be
    counted on from the pieces before.
    """

    placed: ClassVar[bool] = False

    def __init__(self, plan: Plan, context: Context, observed: Observed) -> None:
        self.plan = plan
        self.context = context
        self.observed = observed
        self.base = with_latest(plan.base)
        self.probe_fields: Wanted = None if "field-names-any-case" in context.env.switches else spl.fields(self.base)
        self.rules = rules_of(context.env.switches)
        self.test: Callable[[Row], bool] = generate(self.base, context.env)
        self._of_bodies = frozenset(filter(of_body, required_fields(self.base)))
        # Rows come here only if they match the first search, which need not be asked again.
        first = plan.mapped[0].node if plan.mapped else None
        self.stream = chain(plan.mapped[1:] if isinstance(first, Search) else plan.mapped, context)
        self.reducer: Mergeable | None = None
        if plan.reducer is not None:
            assert plan.reducer.command.merge is not None
            self.reducer = plan.reducer.command.merge(plan.reducer.node, context)
        self.state: Any = self.reducer.start() if self.reducer is not None else []
        self.pending: list[Row] = []
        self.needs: Wanted = plan.wanted
        observed.unseen |= required_fields(self.base)
        self._choices: dict[tuple[str, str, str, str], bool] = {}
        self.selects_native = False

    def restart(self, *, going_on: bool = False) -> None:
        """Begin again with nothing observed and an empty state, or `going_on` with the state at hand."""
        if not going_on:
            self.state = self.reducer.start() if self.reducer is not None else []
            self.pending = []
        self.observed.clear()
        self.observed.unseen |= required_fields(self.base)

    def absorb_state(self, state: Any, lines_before: int = 0) -> None:
        """Take in the state of later pieces of the input, which have so many lines before them in their file."""
        if self.reducer is not None:
            self.state = self.reducer.merge(self.state, state)
        else:
            self.state.extend(state)

    def know(self, native: View) -> None:
        """Learn whether events of that source, sourcetype, host and index are what the first clause selects."""
        self.selects_native = self._chosen(native)

    def view(self, event: AuditEvent) -> View:
        """The view of an event that this search sees: the one its first clause selects, else the native one."""
        carrier = event.carrier
        if self._chosen(event.view):
            self.observed.selected += 1
            return event.view
        if carrier is None or not self._chosen(carrier):
            return event.view
        self.observed.selected += 1
        return carrier

    def _chosen(self, view: View) -> bool:
        key = (view.source, view.sourcetype, view.host, view.index)
        known = self._choices.get(key)
        if known is None:
            known = self._choices[key] = chooses(self.base, view, self.context.env)
        return known

    def offer(self, event: AuditEvent, view: View, probe: Row, order: OrderKey, rows: Rows) -> None:
        """Look at one event through the fields of the first clause; keep its row if it matches.

        `rows` holds the rows that other searches have made of this event, by view and fields.
        """
        observed = self.observed
        observed.offered += 1
        self.see(probe)
        if event.missing:
            self._look_for_loss(event, probe)
        if not self.test(probe):
            return
        observed.matched += 1
        self.take(event, view, order, rows)

    def take(self, event: AuditEvent, view: View, order: OrderKey, rows: Rows) -> None:
        """Keep the row of an event that matched."""
        wanted = None if self.probe_fields is None else self.plan.wanted
        row = rows.get((id(view), wanted))
        if row is None:
            row = rows[id(view), wanted] = row_of(event, view, wanted, order, self.rules)
        # A copy: this search's commands will change it, and others want it as it is.
        self.pending.append(row.copy())
        if len(self.pending) >= BLOCK:
            self.flush()

    def see(self, row: Row) -> None:
        """Note the fields that an event has. Those of its bodies count only where no other value rules the search out:
        then bodies need not be looked at."""
        unseen = self.observed.unseen
        if not unseen:
            return
        found = [name for name in unseen if name in row]
        if not self._of_bodies.isdisjoint(found) and self.ruled_out(row):
            found = [name for name in found if name not in self._of_bodies]
        unseen.difference_update(found)

    @cached_property
    def _decide(self) -> Deciding:
        return deciding(self.base, self.context.env)

    @cached_property
    def _outside(self) -> Deciding:
        return deciding(self.base, self.context.env, of_body)

    def ruled_out(self, row: Row) -> bool:
        """Whether a value that stands outside the bodies says that an event is not wanted."""
        return self._outside(row, _anything) is False

    def _look_for_loss(self, event: AuditEvent, probe: Row) -> None:
        def unknown(name: str) -> bool:
            if name == "_raw":
                return event.truncated
            return any(name == lost or name.startswith((f"{lost}.", f"{lost}{{")) for lost in event.missing)

        if self._decide(probe, unknown) is None:
            if not self.observed.not_evaluable:
                self.observed.first_blind = event.origin
            self.observed.not_evaluable += 1

    def keep(self, row: Row) -> None:
        """Keep a row that matched."""
        self.pending.append(row)
        if len(self.pending) >= BLOCK:
            self.flush()

    def flush(self) -> None:
        """Take the waiting rows into the state."""
        if self.pending:
            self.feed(self.pending)
            self.pending = []

    def feed(self, rows: Iterable[Row]) -> None:
        with timed(name_of(self), "rows"):
            passed = self.stream(rows)
            if self.reducer is not None:
                self.reducer.add(self.state, passed)
            else:
                self.state.extend(passed)

    def finish(self) -> Table:
        """The rows of the search, once every event has been offered."""
        self.flush()
        name = name_of(self)
        with timed(name, "reduce"):
            table = self.reduced(self.state)
        for stage in self.plan.rest:
            with timed(name, stage.name):
                table = run_stages((stage,), table, self.context)
        return table

    def reduced(self, state: Any) -> Table:
        """The rows that a state stands for: what the rest of the search begins with."""
        columns = columns_after(self.plan.mapped, None)
        if self.reducer is None:
            return Table(sorted(state, key=lambda row: row.order), columns)
        table = self.reducer.finish(state)
        if table.columns is None and self.plan.reducer is not None:
            table.columns = self.plan.reducer.command.columns(self.plan.reducer.node, columns)
        return table
