"""Which searches want a decoded line.

Searches with the same first clause are asked once. What a clause said of a combination of values is remembered, and
for searches that may want the same lines also what all of their clauses said of it: the same few users do the same few
things to the same resources, so most lines cost one look into a dict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from podhawk.engine.fastpath.clause_index import Index, equals, misses, required
from podhawk.engine.fastpath.decoded import Bodies, DecodedLine, make_row
from podhawk.engine.fastpath.decoder import UNSET, DecodedValues, bodied, reader
from podhawk.engine.fastpath.feeds import CountingFeed, Feed
from podhawk.engine.search.collectors import Collector
from podhawk.engine.search.compiled import CompiledSearch
from podhawk.engine.search.offer import note_present
from podhawk.engine.search.predicate import Predicate
from podhawk.events.event import METADATA
from podhawk.events.fields import head_of, of_body
from podhawk.functions.predicates import deciding
from podhawk.rows import Value
from podhawk.spl import clause as spl


class ClauseGroup:
    """The collectors of searches with the same first clause.

    Each has a feed, by which it takes what the clause wants. A search that needs whole events has none, and makes the
    group one of `whole_events`: lines that the clause wants take the slow path.
    """

    def __init__(self, search: CompiledSearch, names: frozenset[str], fixed: dict[str, str], most: int) -> None:
        self.equal = equals(search.clause)
        """The fields that must equal one of some texts for the clause to be true."""
        self.worded = "_raw" in spl.fields(search.clause)
        """Whether the clause looks for words in the whole text. Then it is asked without them here, and a line that it
        may want is looked at again (`holds`)."""
        self._holds = search.predicate
        self._bodies: frozenset[str] = frozenset()
        self._predicate = search.predicate if not self.worded else _without_words(search)
        self.collectors: list[Collector] = []
        self.feeds: list[Feed] = []
        self.whole_events = False
        self.body_names = frozenset(filter(of_body, names))
        self.heads = {head_of(name) for name in self.body_names}
        self.names = sorted(names - self.body_names - set(METADATA))
        self._fixed = fixed
        self._most = most
        self._read = reader(self.names)
        self._known: dict[DecodedValues, bool] = {}
        self._ruled_out: dict[DecodedValues, bool] = {}
        self._required: list[tuple[int, frozenset[str]]] | None = None

    def wants(self, event: Any) -> bool:
        """Whether the clause wants an event that has none of the bodies that it reads."""
        values = self._read(event)
        found = self._known.get(values)
        if found is None:
            if len(self._known) >= self._most:
                self._known.clear()
            found = self._known[values] = self._ask(values, {})
        return found

    def wants_with(self, event: Any, bodies: Bodies) -> bool:
        """Whether it wants an event that has such a body. Raises `BadJSON` for a body that only the slow path can
        read."""
        return self._ask(self._read(event), bodies.fields(self.body_names))

    def join(self, collector: Collector) -> None:
        """Add the collector of another search with the same clause. What depends on bodies may differ."""
        self.collectors.append(collector)
        self._bodies |= collector.search.bodies

    def lacks_a_body(self, event: Any) -> bool:
        """Whether an event has not all bodies on which it depends whether a row comes out, or has a word for one."""
        return any(bytes(getattr(event, body))[:1] not in (b"{", b"[") for body in self._bodies)

    def holds(self, line: DecodedLine) -> bool:
        """Whether the clause is true of a line that it may want. Raises `BadJSON` for a body that only the slow path
        can read."""
        if not self.worded:
            return True
        bodies = line.bodies.fields(self.body_names) if self.body_names else None
        row = make_row(self.names, self._read(line.event), self._fixed, bodies)
        row["_raw"] = line.text
        return self._holds(row)

    def ruled_out(self, event: Any) -> bool:
        """Whether a value outside the bodies tells that the clause does not want an event."""
        values = self._read(event)
        found = self._ruled_out.get(values)
        if found is None:
            if len(self._ruled_out) >= self._most:
                self._ruled_out.clear()
            row = make_row(self.names, values, self._fixed)
            for collector in self.collectors:
                note_present(collector, row)
            search = self.collectors[0].search
            if self._required is None:
                self._required = required(search.clause, self.names)
            found = self._ruled_out[values] = misses(self._required, values) or search.ruled_out(row)
        return found

    def _ask(self, values: DecodedValues, bodies: dict[str, Value]) -> bool:
        row = make_row(self.names, values, self._fixed, bodies)
        for collector in self.collectors:
            note_present(collector, row)
        return self._predicate(row)


Takers = tuple[ClauseGroup, ...] | CountingFeed | None
"""The groups that want a line. If all that this means is that one feed counts it, that feed. None where the line must
take the slow path."""


class DispatchTable:
    """The clause groups of searches that may want the same lines.

    What they said of a combination of values is remembered in `known`, for events without any of the bodies that they
    read (`bodied` tells of an event whether it has one). Without a prefilter no watch looks at the lines. Then
    (`watching`) `open` are the combinations for which the answer hangs on a body; the slow path tells whether it was
    lost.
    """

    def __init__(self, groups: Sequence[ClauseGroup], most: int, watching: bool) -> None:
        self._groups = groups
        self._most = most
        self._index = Index([group.equal for group in groups])
        self._names = sorted(set().union(*(group.names for group in groups)))
        self.bodied = bodied(set().union(*(group.heads for group in groups)))
        self.read = reader(self._names)
        self.known: dict[DecodedValues, Takers] = {}
        self.open: set[DecodedValues] = set()
        self._blind = [one for one in groups if any(each.search.bodies for each in one.collectors)] if watching else []
        self._reading_bodies = [group for group in groups if group.heads]
        self._with_bodies: dict[DecodedValues, tuple[tuple[ClauseGroup, ...], tuple[ClauseGroup, ...]]] = {}

    @property
    def size(self) -> int:
        """The number of combinations that are remembered."""
        return len(self.known) + len(self._with_bodies)

    def forget(self) -> None:
        """Forget what was remembered."""
        self.known.clear()
        self.open.clear()
        self._with_bodies.clear()

    def learn(self, event: Any, values: DecodedValues) -> Takers:
        """Ask the clauses about an event without such a body, and remember the answer under its values."""
        if len(self.known) >= self._most:
            self.known.clear()
            self.open.clear()
        if any(not group.ruled_out(event) for group in self._blind):
            self.open.add(values)
        wanting = tuple([group for group in self._asked(values) if group.wants(event)])
        found = self.known[values] = _takers(wanting)
        return found

    def ask(self, event: Any) -> Takers:
        """Ask the clauses about an event with such a body. The groups that read bodies are asked each time, unless the
        rest of the event rules them out, which is remembered."""
        if any(group.lacks_a_body(event) and not group.ruled_out(event) for group in self._blind):
            return None  # the slow path tells whether it was lost
        values = self.read(event)
        known = self._with_bodies.get(values)
        if known is None:
            if len(self._with_bodies) >= self._most:
                self._with_bodies.clear()
            wanting = tuple([one for one in self._asked(values) if not one.heads and one.wants(event)])
            open_ones = tuple([one for one in self._reading_bodies if not one.ruled_out(event)])
            known = self._with_bodies[values] = wanting, open_ones
        wanting, open_ones = known
        if open_ones:
            bodies = Bodies(event)
            wanting = (*wanting, *[one for one in open_ones if one.wants_with(event, bodies)])
        return _takers(wanting)

    def _asked(self, values: DecodedValues) -> list[ClauseGroup]:
        """The groups whose clause these values may satisfy. Which fields are present is noted for the others too."""
        held = dict(zip(self._names, values, strict=True))
        numbers = set(self._index.of(held))
        present = {name for name, raw in held.items() if raw is not UNSET and raw != ()}
        for number, group in enumerate(self._groups):
            if number not in numbers:
                for collector in group.collectors:
                    if collector.stats.unseen:
                        collector.stats.unseen.difference_update(present, METADATA)
        return [self._groups[number] for number in sorted(numbers)]


def _without_words(search: CompiledSearch) -> Predicate:
    """Whether the clause of a search may be true of a row without `_raw`."""
    decide = deciding(search.clause, search.context.env)
    return lambda row: decide(row, _is_text) is not False


def _is_text(name: str) -> bool:
    return name == "_raw"


def _takers(groups: tuple[ClauseGroup, ...]) -> Takers:
    if any(group.whole_events for group in groups):
        return None
    if len(groups) == 1 and len(groups[0].feeds) == 1 and not groups[0].worded:
        feed = groups[0].feeds[0]
        if isinstance(feed, CountingFeed) and feed.without_bodies:
            return feed
    return groups


def feed_all(groups: Sequence[ClauseGroup], line: DecodedLine) -> None:
    """Give a line to the feeds of all groups that want it. Raises an error of `NOT_OF_SHAPE`, with nothing given to
    anyone, if it must take the slow path."""
    found = [(feed, feed.read(line)) for group in groups if group.holds(line) for feed in group.feeds]
    for feed, values in found:
        feed.add(values)
