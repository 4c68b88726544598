"""The batch runner: searches over files, one scan for all of them.

Every search, and every leg of a search that reads events (`append`, `join`, `union` …), is a job; one
pass over the input offers each event to all jobs. Subsearches inside a search clause must be known
before the scan, so they run first, with a scan of their own. A `map` runs its searches when its rows
are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.search import Search
from podhawk.engine.fastpath.reader import Quick, quick_for
from podhawk.engine.plan.planner import Plan, make_plan
from podhawk.engine.plan.stages import run_stages
from podhawk.engine.plan.subsearches import has_subsearch, replace_subsearches
from podhawk.engine.prefilter import newlines as lines
from podhawk.engine.prefilter.literals import CARRIED, groups_of
from podhawk.engine.prefilter.prefilter import Sieve, sieve_for
from podhawk.engine.run.scan_profile import scanned
from podhawk.engine.run.workers import scan_in_parallel
from podhawk.engine.search.collectors import GatherJob
from podhawk.engine.search.compiled import Observed, Rows, ScanJob
from podhawk.engine.search.precheck import Screen
from podhawk.engine.search.rows import metadata, order_of, row_of
from podhawk.events.event import AuditEvent, View
from podhawk.events.options import InputReport
from podhawk.events.pieces import Piece
from podhawk.events.sifting import Take
from podhawk.rows import Row, Table
from podhawk.runtime import rare_collection


class EventSource(Protocol):
    """Where events come from; may be read more than once. `unread` says that it has not been yet."""

    report: InputReport
    unread: bool

    def plain(self) -> bool:
        """Whether events have the time that the quick way reads."""

    def numbers(self) -> Mapping[str, int]:
        """Where each file stands in the input."""

    def size(self) -> int:
        """Bytes of the files, as they lie there."""

    def sample(self) -> bytes:
        """Some bytes of the input, to see what is rare in it; nothing where that cannot be had."""

    def pieces(self, size: int) -> list[Piece] | None:
        """The input in pieces of whole lines; None if it cannot be cut."""

    def piece(
        self, piece: Piece, report: InputReport, sieve: Sieve | None = None, take: Take | None = None
    ) -> Iterator[AuditEvent]:
        """The events of one piece."""

    def start_of(self, piece: Piece) -> bytes:
        """The first bytes of a piece."""

    def native(self) -> View:
        """The native view of an event without members: its source, sourcetype, host and index."""

    def events(self, sieve: Sieve | None = None, take: Take | None = None) -> Iterator[AuditEvent]:
        """All events, in the order of the input: those that a sieve lets through, or that `take` leaves."""


class TimeRange(Struct, frozen=True):
    """`earliest <= time < latest`, in epoch seconds; None is open. Events without a time stay out."""

    earliest: float | None = None
    latest: float | None = None

    def holds(self, time: float | None) -> bool:
        if self.earliest is None and self.latest is None:
            return True
        return (
            time is not None
            and (self.earliest is None or time >= self.earliest)
            and (self.latest is None or time < self.latest)
        )


class Request(Struct):
    """A search to run: its pipeline and its surroundings."""

    pipeline: Pipeline
    context: Context
    observed: Observed = field(default_factory=Observed)


class Runner(Protocol):
    """Runs searches over one source, wherever the work is done."""

    def run(self, searches: Sequence[Request]) -> list[Table]:
        """The rows of each search, in the order given."""

    def gather(self, searches: Sequence[Request]) -> list[GatherJob]:
        """The events that the first clause of each search wants, in the order given."""


class Scan(Protocol):
    """Feeds jobs with the events of a source: what runners differ in."""

    def __call__(self, jobs: Sequence[ScanJob], source: EventSource, within: TimeRange, workers: int = 1) -> None: ...


def scan(jobs: Sequence[ScanJob], source: EventSource, within: TimeRange, workers: int = 1) -> None:
    """Offer events to the jobs: every event to every job, or where all jobs can say what a line must contain,
    to those that may want it. On several cores if there are `workers` and the input can be cut."""
    for job in jobs:
        job.know(source.native())

    sieve = _sieve(jobs, source)
    lines.expect(source.size() // max(workers, 1))
    sample = source.sample() if sieve is not None else b""
    if sieve is not None and sample:
        sieve.prepare(sample)
    work = PieceWork(jobs, source, within, sieve)
    if scan_in_parallel(jobs, source, workers, work):
        source.unread = False
        return
    first = source.unread
    quick = _quick(jobs, source, sieve, within, (0,))
    with scanned(jobs, sieve, quick is not None):
        _feed(jobs, source.events(sieve, quick), sieve, within, numbers=source.numbers())
        if quick is not None:
            quick.account(source.report if first else InputReport())
            quick.settle()


class PieceWork:
    """Maps pieces of the input to the states of the jobs, in whatever process.

    What clauses said of values holds from piece to piece, and counts of values may go on as well: they are in the
    states only after `settle`.
    """

    def __init__(
        self, jobs: Sequence[ScanJob], source: EventSource, within: TimeRange, sieve: Sieve | None = None
    ) -> None:
        self._jobs, self._source, self._within = jobs, source, within
        self._sieve = sieve if sieve is not None else _sieve(jobs, source)
        self._quick: Quick | None = None

    def __call__(self, piece: Piece, report: InputReport) -> None:
        """Take a piece. What was counted of a piece that cannot be read to its end is forgotten, with all before it
        that has not been settled."""
        sieve, place = self._sieve, (piece.file, piece.number)
        if sieve is not None and not sieve.prepared and not piece.whole:
            sieve.prepare(self._source.start_of(piece))
        quick, self._quick = self._quick, None
        if quick is None:
            quick = _quick(self._jobs, self._source, sieve, self._within, place)
        else:
            quick.move(place)
        _feed(self._jobs, self._source.piece(piece, report, sieve, quick), sieve, self._within, place)
        if quick is not None:
            quick.account(report)
        self._quick = quick

    def settle(self) -> None:
        """Hand what was counted to the states."""
        quick, self._quick = self._quick, None
        if quick is not None:
            quick.settle()
            self._quick = quick


def _quick(
    jobs: Sequence[ScanJob], source: EventSource, sieve: Sieve | None, within: TimeRange, place: tuple[int, ...]
) -> Quick | None:
    """The quick way from lines to rows, where there is no time to look at first, nor another one than it reads."""
    if within != TimeRange() or not source.plain():
        return None
    return quick_for(jobs, dict(metadata(source.native())), place, source.numbers(), sieve)  # type: ignore[arg-type]


def _sieve(jobs: Sequence[ScanJob], source: EventSource) -> Sieve | None:
    sieve = sieve_for([groups_of(job.base) if job.selects_native else CARRIED for job in jobs])
    if sieve is not None:
        sieve.look = Screen(jobs, dict(metadata(source.native()))).wants  # type: ignore[arg-type]
    return sieve


def _feed(
    jobs: Sequence[ScanJob],
    events: Iterator[AuditEvent],
    sieve: Sieve | None,
    within: TimeRange,
    place: tuple[int, ...] = (),
    numbers: Mapping[str, int] | None = None,
) -> None:
    """Offer events to the jobs; `place` is where a piece stands in the input, else `numbers` says so of each file."""
    named = [job.probe_fields for job in jobs]
    probe_fields = None if None in named else frozenset().union(*(names for names in named if names is not None))
    for event in events:
        if not within.holds(event.time):
            continue
        wanted = sieve.current if sieve is not None else None
        order = order_of(event, place or ((numbers or {}).get(event.origin.file, 0),))
        probes: dict[int, Row] = {}
        rows: Rows = {}
        for number, job in enumerate(jobs):
            if wanted is not None and number not in wanted:
                continue
            view = job.view(event)
            probe = probes.get(id(view))
            if probe is None:
                probe = probes[id(view)] = row_of(event, view, probe_fields, order, job.rules)
            job.offer(event, view, probe, order, rows)
    for job in jobs:
        job.flush()


class BatchRunner:
    """Runs searches over one source. `tables` holds the results of legs that were scanned along."""

    def __init__(
        self, source: EventSource, within: TimeRange | None = None, workers: int = 1, scan: Scan = scan
    ) -> None:
        self.source = source
        self.scan = scan
        self.workers = workers
        self.within = within if within is not None else TimeRange()
        self.tables: dict[int, Table] = {}
        self.kept: list[Pipeline] = []

    def gather(self, searches: Sequence[Request]) -> list[GatherJob]:
        """The events that the first clause of each search wants, in the order given."""
        jobs = [
            GatherJob(plan, search.context, search.observed)
            for plan, search in zip(self._plans(searches), searches, strict=True)
        ]
        if jobs:
            with rare_collection():
                self.scan(jobs, self.source, self.within, self.workers)
        return jobs

    def run(self, searches: Sequence[Request]) -> list[Table]:
        """The rows of each search, in the order given. Raises SearchError before anything is read."""
        with rare_collection():
            return self._run(searches)

    def _run(self, searches: Sequence[Request]) -> list[Table]:
        plans = self._plans(searches)
        jobs = [
            ScanJob(plan, search.context, search.observed) if not plan.pipeline.generates else None
            for plan, search in zip(plans, searches, strict=True)
        ]
        legs = self._leg_jobs(plans, searches)
        scanned = [job for job in jobs if job is not None] + [job for _, job in legs]
        if scanned:
            self.scan(scanned, self.source, self.within, self.workers)
        for leg, job in legs:
            self.tables[id(leg)] = job.finish()
            self.kept.append(leg)
        return [
            job.finish() if job is not None else run_stages(plan.pipeline.stages, Table(), search.context)
            for job, plan, search in zip(jobs, plans, searches, strict=True)
        ]

    def _plans(self, searches: Sequence[Request]) -> list[Plan]:
        """The plans of searches, their subsearches run and put in place."""
        plans: list[Plan] = []
        for search in searches:
            self._connect(search)
            plans.append(make_plan(search.pipeline, search.context))
            for leg in _legs(plans[-1].pipeline):
                make_plan(leg, search.context)
        for number, search in enumerate(searches):
            if has_subsearch(plans[number].pipeline):
                resolved = self._resolve(plans[number].pipeline, search)
                plans[number] = make_plan(resolved, search.context)
        return plans

    def _connect(self, search: Request) -> None:
        """Give a search's commands the means to run what they hold."""
        context = search.context
        context.env.warn = search.observed.warn
        context.run = lambda pipeline: self._leg(pipeline, search)
        context.run_stages = lambda stages, table: run_stages(stages, table, context)

    def _leg(self, pipeline: Pipeline, search: Request) -> Table:
        known = self.tables.get(id(pipeline))
        if known is not None:
            return Table([row.copy() for row in known.rows], known.columns)
        inner = Request(pipeline, replace(search.context, env=replace(search.context.env)))
        table = BatchRunner(self.source, self.within, self.workers, self.scan).run([inner])[0]
        for kind, count in inner.observed.warnings.items():
            search.observed.warnings[kind] += count
            search.observed.details.setdefault(kind, inner.observed.details[kind])
        return table

    def _leg_jobs(self, plans: Sequence[Plan], searches: Sequence[Request]) -> list[tuple[Pipeline, ScanJob]]:
        found: list[tuple[Pipeline, ScanJob]] = []
        for plan, search in zip(plans, searches, strict=True):
            for leg in _legs(plan.pipeline):
                if not leg.generates and not has_subsearch(leg):
                    found.append((leg, ScanJob(make_plan(leg, search.context), search.context, Observed())))
        return found

    def _resolve(self, pipeline: Pipeline, search: Request) -> Pipeline:
        stages: list[Stage] = []
        for stage in pipeline.stages:
            if isinstance(stage.node, Search):
                clause = replace_subsearches(stage.node.clause, search.context.run, search.context.warn)
                stage = replace(stage, node=Search(clause))
            stages.append(stage)
        return Pipeline(tuple(stages), pipeline.source)


def _legs(pipeline: Pipeline) -> Iterable[Pipeline]:
    """Every pipeline that the stages of a pipeline run over the input, legs of legs included."""
    for stage in pipeline.stages:
        for leg in stage.command.legs(stage.node):
            yield leg
            yield from _legs(leg)
