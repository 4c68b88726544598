"""The batch runner: searches over one source, with one scan for all of them.

Every search, and every leg of a search that reads events (`append`, `join`, `union` …), has a collector, and one scan
of the input offers each event to all of them. Subsearches inside a search clause must be known before the scan, so they
run first, with a scan of their own. A `map` runs its searches when its rows are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline
from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.engine.plan.planner import Plan, make_plan
from podhawk.engine.plan.stages import run_stages
from podhawk.engine.plan.subsearches import has_subsearch, resolved
from podhawk.engine.run.scan import Scan, scan
from podhawk.engine.run.source import EventSource, TimeRange
from podhawk.engine.search.collectors import Collector, EventCollector, RowCollector
from podhawk.engine.search.compiled import CompiledSearch, bind_source, compile_search
from podhawk.engine.search.stats import SearchStats
from podhawk.rows import Table
from podhawk.runtime import rare_collection


class SearchJob(Struct, frozen=True):
    """A search to run: its pipeline, the context of its commands, and the stats of what it met.

    The job has a context of its own, made from the one that is given. Warnings of its commands go to its stats.
    """

    pipeline: Pipeline
    context: Context
    stats: SearchStats = field(default_factory=SearchStats)

    def __post_init__(self) -> None:
        env = replace(self.context.env, warn=self.stats.warn)
        force_setattr(self, "context", replace(self.context, env=env))


class Runner(Protocol):
    """Runs searches over one source, wherever the work is done."""

    def run(self, searches: Sequence[SearchJob], *, masked: bool = True) -> list[Table]:
        """The rows of each search, in the order given, from events whose secrets are masked if the source says so, or
        as they are read."""

    def gather(self, searches: Sequence[SearchJob]) -> list[EventCollector]:
        """The events that the first clause of each search wants, in the order given. They are judged and kept as they
        are read: whoever keeps or shows more of them than their number must mask them."""

    def gather_and_count(
        self, searches: Sequence[SearchJob], counted: Sequence[SearchJob]
    ) -> tuple[list[EventCollector], list[int]]:
        """The same in one scan with other searches, which have no legs, and how many rows each of these gives."""


class _Planned(Struct, frozen=True):
    """A job with its plan and the context that its commands are given."""

    job: SearchJob
    plan: Plan
    context: Context


class CompiledJobs(Struct):
    """Jobs that are run over one source after another, compiled once. A search with a subsearch is compiled anew for
    each source, since the subsearch gives other rows there."""

    jobs: Sequence[SearchJob]
    known: dict[int, tuple[SearchJob, _Planned, CompiledSearch]] = field(default_factory=dict)
    """By the id of the job, which is kept alive."""

    def lasts(self, job: SearchJob) -> bool:
        """Whether a job is one of those that are run again."""
        return any(one is job for one in self.jobs) and not has_subsearch(job.pipeline)


class BatchRunner:
    """Runs searches over one source. `scan` does the reading, by default here and on `workers` cores. `compiled` keeps
    what jobs were compiled to, for a later runner over another source whose native events look alike."""

    def __init__(
        self,
        source: EventSource,
        within: TimeRange | None = None,
        workers: int = 1,
        scan: Scan = scan,
        options: EngineOptions = DEFAULTS,
        compiled: CompiledJobs | None = None,
    ) -> None:
        self._source = source
        self._within = within if within is not None else TimeRange()
        self._workers = workers
        self._scan = scan
        self._options = options
        self._kept = compiled
        self._tables: dict[int, tuple[Pipeline, Table]] = {}
        """The results of legs that were scanned along, by the id of the pipeline, which is kept alive."""

    def gather(self, searches: Sequence[SearchJob]) -> list[EventCollector]:
        """The events that the first clause of each search wants, in the order given."""
        return self.gather_and_count(searches, ())[0]

    def gather_and_count(
        self, searches: Sequence[SearchJob], counted: Sequence[SearchJob]
    ) -> tuple[list[EventCollector], list[int]]:
        """The same in one scan with other searches, which have no legs, and how many rows each of these gives."""
        collectors = [EventCollector(search, job.stats) for job, search in self._searches(searches)]
        others = [RowCollector(search, job.stats) for job, search in self._searches(counted)]
        if collectors or others:
            with rare_collection(), self._source.unmasked():
                every: list[Collector] = [*collectors, *others]
                self._scan(every, self._source, self._within, self._workers, self._options)
        return collectors, [len(one.finish().rows) for one in others]

    def run(self, searches: Sequence[SearchJob], *, masked: bool = True) -> list[Table]:
        """The rows of each search, in the order given. Raises SearchError before anything is read."""
        with rare_collection(), nullcontext() if masked else self._source.unmasked():
            return self._run(searches)

    def _run(self, searches: Sequence[SearchJob]) -> list[Table]:
        planned = self._planned(searches)
        collectors = [
            RowCollector(self._compiled(one.plan, one.context), one.job.stats)
            if not one.plan.pipeline.generates
            else None
            for one in planned
        ]
        legs = self._leg_collectors(planned)
        scanned = [one for one in collectors if one is not None] + [collector for _, collector in legs]
        if scanned:
            self._scan(scanned, self._source, self._within, self._workers, self._options)
        for leg, collector in legs:
            self._tables[id(leg)] = leg, collector.finish()
        return [
            collector.finish() if collector is not None else run_stages(one.plan.pipeline.stages, Table(), one.context)
            for collector, one in zip(collectors, planned, strict=True)
        ]

    def _searches(self, jobs: Sequence[SearchJob]) -> list[tuple[SearchJob, CompiledSearch]]:
        """The jobs with what they are compiled to."""
        known = self._kept.known if self._kept is not None else {}
        new = [job for job in jobs if id(job) not in known]
        made = {id(one.job): one for one in self._planned(new)}
        found = []
        for job in jobs:
            kept = known.get(id(job))
            if kept is not None:
                found.append((job, kept[2]))
                continue
            one = made[id(job)]
            search = self._compiled(one.plan, one.context)
            if self._kept is not None and self._kept.lasts(job):
                known[id(job)] = job, one, search
            found.append((job, search))
        return found

    def _compiled(self, plan: Plan, context: Context) -> CompiledSearch:
        return bind_source(compile_search(plan, context), self._source.native())

    def _planned(self, searches: Sequence[SearchJob]) -> list[_Planned]:
        """The plans of searches, with their subsearches run and replaced."""
        planned: list[_Planned] = []
        for job in searches:
            context = self._context(job)
            plan = make_plan(job.pipeline, context)
            for leg in _legs(plan.pipeline):
                make_plan(leg, context)
            planned.append(_Planned(job, plan, context))
        return [
            replace(one, plan=make_plan(_resolved(one.plan.pipeline, one.context), one.context))
            if has_subsearch(one.plan.pipeline)
            else one
            for one in planned
        ]

    def _context(self, job: SearchJob) -> Context:
        """The context of a job, with the means to run the pipelines that its commands hold."""
        context: Context = replace(
            job.context,
            run=lambda pipeline: self._leg(pipeline, job, context),
            run_stages=lambda stages, table: run_stages(stages, table, context),
        )
        return context

    def _leg(self, pipeline: Pipeline, job: SearchJob, context: Context) -> Table:
        """The rows of a leg: those that were scanned along, or those of a run of its own."""
        if id(pipeline) in self._tables:
            _, table = self._tables[id(pipeline)]
            return Table([row.copy() for row in table.rows], table.columns)
        inner = SearchJob(pipeline, context)
        runner = BatchRunner(self._source, self._within, self._workers, self._scan, self._options)
        table = runner.run([inner])[0]
        job.stats.add_warnings(inner.stats)
        return table

    def _leg_collectors(self, planned: Sequence[_Planned]) -> list[tuple[Pipeline, RowCollector]]:
        """Collectors for the legs that can be scanned along with their searches."""
        found: list[tuple[Pipeline, RowCollector]] = []
        for one in planned:
            for leg in _legs(one.plan.pipeline):
                if not leg.generates and not has_subsearch(leg):
                    search = self._compiled(make_plan(leg, one.context), one.context)
                    found.append((leg, RowCollector(search, SearchStats())))
        return found


def _resolved(pipeline: Pipeline, context: Context) -> Pipeline:
    """The pipeline with its subsearches run, and replaced by what they gave."""
    stages = tuple(resolved(stage, context.run, context.warn) for stage in pipeline.stages)
    return Pipeline(stages, pipeline.source)


def _legs(pipeline: Pipeline) -> Iterator[Pipeline]:
    """Every pipeline that the stages of a pipeline run over the input, legs of legs included."""
    for stage in pipeline.stages:
        for leg in stage.command.legs(stage.node):
            yield leg
            yield from _legs(leg)
