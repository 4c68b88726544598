"""The fast path from a line to what searches need of it, for events that are as the API server writes them.

A line is decoded into a struct with just the members that any search needs (`decoder`). Searches with the same first
clause are asked once, and what the clauses said of a combination of values is remembered (`dispatch`). Each search
that wants the line then takes what it needs of it (`feeds`): a count, a row, or the line itself.

What cannot be told here takes the slow path, with the same result. Nothing is counted or collected of a line before it
is certain that all of it can be.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from podhawk.commands.declare import Counting
from podhawk.engine.fastpath.counts import block_counter, counts_everything, line_counter
from podhawk.engine.fastpath.decoded import DecodedLine, LinePosition
from podhawk.engine.fastpath.decoder import (
    KEPT,
    NOT_OF_SHAPE,
    SOUND,
    UNSET,
    DecodedValues,
    Shape,
    kept,
    reachable,
    sound,
    value_of,
)
from podhawk.engine.fastpath.dispatch import ClauseGroup, DispatchTable, feed_all
from podhawk.engine.fastpath.feeds import Feed, RowFeed, feed_for
from podhawk.engine.options import EngineOptions
from podhawk.engine.search.collectors import Collector, RowCollector
from podhawk.engine.search.compiled import CompiledSearch
from podhawk.events.audit_fields import REQUEST_LEVELS
from podhawk.events.candidates import FoundLine, LineCounter, Searches
from podhawk.events.event import METADATA
from podhawk.events.fields import FlattenRules
from podhawk.events.options import InputReport
from podhawk.events.reasons import METHODS
from podhawk.spl.clause import EVERYTHING

_NEW: Final[Any] = object()
_RECEIVED: Final = "RequestReceived"
MOST_TABLES: Final = 1024
"""Sets of searches that may want the same lines, of which dispatch tables are kept. A log can be made to hold any
combination of literals."""


def clause_fields(search: CompiledSearch) -> frozenset[str] | None:
    """The fields that the first clause of a search reads, apart from `_raw`; None if it cannot be asked on the fast
    path."""
    probe = search.probe_fields
    if probe is None or search.rules != FlattenRules():
        return None
    names = probe - {"_raw", *METADATA}
    return names if all(name != "_time" and reachable(name) for name in names) else None


def needed_fields(collector: Collector) -> frozenset[str] | None:
    """The fields that a search needs of an event; None if it needs more than the fast path can give. A search for the
    events of a carrier needs nothing of those that have none."""
    search = collector.search
    if not search.selects_native:
        return frozenset()
    asked, needs = clause_fields(search), collector.needs
    if asked is None or needs is None:
        return None
    names = (needs | asked) - set(METADATA)
    if "_raw" in names or not all(name == "_time" or reachable(name) for name in names):
        return None
    return names


class FastPath:
    """Takes lines for a set of collectors.

    `fields` are the fields that each of them needs. One with None cannot be fed here, but its first clause may still
    tell that it does not want a line. `fixed` are the fields that are the same for all events; `files` tells where each
    file stands in the input.
    """

    def __init__(
        self,
        collectors: Sequence[Collector],
        fields: Sequence[frozenset[str] | None],
        fixed: dict[str, str],
        place: tuple[int, ...],
        files: Mapping[str, int],
        prefiltered: bool,
        options: EngineOptions,
    ) -> None:
        self._collectors = collectors
        self._options = options
        self._prefiltered = prefiltered
        self._by_file = len(place) == 1
        self._files = files
        self._position = LinePosition(place)
        asked = [clause_fields(one.search) if one.search.selects_native else None for one in collectors]
        self._shape = Shape(frozenset().union(*(names for names in (*fields, *asked) if names is not None)))
        self._decode = self._shape.decode
        self._annotated = self._shape.annotated
        self._with_extra = self._shape.with_extra
        self._groups = _clause_groups(collectors, fields, asked, fixed, options)
        self._tables: dict[Searches, DispatchTable | None] = {}
        self._since_check = 0
        self._seen: defaultdict[tuple[Searches, Any, Any], int] = defaultdict(int)
        self._counted: dict[DecodedValues, int] = {}
        self.lines = 0
        """The lines that were taken; complete after `account`."""
        self.take: Callable[[bytes, int], bool] = self._take
        self.take_lines: Callable[[bytes, int, int], int] | None = None
        self._counter: Counting | None = None
        only = collectors[0]
        alone = len(collectors) == 1 and only.search.selects_native and not self._with_extra
        if not prefiltered and alone and isinstance(only, RowCollector):
            self._counter = counts_everything(only.search)
        if self._counter is not None:
            by = self._counter.by
            self.take = line_counter(self._shape, by, self._counted)
            self.take_lines = block_counter(self._shape, by, self._counted)

    def move(self, place: tuple[int, ...]) -> None:
        """The following lines are from another split of the input."""
        self._position.place = place

    def go_on_with(self, files: Mapping[str, int]) -> None:
        """The following lines are from another input, whose files stand in it at these places."""
        self._files = files

    def open(self, path: str) -> None:
        """The following lines are from this file."""
        self._position.path = path
        if self._by_file:
            self._position.place = (self._files.get(path, 0),)

    def take_found(self, found: Sequence[FoundLine], numbers: LineCounter, before: int) -> list[FoundLine]:
        """Take lines that the prefilter selected. Returns those of which events must be made, with the number of lines
        before each of them in the block."""
        offer = self._offer
        self._position.start_block(numbers, before)
        self._since_check += len(found)
        if self._since_check >= self._options.remembered_values // 8:
            self._limit_memory()
        left = [
            (numbers.before(place), line, searches)
            for place, line, searches in found
            if line[:1] != b"{" or b"\n" in line or not offer(line, place, searches)
        ]
        self._position.end_block()
        return left

    def account(self, report: InputReport) -> None:
        """Count in the report, and for each search, what was taken since the last time."""
        looked: Counter[Searches] = Counter()
        if self._counter is not None:
            collector = self._collectors[0]
            for (stage, level, *values), count in self._counted.items():
                self._seen[None, stage, level] += count
                collector.stats.matched += count
                self._counter.add_counted(collector.state, tuple(map(value_of, values)), count)
        for (searches, stage, level), count in self._seen.items():
            looked[searches] += count
            report.events += count
            report.by_stage[stage if stage.__class__ is str else "(none)"] += count
            report.by_level[level if level.__class__ is str else "(none)"] += count
            report.by_format["native"] += count
        for searches, count in looked.items():
            self.lines += count
            for number in range(len(self._collectors)) if searches is None else searches:
                collector = self._collectors[number]
                collector.stats.offered += count
                collector.stats.selected += count * collector.search.selects_native
        self._seen.clear()
        self._counted.clear()

    def settle(self) -> None:
        """Bring everything that was counted into the states of the collectors."""
        for feed in self._feeds():
            feed.settle()

    @property
    def rows_filtered(self) -> int:
        """How often row filters ran the stages of a search."""
        filters = [feed.row_filter for feed in self._feeds() if isinstance(feed, RowFeed)]
        return sum(one.ran for one in filters if one is not None)

    def _feeds(self) -> Iterator[Feed]:
        for group in dict.fromkeys(self._groups):
            if group is not None:
                yield from group.feeds

    def _take(self, line: bytes, number: int) -> bool:
        return self._offer(line, number, None)

    def _offer(self, line: bytes, at: int, searches: Searches) -> bool:
        """Take a line for some searches; False if it must take the slow path."""
        try:
            table = self._tables[searches]
        except KeyError:
            table = self._add_table(searches)
        if table is None:
            return False
        try:
            event = self._decode(line)
            if event.verb in METHODS:
                return False  # an HTTP method as other products log it, which the slow path turns into a verb
            annotations = event.annotations
            if self._annotated:
                if not annotations.keys() <= SOUND and not sound(annotations):
                    return False
            elif annotations.truncated is not UNSET:
                return False
            if self._with_extra and not event.user.extra.keys() <= KEPT and not kept(event.user.extra):
                return False
            if table.bodied is None or not table.bodied(event):
                values = table.read(event)
                takers = table.known.get(values, _NEW)
                if takers is _NEW:
                    takers = table.learn(event, values)
                if (
                    table.open
                    and values in table.open
                    and not (event.stage == _RECEIVED and event.level in REQUEST_LEVELS)
                ):
                    return False
            else:
                takers = table.ask(event)
            if takers:
                if takers.__class__ is tuple:
                    feed_all(takers, DecodedLine(event, line, at, self._position))
                else:
                    takers.add(takers.values(event))
            elif takers is None:
                return False
            self._seen[searches, event.stage, event.level] += 1
        except NOT_OF_SHAPE:
            return False
        return True

    def _add_table(self, searches: Searches) -> DispatchTable | None:
        """The dispatch table of some searches; None if one of them must see every event."""
        if len(self._tables) >= MOST_TABLES:
            self._tables.clear()
        found: dict[ClauseGroup, None] = {}
        made: DispatchTable | None = None
        for number in range(len(self._collectors)) if searches is None else searches:
            group = self._groups[number]
            if group is not None:
                found[group] = None
            elif self._collectors[number].search.selects_native:
                break
        else:
            made = DispatchTable(tuple(found), self._options.remembered_values, not self._prefiltered)
        self._tables[searches] = made
        return made

    def _limit_memory(self) -> None:
        """Forget what the dispatch tables remember, if it is too much together."""
        self._since_check = 0
        tables = [table for table in self._tables.values() if table is not None]
        if sum([table.size for table in tables]) >= self._options.remembered_values:
            for table in tables:
                table.forget()


def _clause_groups(
    collectors: Sequence[Collector],
    fields: Sequence[frozenset[str] | None],
    asked: Sequence[frozenset[str] | None],
    fixed: dict[str, str],
    options: EngineOptions,
) -> list[ClauseGroup | None]:
    """The clause group of each collector; None for one whose clause cannot be asked."""
    groups: list[ClauseGroup | None] = []
    same: dict[Any, ClauseGroup] = {}
    for collector, needed, read in zip(collectors, fields, asked, strict=True):
        if read is None:
            groups.append(None)
            continue
        key = (collector.search.clause, collector.search.context.env.switches)
        group = same.get(key)
        if group is None:
            group = same[key] = ClauseGroup(collector.search, read, fixed, options.remembered_values)
        group.join(collector)
        if needed is None:
            group.whole_events = True
        else:
            group.feeds.append(feed_for(collector, needed, fixed, options))
        groups.append(group)
    return groups


def fast_path_for(
    collectors: Sequence[Collector],
    fixed: dict[str, str],
    place: tuple[int, ...],
    files: Mapping[str, int],
    prefiltered: bool,
    options: EngineOptions,
) -> FastPath | None:
    """The fast path for these collectors; None if it is of no use: if it cannot ask the clause of any search, or,
    without a prefilter, if a search must see every event. A search that needs whole events need not see those that its
    clause does not want."""
    fields = [needed_fields(collector) for collector in collectors]
    searches = [collector.search for collector in collectors]
    closed = [one.selects_native and clause_fields(one) is None for one in searches]
    wants_all = any(needed is None and one.clause is EVERYTHING for needed, one in zip(fields, searches, strict=True))
    useless = all(closed) if prefiltered else any(closed) or wants_all
    if not fields or useless or not options.fast_path:
        return None
    return FastPath(collectors, fields, fixed, place, files, prefiltered, options)
