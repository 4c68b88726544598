"""Digests that are made along with other searches, in the same scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.search import SEARCH, Search
from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.run.scan import scan
from podhawk.engine.run.source import EventSource, TimeRange
from podhawk.engine.search.collectors import Collector
from podhawk.engine.search.compiled import bind_source, compile_search
from podhawk.engine.search.digest import Digest, DigestCollector
from podhawk.engine.search.stats import SearchStats
from podhawk.spl.clause import Clause
from podhawk.spl.text import plain

_NAME: Final = "digest"

DigestPart = tuple[Clause, Callable[[], Digest]]
"""The events that a part of a digest takes, and what makes it. An event may come to several parts."""


class DigestScan:
    """A scan that gives events to a digest too, the first time that it reads the input.

    A digest has one or several parts, which are merged in the end. Parts with clauses of their own keep the prefilter
    and the fast path as sharp as each clause allows. Events may come with their secrets; the digest masks what it
    keeps.
    """

    def __init__(self, parts: Sequence[DigestPart], context: Context) -> None:
        self._parts, self._context = parts, context
        self._collectors: list[DigestCollector] = []

    def __call__(
        self,
        collectors: Sequence[Collector],
        source: EventSource,
        within: TimeRange,
        workers: int = 1,
        options: EngineOptions = DEFAULTS,
    ) -> None:
        own: list[Collector] = []
        if not self._collectors:
            self._collectors = [self._collector(part, source) for part in self._parts]
            own.extend(self._collectors)
        scan([*collectors, *own], source, within, workers, options)

    def _collector(self, part: DigestPart, source: EventSource) -> DigestCollector:
        clause, start = part
        pipeline = Pipeline((Stage(SEARCH, Search(clause), "search"),), plain("", _NAME))
        search = compile_search(make_plan(pipeline, self._context), self._context)
        return DigestCollector(bind_source(search, source.native()), SearchStats(), start)

    def digest(self, source: EventSource, within: TimeRange, workers: int, options: EngineOptions = DEFAULTS) -> Any:
        """The digest. The input is read for it if no other search has read it."""
        if not self._collectors:
            with source.unmasked():  # here only: another search may show what it reads
                self([], source, within, workers, options)
        whole, *others = (one.state for one in self._collectors)
        for one in others:
            whole.merge(one)
        return whole
