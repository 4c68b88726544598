"""Digests that are made along with other searches, in the same scan.

A digest may be about so little of the input that reading on behalf of the other searches takes nearly all the time. If
these are only asked for what the digest is about, they are narrowed to the same events (`Focus`): their clauses then
have a literal that few lines hold, and the prefilter passes over the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline, Stage
from podhawk.commands.search import SEARCH, Search
from podhawk.engine.options import DEFAULTS, EngineOptions
from podhawk.engine.plan.planner import make_plan
from podhawk.engine.run.scan import scan
from podhawk.engine.run.source import EventSource, TimeRange
from podhawk.engine.search.collectors import Collector, EventCollector
from podhawk.engine.search.compiled import bind_source, compile_search, narrowed
from podhawk.engine.search.digest import Digest, DigestCollector
from podhawk.engine.search.stats import SearchStats
from podhawk.events.collected import place_of
from podhawk.spl.clause import Clause
from podhawk.spl.text import plain

_NAME: Final = "digest"

DigestPart = tuple[Clause, Callable[[], Digest]]
"""The events that a part of a digest takes, and what makes it. An event may come to several parts."""


class Focus(Struct, frozen=True):
    """The events that matter: those of `clause`, and those that turn out to matter when these are known. `further`
    gives the clause of the latter, and what the digest is to take of them; None if there are none. An event may come
    to a digest by both clauses."""

    clause: Clause
    further: Callable[[Any], tuple[Clause, Sequence[DigestPart]] | None]


class DigestScan:
    """A scan that gives events to a digest too, the first time that it reads the input.

    A digest has one or several parts, which are merged in the end. Parts with clauses of their own keep the prefilter
    and the fast path as sharp as each clause allows. Events may come with their secrets; the digest masks what it
    keeps.

    Parts `beside` these make digests of their own in the first reading.

    With a `focus`, searches that gather events are given only those that matter to it, and searches that are scanned
    along with them only to be counted are given none.
    """

    def __init__(
        self,
        parts: Sequence[DigestPart],
        context: Context,
        focus: Focus | None = None,
        beside: Sequence[DigestPart] = (),
    ) -> None:
        self._parts, self._context, self._focus, self._beside = parts, context, focus, beside
        self._collectors: list[DigestCollector] = []
        self.beside: list[Any] = []
        """The digests that were made beside this one, each of one part, after the input was read."""

    def __call__(
        self,
        collectors: Sequence[Collector],
        source: EventSource,
        within: TimeRange,
        workers: int = 1,
        options: EngineOptions = DEFAULTS,
    ) -> None:
        if self._collectors:
            scan(collectors, source, within, workers, options)
            return

        def read(gathering: Sequence[Collector], parts: Sequence[DigestPart]) -> None:
            own: list[DigestCollector] = [self._collector(part, source) for part in parts]
            others = [self._collector(part, source) for part in self._beside] if not self._collectors else []
            scan([*gathering, *own, *others], source, within, workers, options)
            self._collectors.extend(own)
            self.beside += [one.state for one in others]

        gathering = [one for one in collectors if isinstance(one, EventCollector)]
        if self._focus is None:
            read(collectors, self._parts)
        elif collectors and not gathering:
            read(collectors, self._parts)
            self._read_further(self._focus, (), read)
        else:
            self._read_focused(self._focus, gathering, read)

    def _read_focused(self, focus: Focus, gathering: Sequence[EventCollector], read: _Read) -> None:
        first = [_narrowed(one, focus.clause) for one in gathering]
        read(first, self._parts)
        further = self._read_further(focus, gathering, read)
        for one, *parts in zip(gathering, first, *([further] if further else []), strict=True):
            events = {place_of(event): event for part in parts for event in part.state}  # some came twice
            one.state.extend(events[place] for place in sorted(events))

    def _read_further(self, focus: Focus, gathering: Sequence[EventCollector], read: _Read) -> list[EventCollector]:
        found = focus.further(self._merged())
        if found is None:
            return []
        clause, parts = found
        made = [_narrowed(one, clause) for one in gathering]
        read(made, parts)
        return made

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
        return self._merged()

    def _merged(self) -> Any:
        """The digest of all that was read so far."""
        whole, *others = (one.state for one in self._collectors)
        for one in others:
            whole.merge(one)
        del self._collectors[1:]
        return whole


_Read = Callable[[Sequence[Collector], Sequence[DigestPart]], None]


def _narrowed(collector: EventCollector, clause: Clause) -> EventCollector:
    """A collector of those events that also match another clause."""
    return EventCollector(narrowed(collector.search, clause), SearchStats())
