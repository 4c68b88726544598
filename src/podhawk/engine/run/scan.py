"""One scan of the input, for all collectors.

A scan sets up the shortcuts (prefilter, precheck, fast path) and gives the candidates that these leave to the
collectors. An input that is large enough and can be split is read by several processes, each of which maps splits to
states (`podhawk.engine.run.workers`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from podhawk.engine.fastpath.reader import FastPath, fast_path_for
from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.engine.prefilter.literals import CARRIED, groups_of
from podhawk.engine.prefilter.prefilter import Prefilter, prefilter_for
from podhawk.engine.profile import ACTIVE, ScanProfile
from podhawk.engine.run.scan_profile import scan_profile
from podhawk.engine.run.source import EventSource, TimeRange
from podhawk.engine.run.watch import Watch
from podhawk.engine.run.workers import scan_in_parallel
from podhawk.engine.search.collectors import Collector, RowCollector
from podhawk.engine.search.offer import Offering
from podhawk.engine.search.precheck import Precheck
from podhawk.engine.search.rows import metadata, order_of
from podhawk.events.candidates import Candidate, Shortcuts
from podhawk.events.options import InputReport
from podhawk.events.splits import Split


class Scan(Protocol):
    """Feeds collectors from a source. This is what runners differ in."""

    def __call__(
        self,
        collectors: Sequence[Collector],
        source: EventSource,
        within: TimeRange,
        workers: int = 1,
        options: EngineOptions = DEFAULTS,
    ) -> None: ...


def scan(
    collectors: Sequence[Collector],
    source: EventSource,
    within: TimeRange,
    workers: int = 1,
    options: EngineOptions = DEFAULTS,
) -> None:
    """Read the input once and give each event in the time range to the collectors that may want it."""
    work = ScanWork(collectors, source, within, options)
    work.sample()
    started = time.perf_counter()
    splits = scan_in_parallel(collectors, source, workers, work, options)
    if splits:
        source.unread = False
    else:
        work.read_whole()
    profile = ACTIVE.get()
    if profile is not None:
        profile.scans.append(work.profile(time.perf_counter() - started, splits))


class ScanWork:
    """Brings the events of an input, or of splits of it, into the states of collectors.

    The fast path goes on from split to split: what clauses said of values stays remembered, and values that are counted
    reach the states at `settle`.
    """

    def __init__(
        self,
        collectors: Sequence[Collector],
        source: EventSource,
        within: TimeRange,
        options: EngineOptions = DEFAULTS,
    ) -> None:
        self._collectors, self._source, self._within, self._options = collectors, source, within, options
        self._fixed: dict[str, Any] = dict(metadata(source.native()))
        self._watch = Watch(collectors if options.watch else (), within.holds, self._fixed)
        self._prefilter = _prefilter(collectors, options, self._watch)
        self._precheck = Precheck(collectors, self._fixed).narrow if self._prefilter is not None else None
        self._fast_path: FastPath | None = None

    def sample(self) -> None:
        """Choose what the prefilter looks for by a sample of the input."""
        if self._prefilter is not None and (sample := self._source.sample()):
            self._prefilter.prepare(sample)

    def go_on_with(self, source: EventSource) -> None:
        """Take another input, of which `native`, `plain` and `redacts` say the same; its collectors are empty."""
        self._source = source
        self._watch.restart()
        if self._fast_path is not None:
            self._fast_path.go_on_with(source.numbers())

    def read_whole(self) -> None:
        """Take the whole input."""
        source = self._source
        report = source.report if source.unread else InputReport()
        if self._fast_path is None:
            self._fast_path = self._new_fast_path((0,))
        self._give(source.candidates(self._shortcuts), report)
        self._account(report)
        self.settle()

    def __call__(self, piece: Split, report: InputReport) -> None:
        """Take a split. Raises `NotByLine` if it cannot be read by itself. Then counts that were not settled are lost,
        since they include those of a part of the split."""
        place = (piece.file, piece.number)
        self._watch.restart()
        if self._prefilter is not None and not self._prefilter.prepared and not (piece.whole or piece.packed):
            self._prefilter.prepare(self._source.start_of(piece))
        if self._fast_path is None:
            self._fast_path = self._new_fast_path(place)
        else:
            self._fast_path.move(place)
        try:
            self._give(self._source.split_candidates(piece, report, self._shortcuts), report, place)
        except BaseException:
            self._fast_path = None
            raise
        self._account(report)

    def settle(self) -> None:
        """Bring what was counted into the states."""
        if self._fast_path is not None:
            self._fast_path.settle()

    def profile(self, seconds: float, splits: int) -> ScanProfile:
        """What is known of the scan."""
        fast_path = self._fast_path if not splits else self._new_fast_path((0,))
        return scan_profile(self._collectors, self._prefilter, fast_path, seconds, splits)

    @property
    def _shortcuts(self) -> Shortcuts:
        return Shortcuts(self._prefilter, self._precheck, self._fast_path, self._watch)

    def _new_fast_path(self, place: tuple[int, ...]) -> FastPath | None:
        """The fast path from a place in the input on. It has no means to look at times, to read another one than the
        usual, or to mask secrets in rows."""
        if not self._within.is_open or not self._source.plain():
            return None
        if self._source.redacts() and any(isinstance(one, RowCollector) for one in self._collectors):
            return None
        prefiltered = self._prefilter is not None
        return fast_path_for(self._collectors, self._fixed, place, self._source.numbers(), prefiltered, self._options)

    def _give(self, candidates: Iterable[Candidate], report: InputReport, place: tuple[int, ...] = ()) -> None:
        """Give candidates to the collectors that may want them. `place` is that of a split; without one, the
        order of events goes by their file. If there is a time range, the report counts the candidates in it."""
        files = self._source.numbers() if not place else {}
        offering = Offering(self._collectors)
        in_range = 0
        for candidate in candidates:
            event = candidate.event
            if self._within.holds(event.time):
                in_range += 1
                order = order_of(event, place or (files.get(event.origin.file, 0),))
                offering.offer(event, order, candidate.searches)
        offering.settle()
        if not self._within.is_open:
            report.in_range += in_range

    def _account(self, report: InputReport) -> None:
        if self._fast_path is not None:
            self._fast_path.account(report)


def _prefilter(collectors: Sequence[Collector], options: EngineOptions, watch: Watch) -> Prefilter | None:
    """The prefilter of all searches; None if one of them may want any line."""
    if not options.prefilter:
        return None
    searches = [one.search for one in collectors]
    groups = [groups_of(one.sought or one.clause) if one.selects_native else CARRIED for one in searches]
    return prefilter_for(groups, options, watch.watched, watch.asking, watch.bodies)
