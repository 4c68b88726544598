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


class DigestScan:
    """A scan that gives events to a digest too, the first time that it reads the input.

    The digest takes the events that `clause` selects. They come as they are read: the digest masks what it keeps.
    """

    def __init__(self, clause: Clause, start: Callable[[], Digest], context: Context) -> None:
        self._pipeline = Pipeline((Stage(SEARCH, Search(clause), "search"),), plain("", _NAME))
        self._start, self._context = start, context
        self._collector: DigestCollector | None = None

    def __call__(
        self,
        collectors: Sequence[Collector],
        source: EventSource,
        within: TimeRange,
        workers: int = 1,
        options: EngineOptions = DEFAULTS,
    ) -> None:
        own: list[Collector] = []
        if self._collector is None:
            search = compile_search(make_plan(self._pipeline, self._context), self._context)
            self._collector = DigestCollector(bind_source(search, source.native()), SearchStats(), self._start)
            own.append(self._collector)
        with source.unmasked():
            scan([*collectors, *own], source, within, workers, options)

    def digest(self, source: EventSource, within: TimeRange, workers: int, options: EngineOptions = DEFAULTS) -> Any:
        """The digest. The input is read for it if no other search has read it."""
        if self._collector is None:
            self([], source, within, workers, options)
        assert self._collector is not None
        return self._collector.state
