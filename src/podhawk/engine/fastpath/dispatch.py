"""Which searches want a decoded line, and what each takes of it: as counted values, as rows, or as the line itself.

What a clause said of a combination of values is remembered, and for searches that may want the same lines
together what all of their clauses said of it: the same few users do the same few things to the same resources, and
most lines cost one look into a dict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podhawk.commands.declare import Counting
from podhawk.engine.fastpath.clause_index import Index
from podhawk.engine.fastpath.counts import fills, order_free
from podhawk.engine.fastpath.decoder import FIXED, UNSET, Bodies, Values, bodied, head_of, of_body, reader, value_of
from podhawk.engine.fastpath.row_filter import MOST_REMEMBERED, UNIQUE, gate_of
from podhawk.engine.plan.lineage import volatility
from podhawk.engine.search.collectors import GatherJob
from podhawk.functions.declare import Volatility
from podhawk.rows import Filled, OrderKey, Row, Value

if TYPE_CHECKING:
    from podhawk.engine.search.compiled import ScanJob


class Server:
    """How one search takes what its clause wants: as counted values (of the by-fields, or of all it needs), as rows,
    or as the line itself.

    `filled` is what stands where a by-field is missing, for a search that only counts by fields. Any other search
    for which the order of rows is nothing is given each combination of values once, with its number, unless one of
    its fields is another for each event.
    """

    def __init__(self, job: ScanJob, names: frozenset[str], fixed: dict[str, str]) -> None:
        self.job = job
        self.fixed = fixed
        self.timed = "_time" in names or not order_free(job)
        self.body_names = frozenset(filter(of_body, names))
        self.bodied = bodied({head_of(name) for name in self.body_names})
        self.names = sorted(name for name in names - self.body_names if name != "_time")
        self.read = reader(self.names)
        self.counts: dict[Values, int] = {}
        self.gathers = isinstance(job, GatherJob)
        self.filled = fills(job)
        chance = volatility((*job.plan.mapped, *filter(None, (job.plan.reducer,)))) is Volatility.VOLATILE
        self.counting = self.filled is not None or not (self.timed or names & UNIQUE or chance)
        if self.filled is not None:
            assert isinstance(job.reducer, Counting)
            self.bodied = None
            self.read = reader(job.reducer.by)
        # What is gathered tells more than rows: a stage that a later filter drops still belongs to its request.
        self.gate = None if self.counting or self.gathers else gate_of(job.plan, fixed, job.context)
        self.only_counts = self.counting and self.bodied is None and not self.gathers

    def row(self, values: Values, bodies: dict[str, Value], order: OrderKey | None) -> Row:
        """The row of an event."""
        row = Row(self.fixed)
        for name, raw in zip(self.names, values, strict=True):
            value = value_of(raw)
            if value is not None:
                row[name] = value
        row.update(bodies)
        if order is not None:
            row["_time"] = int(-order.time) if order.time == int(order.time) else -order.time
            row.order = order
        return row

    def count(self, values: Values) -> None:
        """Take a combination of values once more."""
        counts = self.counts
        counts[values] = counts.get(values, 0) + 1
        self.job.observed.matched += 1
        if len(counts) >= MOST_REMEMBERED:
            self.settle()

    def settle(self) -> None:
        """Hand what was counted to the state of the search."""
        run = self.job.reducer
        if not self.counts or not isinstance(run, Counting):
            return
        state, filled = self.job.state, self.filled
        if filled is None:
            observed = self.job.observed
            for values, count in self.counts.items():
                observed.times = count
                for row in self.job.stream((self.row(values, {}, None),)):
                    run.add_times(state, row, count)
            observed.times = 1
        else:
            columns = [_Column(Filled(filled[name]) if name in filled else None) for name in run.by]
            for values, count in self.counts.items():
                run.add_counted(state, tuple([column[raw] for column, raw in zip(columns, values, strict=True)]), count)
        self.counts.clear()


class _Column(dict[Any, Any]):
    """The values of a by-field by what was decoded, worked out once for each; `fill` where there is none."""

    def __init__(self, fill: Filled | None) -> None:
        super().__init__()
        self._fill = fill

    def __missing__(self, raw: Any) -> Any:
        value = value_of(raw)
        found = self[raw] = self._fill if value is None else value
        return found


class Clause:
    """Searches with the same first clause: asked once for each combination of values. Those that need the whole of what
    they want have no server, and make the clause `entire`: what it wants goes the long way."""

    def __init__(self, names: frozenset[str], fixed: dict[str, str]) -> None:
        self.jobs: list[ScanJob] = []
        self.servers: list[Server] = []
        self.entire = False
        self.fixed = fixed
        self.body_names = frozenset(filter(of_body, names))
        self.heads = {head_of(name) for name in self.body_names}
        self.bodied = bodied(self.heads)
        self.names = sorted(names - self.body_names - set(FIXED))
        self.read = reader(self.names)
        self.known: dict[Values, bool] = {}

    def wants(self, event: Any) -> bool:
        """Whether the searches want an event that has none of the bodies that they ask for."""
        values = self.read(event)
        found = self.known.get(values)
        if found is None:
            if len(self.known) >= MOST_REMEMBERED:
                self.known.clear()
            found = self.known[values] = self._ask(values, {})
        return found

    def wants_with(self, event: Any, bodies: Bodies) -> bool:
        """The same of one that has. Raises `BadJSON` where only the long way can read them."""
        return self._ask(self.read(event), bodies.fields(self.body_names))

    def ruled_out(self, event: Any) -> bool:
        """Whether a value outside the bodies says that the searches do not want an event."""
        row = self._row(self.read(event))
        for job in self.jobs:
            job.see(row)
        return self.jobs[0].ruled_out(row)

    def _ask(self, values: Values, bodies: dict[str, Value]) -> bool:
        row = self._row(values)
        row.update(bodies)
        for job in self.jobs:
            job.see(row)
        return self.jobs[0].test(row)

    def _row(self, values: Values) -> Row:
        row = Row(self.fixed)
        for name, raw in zip(self.names, values, strict=True):
            value = value_of(raw)
            if value is not None:
                row[name] = value
        return row


Hits = tuple[Clause, ...] | Server | None
"""The clauses that want a line; where all that it does is to be counted by one server, that server; None where it must
go the long way."""


class Group:
    """The clauses of searches that may want the same lines.

    What they all said of a combination of values is remembered in `known`, for events without any body that they ask
    for (`bodied` says of an event whether it has one).
    """

    def __init__(self, clauses: Sequence[Clause]) -> None:
        self._clauses = clauses
        self._index = Index([clause.jobs[0].base for clause in clauses])
        self._names = sorted(set().union(*(clause.names for clause in clauses)))
        self.bodied = bodied(set().union(*(clause.heads for clause in clauses)))
        self.read = reader(self._names)
        self.known: dict[Values, Hits] = {}
        self._of_bodies = [clause for clause in clauses if clause.heads]
        self._others: dict[Values, tuple[tuple[Clause, ...], tuple[Clause, ...]]] = {}

    @property
    def remembered(self) -> int:
        """How many combinations are remembered."""
        return len(self.known) + len(self._others)

    def forget(self) -> None:
        """Let go what is remembered."""
        self.known.clear()
        self._others.clear()

    def learn(self, event: Any, values: Values) -> Hits:
        """What the clauses say of an event without such a body; remembered under its values."""
        if len(self.known) >= MOST_REMEMBERED:
            self.known.clear()
        found = self.known[values] = _served(tuple([one for one in self._asked(values) if one.wants(event)]))
        return found

    def ask(self, event: Any) -> Hits:
        """What they say of one with such a body. Those that read bodies are asked each time, unless the rest of the
        event, of which that is remembered, rules them out."""
        values = self.read(event)
        known = self._others.get(values)
        if known is None:
            if len(self._others) >= MOST_REMEMBERED:
                self._others.clear()
            hits = tuple([one for one in self._asked(values) if not one.heads and one.wants(event)])
            known = self._others[values] = hits, tuple([one for one in self._of_bodies if not one.ruled_out(event)])
        hits, asked = known
        if asked:
            bodies = Bodies(event)
            hits = (*hits, *[one for one in asked if one.wants_with(event, bodies)])
        return _served(hits)

    def _asked(self, values: Values) -> list[Clause]:
        """The clauses that these values may satisfy. The others see which fields there are all the same."""
        held = dict(zip(self._names, values, strict=True))
        numbers = set(self._index.of(held))
        there = {name for name, raw in held.items() if raw is not UNSET and raw != ()}
        for number, clause in enumerate(self._clauses):
            if number not in numbers:
                for job in clause.jobs:
                    if job.observed.unseen:
                        job.observed.unseen.difference_update(there, FIXED)
        return [self._clauses[number] for number in sorted(numbers)]


def _served(hits: tuple[Clause, ...]) -> Hits:
    if any(clause.entire for clause in hits):
        return None
    if len(hits) == 1 and len(hits[0].servers) == 1 and hits[0].servers[0].only_counts:
        return hits[0].servers[0]
    return hits
