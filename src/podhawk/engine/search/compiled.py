"""A search made ready to be given events: its plan as code.

A compiled search is frozen. What a run adds to it is elsewhere: the state and the rows in a collector
(`podhawk.engine.search.collectors`), counts and warnings in `SearchStats`. So one compiled search can be
used for a scan, and for the events of a single request, at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Set
from functools import cached_property

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Columns, Mergeable, Stream, Wanted
from podhawk.commands.search import Search
from podhawk.engine.plan.planner import Plan
from podhawk.engine.plan.satisfiable import deciding_fields
from podhawk.engine.plan.stages import chain, columns_after
from podhawk.engine.search.predicate import Predicate, generate
from podhawk.engine.search.rows import chooses, rules_of
from podhawk.events.audit_fields import is_audit_field
from podhawk.events.event import BODIES, AuditEvent, View
from podhawk.events.fields import FlattenRules, head_of, of_body
from podhawk.functions.predicates import Deciding, with_latest
from podhawk.functions.predicates import deciding as in_three_values
from podhawk.rows import Row, Table
from podhawk.spl import clause as spl


def _always_unknown(name: str) -> bool:
    return True


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


class RowList:
    """The state of a plan without a mergeable command: the rows themselves."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def start(self) -> list[Row]:
        return []

    def add(self, state: list[Row], rows: Iterable[Row]) -> None:
        state.extend(rows)

    def merge(self, first: list[Row], second: list[Row]) -> list[Row]:
        first.extend(second)
        return first

    def finish(self, state: list[Row]) -> Table:
        return Table(sorted(state, key=lambda row: row.order), self._columns)


class CompiledSearch(Struct, frozen=True, eq=False, dict=True):
    """A plan, and the code of its parts.

    `clause` is what every event must match first and `predicate` its code, which reads the fields `probe_fields` of a
    row (None: it may ask for any). The rows of events that match have the fields `row_fields`. `stream` runs the
    per-event stages behind the clause over rows, and `reducer` turns what comes out of them into a state. `expected`
    are the fields of which it is noted whether any event of an input has them: those without which the clause cannot be
    true, and those that no audit event has by itself. `bodies` are the bodies on whose fields it depends whether a row
    comes out. `selects_native` says whether the clause can match events as
    the input's source gives them (see `bind_source`). `sought` is the part of the clause by which the prefilter looks
    for lines, None for all of it.
    """

    plan: Plan
    context: Context
    clause: spl.Clause
    predicate: Predicate
    probe_fields: Wanted
    row_fields: Wanted
    rules: FlattenRules
    stream: Stream
    reducer: Mergeable
    expected: frozenset[str]
    bodies: frozenset[str] = frozenset()
    selects_native: bool = False
    sought: spl.Clause | None = None
    _choices: dict[tuple[str, str, str, str], bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the search is called in a profile."""
        return self.plan.name

    def selects(self, view: View) -> bool:
        """Whether the clause can match a view as far as its source, sourcetype, host and index tell."""
        key = (view.source, view.sourcetype, view.host, view.index)
        known = self._choices.get(key)
        if known is None:
            known = self._choices[key] = chooses(self.clause, view, self.context.env)
        return known

    def selected_view(self, event: AuditEvent) -> View | None:
        """The view of an event that the clause selects: the native one if it can; None if it can select neither."""
        if self.selects(event.view):
            return event.view
        carrier = event.carrier
        return carrier if carrier is not None and self.selects(carrier) else None

    def view(self, event: AuditEvent) -> View:
        """The view of an event that the search sees: the one that the clause selects, else the native one."""
        return self.selected_view(event) or event.view

    def present(self, names: Collection[str], row: Row) -> list[str]:
        """Those of some required fields that an event has. Fields of its bodies count only if no value outside the
        bodies rules the search out, so that bodies need not be decoded to rule it out."""
        found = [name for name in names if name in row]
        if not self._required_of_bodies.isdisjoint(found) and self.ruled_out(row):
            found = [name for name in found if name not in self._required_of_bodies]
        return found

    def ruled_out(self, row: Row) -> bool:
        """Whether a value outside the bodies tells that an event does not match."""
        return self._decide_without_bodies(row, _always_unknown) is False

    def undecided(self, row: Row, unknown: Callable[[str], bool]) -> bool:
        """Whether it cannot be decided if an event gives a row, where the values of some fields are unknown."""
        found = self._decide(row, unknown)
        if found is None:
            return True
        # The clause matches, but a later stage may drop the row for what is unknown.
        return found and any(map(unknown, self._decided_later))

    def table(self, state: object) -> Table:
        """The rows that a state of the reducer stands for: the input of the plan's remaining stages."""
        table = self.reducer.finish(state)
        reducer = self.plan.reducer
        if table.columns is None and reducer is not None:
            table.columns = reducer.command.columns(reducer.node, columns_after(self.plan.mapped, None))
        return table

    @cached_property
    def _required_of_bodies(self) -> frozenset[str]:
        return frozenset(filter(of_body, self.expected))

    @cached_property
    def _decided_later(self) -> frozenset[str]:
        return deciding_fields(self.plan.pipeline) - spl.fields(self.clause)

    # Clauses in three values are compiled when one is first asked for: most searches never ask.
    @cached_property
    def _decide(self) -> Deciding:
        return in_three_values(self.clause, self.context.env)

    @cached_property
    def _decide_without_bodies(self) -> Deciding:
        return in_three_values(self.clause, self.context.env, of_body)


def compile_search(plan: Plan, context: Context) -> CompiledSearch:
    """The search of a plan. Its commands get the context. Raises SearchError."""
    clause = with_latest(plan.base)
    switches = context.env.switches
    deciding = deciding_fields(plan.pipeline)
    strange = frozenset(name for name in deciding if not is_audit_field(name))
    probe_fields = None if "field-names-any-case" in switches else spl.fields(clause)
    if probe_fields is not None:
        probe_fields |= strange
    predicate = generate(clause, context.env)
    first = plan.mapped[0].node if plan.mapped else None
    # Only rows that match the clause reach the stream, so the first `search` need not run again.
    stream = chain(plan.mapped[1:] if isinstance(first, Search) else plan.mapped, context)
    if plan.reducer is None:
        reducer: Mergeable = RowList(columns_after(plan.mapped, None))
    else:
        assert plan.reducer.command.merge is not None
        reducer = plan.reducer.command.merge(plan.reducer.node, context)
    return CompiledSearch(
        plan,
        context,
        clause,
        predicate,
        probe_fields,
        None if probe_fields is None else plan.wanted,
        rules_of(switches),
        stream,
        reducer,
        required_fields(clause) | strange,
        _bodies_of({*deciding, *spl.fields(clause)}),
    )


def _bodies_of(names: Set[str]) -> frozenset[str]:
    """The bodies on which fields hang. Any text may stand in a body."""
    return frozenset(BODIES) if "_raw" in names else frozenset(head_of(name) for name in names if of_body(name))


def bind_source(search: CompiledSearch, native: View) -> CompiledSearch:
    """The search over a source whose native events look like this, apart from their members."""
    return replace(search, selects_native=search.selects(native))


def narrowed(search: CompiledSearch, clause: spl.Clause) -> CompiledSearch:
    """The search over the events that also match a clause about members of the event, by which alone lines are looked
    for. It is not noted which fields the events have."""
    both = spl.And((clause, search.clause))
    return replace(
        search,
        clause=both,
        predicate=generate(both, search.context.env),
        probe_fields=None if search.probe_fields is None else search.probe_fields | spl.fields(clause),
        expected=frozenset(),
        bodies=frozenset(),
        sought=clause,
    )
