"""Scans of many small inputs, one after the other, for the same searches.

What a scan sets up (which searches may want which lines, what their clauses said of values) costs as much as reading
some thousand lines. A service that reads one increment after the other would do that again for each. So the work of the
first scan is kept, and goes on with the next input as it goes from one split of an input to another.
"""

from __future__ import annotations

from collections.abc import Sequence

from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.engine.run.scan import ScanWork, scan
from podhawk.engine.run.source import EventSource, TimeRange
from podhawk.engine.search.collectors import Collector


class RepeatedScan:
    """A scan that keeps its work for the next one with the same searches, stats, options and sample. It keeps one;
    `fewest` collectors are worth it."""

    def __init__(self, fewest: int) -> None:
        self._fewest = fewest
        self._own: Sequence[Collector] = ()
        self._work: ScanWork | None = None
        self._like: tuple[object, ...] = ()

    def __call__(
        self,
        collectors: Sequence[Collector],
        source: EventSource,
        within: TimeRange,
        workers: int = 1,
        options: EngineOptions = DEFAULTS,
    ) -> None:
        if len(collectors) < self._fewest or not within.is_open or workers > 1:
            scan(collectors, source, within, workers, options)
            return
        like = source.sample(), source.native(), source.plain(), source.redacts(), options
        if self._work is None or like != self._like or not self._fits(collectors):
            self._own, self._like = collectors, like
            self._work = ScanWork(collectors, source, within, options)
            self._work.sample()
        else:
            for one in self._own:
                one.clear()
            self._work.go_on_with(source)
        work, self._work = self._work, None  # one that fails is not kept
        work.read_whole()
        for given, own in zip(collectors, self._own, strict=True):
            if given is not own:
                own.settle()
                given.state = own.state
                own.clear()
        self._work = work

    def _fits(self, collectors: Sequence[Collector]) -> bool:
        return len(collectors) == len(self._own) and all(
            type(one) is type(own) and one.search is own.search and one.stats is own.stats
            for one, own in zip(collectors, self._own, strict=True)
        )
