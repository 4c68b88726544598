"""The quick way from a line to what searches need of it, for events that are as the API server writes them.

A line is decoded into a struct with just the members that any search needs (`shape`). Searches with the same first
clause are asked once, and what clauses said of a combination of values is remembered (`serving`).

A search that counts by fields (`… | fillnull | stats count by …`) needs no rows at all: the values of the
fields are counted as they come, and handed to the state as counts. For any other a row is made.

What cannot be told here goes the long way, with the same result: nothing is taken into account before it
is certain that the whole line can be.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from podhawk.commands.stats import StatsRun
from podhawk.engine.fastpath.counts import counting, counting_lines, only_counts
from podhawk.engine.fastpath.decoder import (
    FIXED,
    NOT_OF_SHAPE,
    SOUND,
    UNSET,
    Bodies,
    Shape,
    Values,
    reachable,
    sound,
    value_of,
)
from podhawk.engine.fastpath.dispatch import Clause, Group, Server
from podhawk.engine.fastpath.row_filter import MOST_REMEMBERED
from podhawk.events.fields import FlattenRules
from podhawk.events.kept import KeptLine
from podhawk.events.options import InputReport
from podhawk.events.reasons import METHODS
from podhawk.events.sifting import FoundLine, LineNumbers
from podhawk.events.time import parse_rfc3339
from podhawk.rows import OrderKey, Row

if TYPE_CHECKING:
    from podhawk.engine.search.compiled import ScanJob

_NEW: Any = object()
MOST_GROUPS = 1024
"""Sets of searches that may want the same lines, remembered at a time."""


class Wanting(Protocol):
    """A sieve: `current` are the searches that may want the line at hand, None for all."""

    current: frozenset[int] | None


def needed(job: ScanJob) -> frozenset[str] | None:
    """The fields that a search needs of an event; None if it cannot be served this way. One that selects events of a
    carrier only needs nothing of those that have none."""
    if not job.selects_native:
        return frozenset()
    asked = asked_for(job)
    if asked is None or job.needs is None:
        return None
    names = (job.needs | asked) - set(FIXED)
    if "_raw" in names or not all(name == "_time" or reachable(name) for name in names):
        return None
    return names


def asked_for(job: ScanJob) -> frozenset[str] | None:
    """The fields that a search's first clause asks for; None if it cannot be asked this way."""
    probe = job.probe_fields
    if probe is None or job.rules != FlattenRules():
        return None
    names = probe - set(FIXED)
    return names if all(name not in ("_raw", "_time") and reachable(name) for name in names) else None


class Quick:
    """Takes lines for a set of searches; those in `fields` that are None cannot be served this way, but at least asked
    whether they want a line."""

    def __init__(
        self,
        jobs: Sequence[ScanJob],
        fields: Sequence[frozenset[str] | None],
        fixed: dict[str, str],
        place: tuple[int, ...],
        numbers: Mapping[str, int],
        sieve: Wanting | None,
    ) -> None:
        self._jobs = jobs
        self._whole = len(place) == 1
        self._place = place
        self._path = ""
        self._numbers = numbers
        self._sieve = sieve
        self._lines: LineNumbers | None = None
        self._before = 0
        asked = [asked_for(job) if job.selects_native else None for job in jobs]
        self._shape = Shape(frozenset().union(*(names for names in (*fields, *asked) if names is not None)))
        self._decode = self._shape.decode
        self._annotated = self._shape.annotated
        self._clauses: list[Clause | None] = []
        self._carried = frozenset(number for number, job in enumerate(jobs) if not job.selects_native)
        same: dict[Any, Clause] = {}
        for job, names, probe in zip(jobs, fields, asked, strict=True):
            if probe is None:
                self._clauses.append(None)
                continue
            clause = same.get(job.base)
            if clause is None or job.context.env.switches != clause.jobs[0].context.env.switches:
                clause = same[job.base] = Clause(probe, fixed)
            clause.jobs.append(job)
            if names is None:
                clause.entire = True
            else:
                clause.servers.append(Server(job, names, fixed))
            self._clauses.append(clause)
        self._groups: dict[frozenset[int] | None, Group | None] = {}
        self._new = 0  # lines since it was looked how much these remember
        self._seen: defaultdict[tuple[frozenset[int] | None, Any, Any], int] = defaultdict(int)
        self._counted: dict[Values, int] = {}
        self._counter: StatsRun | None = None
        self.take: Callable[[bytes, int], bool] = self._take
        self.take_lines: Callable[[bytes, int, int], int] | None = None
        only = jobs[0]
        if (
            sieve is None
            and len(jobs) == 1
            and only.selects_native
            and isinstance(only.reducer, StatsRun)
            and only_counts(only, only.reducer)
        ):
            self._counter = only.reducer
            self.take = counting(self._shape, only.reducer.node.by, self._counted)
            self.take_lines = counting_lines(self._shape, only.reducer.node.by, self._counted)

    def _group(self, numbers: Any) -> Group | None:
        """The clauses of some searches; None if one of these cannot be served."""
        found: dict[int, Clause] = {}
        for number in numbers:
            clause = self._clauses[number]
            if clause is not None:
                found[id(clause)] = clause
            elif number not in self._carried:
                return None
        return Group(tuple(found.values()))

    def move(self, place: tuple[int, ...]) -> None:
        """The next lines come from another piece of the input."""
        self._place = place

    def open(self, path: str) -> None:
        """A file begins: from it come the next lines."""
        self._path = path
        if self._whole:
            self._place = (self._numbers.get(path, 0),)

    def take_found(self, found: Sequence[FoundLine], numbers: LineNumbers, before: int) -> list[FoundLine]:
        """Take lines that the sieve found after `before` others; gives back those that must go the long way, with their
        numbers within the block."""
        offer = self._offer
        self._lines, self._before = numbers, before
        self._new += len(found)
        if self._new >= MOST_REMEMBERED // 8:
            self._forget()
        left = [
            (numbers.before(place), line, wanted)
            for place, line, wanted in found
            if line[:1] != b"{" or b"\n" in line or not offer(line, place, wanted)
        ]
        self._lines = None
        return left

    def _forget(self) -> None:
        """Let go what groups remember, where together they remember too much."""
        self._new = 0
        groups = [group for group in self._groups.values() if group is not None]
        if sum([group.remembered for group in groups]) >= MOST_REMEMBERED:
            for group in groups:
                group.forget()

    def _take(self, line: bytes, number: int) -> bool:
        """Take a line; False if it must go the long way."""
        return self._offer(line, number, self._sieve.current if self._sieve is not None else None)

    def _number(self, at: int) -> int:
        """The number of a line, which of one that the sieve found is worked out when it is asked for."""
        return at if self._lines is None else self._before + self._lines.before(at) + 1

    def _offer(self, line: bytes, at: int, wanted: frozenset[int] | None) -> bool:
        try:
            group = self._groups[wanted]
        except KeyError:
            if len(self._groups) >= MOST_GROUPS:  # a log can be made to hold any combination of literals
                self._groups.clear()
            group = self._groups[wanted] = self._group(range(len(self._jobs)) if wanted is None else wanted)
        if group is None:
            return False
        try:
            event = self._decode(line)
            if event.verb in METHODS:
                return False  # a method as other products log it, which the long way turns into a verb
            annotations = event.annotations
            if self._annotated:
                if not annotations.keys() <= SOUND and not sound(annotations):
                    return False
            elif annotations.truncated is not UNSET:
                return False
            if group.bodied is None or not group.bodied(event):
                values = group.read(event)
                hits = group.known.get(values, _NEW)
                if hits is _NEW:
                    hits = group.learn(event, values)
            else:
                hits = group.ask(event)
            if hits:
                if hits.__class__ is Server:
                    hits.count(hits.read(event))
                else:
                    self._serve(event, line, at, hits)
            elif hits is None:
                return False
            self._seen[wanted, event.stage, event.level] += 1
        except NOT_OF_SHAPE:
            return False
        return True

    def _serve(self, event: Any, line: bytes, at: int, hits: tuple[Clause, ...]) -> None:
        number = 0
        order: OrderKey | None = None
        dropped: list[Server] = []
        gathered: list[Server] = []
        rows: list[tuple[Server, Row]] = []
        counted: list[tuple[Server, Values]] = []
        bodies = Bodies(event)
        for clause in hits:
            for server in clause.servers:
                if server.gate is not None and not server.gate.passes(event):
                    dropped.append(server)
                    continue
                if server.gathers:
                    gathered.append(server)
                    continue
                values = server.read(event)
                with_body = server.bodied is not None and server.bodied(event)
                if server.counting and not with_body:
                    counted.append((server, values))
                    continue
                if server.timed and order is None:
                    number = self._number(at)
                    order = self._order(event, number)
                fields = bodies.fields(server.body_names) if with_body else {}
                rows.append((server, server.row(values, fields, order if server.timed else None)))
        # From here on nothing can go wrong: the line has been taken.
        kept = KeptLine(self._path, number or self._number(at), line) if gathered else None
        for server in dropped:
            server.job.observed.matched += 1
        for server in gathered:
            server.job.observed.matched += 1
            server.job.state.append(kept)
        for server, values in counted:
            server.count(values)
        for server, row in rows:
            server.job.observed.matched += 1
            server.job.keep(row)

    def _order(self, event: Any, number: int) -> OrderKey:
        received, stage = event.requestReceivedTimestamp, event.stageTimestamp
        time = parse_rfc3339(received) if received.__class__ is str else None
        staged = parse_rfc3339(stage) if stage.__class__ is str else None
        if time is None:
            raise msgspec.ValidationError("a time that only the slow path can determine")
        return OrderKey(-time, -(staged or 0.0), (*self._place, number, 0))

    def account(self, report: InputReport) -> None:
        """Say what has been taken since the last time."""
        looked: Counter[frozenset[int] | None] = Counter()
        for (stage, level, *values), count in self._counted.items():
            self._seen[None, stage, level] += count
            assert self._counter is not None
            self._jobs[0].observed.matched += count
            self._counter.add_counted(self._jobs[0].state, tuple(map(value_of, values)), count)
        for (wanted, stage, level), count in self._seen.items():
            looked[wanted] += count
            report.events += count
            report.by_stage[stage if stage.__class__ is str else "(none)"] += count
            report.by_level[level if level.__class__ is str else "(none)"] += count
            report.by_format["native"] += count
        for wanted, count in looked.items():
            for number in range(len(self._jobs)) if wanted is None else wanted:
                observed = self._jobs[number].observed
                observed.offered += count
                observed.selected += count * self._jobs[number].selects_native
        self._seen.clear()
        self._counted.clear()

    def settle(self) -> None:
        """Hand over what has been counted."""
        for clause in self._clauses:
            for server in clause.servers if clause is not None else ():
                server.settle()


def quick_for(
    jobs: Sequence[ScanJob],
    fixed: dict[str, str],
    place: tuple[int, ...],
    numbers: Mapping[str, int],
    sieve: Wanting | None = None,
) -> Quick | None:
    """The quick way for these searches; None if it can ask for none of them what they want, or without a sieve not
    serve all of them."""
    fields = [needed(job) for job in jobs]
    if not fields or (
        None in fields if sieve is None else all(job.selects_native and asked_for(job) is None for job in jobs)
    ):
        return None
    return Quick(jobs, fields, fixed, place, numbers, sieve)
