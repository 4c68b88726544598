"""The batch runner: searches over files, one scan for all of them.

Every search, and every leg of a search that reads events (`append`, `join`, `union` …), is a job; one
pass over the input offers each event to all jobs. Subsearches inside a search clause must be known
before the scan, so they run first, with a scan of their own. A `map` runs its searches when its rows
are known.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.search import Search
from podhawk.engine.fastpath.reader import FastPath, fast_path_for
from podhawk.engine.plan.planner import Plan, make_plan
from podhawk.engine.plan.stages import run_stages
from podhawk.engine.plan.subsearches import has_subsearch, replace_subsearches
from podhawk.engine.prefilter import newlines as lines
from podhawk.engine.prefilter.literals import CARRIED, groups_of
from podhawk.engine.prefilter.prefilter import Prefilter, prefilter_for
from podhawk.engine.run.scan_profile import scanned
from podhawk.engine.run.workers import scan_in_parallel
from podhawk.engine.search.collectors import GatherJob
from podhawk.engine.search.compiled import Observed, Rows, ScanJob
from podhawk.engine.search.precheck import Precheck
from podhawk.engine.search.rows import metadata, order_of, row_of
from podhawk.events.candidates import NO_SHORTCUTS, Candidate, Shortcuts
from podhawk.events.event import View
from podhawk.events.options import InputReport
from podhawk.events.splits import Piece
from podhawk.rows import Row, Table
from podhawk.runtime import rare_collection


class EventSource(Protocol):
    """Where events come from; may be read more than once. `unread` says that it has not been yet."""

    report: InputReport
    unread: bool

    def plain(self) -> bool:
        """Whether events have the time that the fast path reads."""

    def numbers(self) -> Mapping[str, int]:
        """Where each file stands in the input."""

    def sample(self) -> bytes:
        """Some bytes of the input, to see what is rare in it; nothing where that cannot be had."""

    def pieces(self, size: int) -> list[Piece] | None:
        """The input in pieces of whole lines; None if it cannot be cut."""

    def split_candidates(
        self, piece: Piece, report: InputReport, shortcuts: Shortcuts = NO_SHORTCUTS
    ) -> Iterator[Candidate]:
        """The candidates of one piece."""

    def native(self) -> View:
        """The native view of an event without members: its source, sourcetype, host and index."""

    def candidates(self, shortcuts: Shortcuts = NO_SHORTCUTS) -> Iterator[Candidate]:
        """All events that the shortcuts leave, in the order of the input."""


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

    prefilter = _prefilter(jobs)
    lines.expect(_size(source) // max(workers, 1))
    sample = source.sample() if prefilter is not None else b""
    if prefilter is not None and sample:
        prefilter.prepare(sample)
    work = PieceWork(jobs, source, within, prefilter)
    if scan_in_parallel(jobs, source, workers, work):
        source.unread = False
        return
    first = source.unread
    fast_path = _fast_path(jobs, source, within, (0,), prefilter is not None)
    shortcuts = Shortcuts(prefilter, _precheck(jobs, source, prefilter), fast_path)
    with scanned(jobs, prefilter, fast_path is not None):
        _feed(jobs, source.candidates(shortcuts), within, numbers=source.numbers())
        if fast_path is not None:
            fast_path.account(source.report if first else InputReport())
            fast_path.settle()


def _size(source: EventSource) -> int:
    """The bytes of the files, as they lie there."""
    size = 0
    for path in source.numbers():
        with contextlib.suppress(OSError):  # reading it will tell
            size += os.path.getsize(path)
    return size


class PieceWork:
    """Maps pieces of the input to the states of the jobs, in whatever process.

    What clauses said of values holds from piece to piece, and counts of values may go on as well: they are in the
    states only after `settle`.
    """

    def __init__(
        self, jobs: Sequence[ScanJob], source: EventSource, within: TimeRange, prefilter: Prefilter | None = None
    ) -> None:
        self._jobs, self._source, self._within = jobs, source, within
        self._prefilter = prefilter if prefilter is not None else _prefilter(jobs)
        self._precheck = _precheck(jobs, source, self._prefilter)
        self._fast_path: FastPath | None = None

    def __call__(self, piece: Piece, report: InputReport) -> None:
        """Take a piece. What was counted of a piece that cannot be read to its end is forgotten, with all before it
        that has not been settled."""
        prefilter, place = self._prefilter, (piece.file, piece.number)
        if prefilter is not None and not prefilter.prepared and not piece.whole:
            prefilter.prepare(next(iter(piece.blocks()), b""))
        fast_path, self._fast_path = self._fast_path, None
        if fast_path is None:
            fast_path = _fast_path(self._jobs, self._source, self._within, place, prefilter is not None)
        else:
            fast_path.move(place)
        shortcuts = Shortcuts(prefilter, self._precheck, fast_path)
        _feed(self._jobs, self._source.split_candidates(piece, report, shortcuts), self._within, place)
        if fast_path is not None:
            fast_path.account(report)
        self._fast_path = fast_path

    def settle(self) -> None:
        """Hand what was counted to the states."""
        fast_path, self._fast_path = self._fast_path, None
        if fast_path is not None:
            fast_path.settle()
            self._fast_path = fast_path


def _fast_path(
    jobs: Sequence[ScanJob], source: EventSource, within: TimeRange, place: tuple[int, ...], prefiltered: bool
) -> FastPath | None:
    """The fast path from lines to rows, where there is no time to look at first, nor another one than it reads."""
    if within != TimeRange() or not source.plain():
        return None
    return fast_path_for(jobs, dict(metadata(source.native())), place, source.numbers(), prefiltered)  # type: ignore[arg-type]


def _prefilter(jobs: Sequence[ScanJob]) -> Prefilter | None:
    return prefilter_for([groups_of(job.base) if job.selects_native else CARRIED for job in jobs])


def _precheck(
    jobs: Sequence[ScanJob], source: EventSource, prefilter: Prefilter | None
) -> Callable[[dict[str, Any], frozenset[int]], frozenset[int]] | None:
    """The precheck of lines that a prefilter selects: without one every line is for all searches."""
    if prefilter is None:
        return None
    return Precheck(jobs, dict(metadata(source.native()))).narrow  # type: ignore[arg-type]


def _feed(
    jobs: Sequence[ScanJob],
    candidates: Iterable[Candidate],
    within: TimeRange,
    place: tuple[int, ...] = (),
    numbers: Mapping[str, int] | None = None,
) -> None:
    """Offer candidates to the jobs that may want them; `place` is where a piece stands in the input, else `numbers`
    says so of each file."""
    named = [job.probe_fields for job in jobs]
    probe_fields = None if None in named else frozenset().union(*(names for names in named if names is not None))
    for candidate in candidates:
        event, searches = candidate.event, candidate.searches
        if not within.holds(event.time):
            continue
        order = order_of(event, place or ((numbers or {}).get(event.origin.file, 0),))
        probes: dict[int, Row] = {}
        rows: Rows = {}
        for number, job in enumerate(jobs):
            if searches is not None and number not in searches:
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
