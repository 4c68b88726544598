"""Where aggregate plans look again for what an increment brings, and at which kept events.

An event changes windows that hold it, of its own by-keys, or of whatever else the plan looks at by itself (see
`by_key.Apart`). Most of these parts have no row in any window. The state counts the events of a part that are alike as
they reach the grouping. One of each kind, taken as often as there are, tells whether a monotone plan has a row over all
of them; of another plan one of each kind tells whether all is there that any row needs. If not, no event is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from podhawk.detect.evaluate.by_key import Apart, ByKey, by_hash, rows_before_grouping, stored_by
from podhawk.detect.evaluate.evaluation import Evaluation
from podhawk.detect.evaluate.preconditions import HeldFields
from podhawk.detect.evaluate.windows import EVER, MINUTE, Schedule
from podhawk.detect.increment.evidence import (
    STREAMED,
    EventKind,
    KeptEvidence,
    Stretch,
    WantedEvent,
    merged,
    request_hash,
)
from podhawk.detect.increment.kept import Interval, series_key
from podhawk.detect.requests.collected import CollectedRequest, fingerprint
from podhawk.detect.requests.request import RequestKey
from podhawk.events.event import AuditEvent
from podhawk.rows import Row

Stretches = dict[str, dict[str, Stretch]]
"""By cluster, and by what a state knows a by-key by ("": the plan does not look at each by itself)."""


def stretches_of(
    kept: KeptEvidence,
    requests: Mapping[RequestKey, CollectedRequest],
    again: Mapping[RequestKey, CollectedRequest],
    plans: Container[int],
    evaluations: Sequence[Evaluation],
    schedules: Mapping[int, Schedule],
) -> dict[int, Stretches]:
    """Where each aggregate plan looks again for these requests, by the number of the search; for those `again` only
    `plans` do. Their events are kept as wanted by it."""
    return {
        number: _Reach(kept, evaluations[number], schedule, number).over(
            {**requests, **again} if number in plans else requests
        )
        for number, schedule in schedules.items()
    }


class _Touched(Struct):
    """What an increment brings of a by-key of a cluster."""

    times: set[float] = field(default_factory=set)
    masked: bool = False
    """Whether any event has secrets, which the state does not keep."""


class _Reach:
    """How far an increment reaches for one plan."""

    def __init__(self, kept: KeptEvidence, evaluation: Evaluation, schedule: Schedule, number: int) -> None:
        self._kept, self._evaluation, self._schedule, self._number = kept, evaluation, schedule, number
        self._by = ByKey(evaluation.plan)
        self._apart = Apart(evaluation.plan, schedule, self._by)
        self._asks = bool(self._apart.of) or bool(self._apart.needs)
        """Whether it can be told of a part that it has no row."""
        self._kinds: dict[str, Sequence[Row]] = {}
        """The rows of one event of each kind, as they reach the grouping."""

    def over(self, requests: Mapping[RequestKey, CollectedRequest]) -> Stretches:
        """Where the plan looks again."""
        touched: defaultdict[str, defaultdict[str, _Touched]] = defaultdict(lambda: defaultdict(_Touched))
        wanted = []
        for key, one in requests.items():
            for event in one.events_for(self._number):
                time = event.stage_time or event.time or 0.0
                alike, keys = self._kind(event)
                for name in keys:
                    here = touched[key.cluster][name]
                    here.times.add(time)
                    here.masked |= event.unmasked is not None
                detection, print_, request = self._evaluation.detection.key, fingerprint(event).hex(), request_hash(key)
                wanted += [
                    WantedEvent(detection, key.cluster, name, time, print_, request, alike) for name in keys or {""}
                ]
        self._kept.keep_wanted(wanted)
        return {cluster: self._stretches(cluster, some) for cluster, some in touched.items()}

    def _kind(self, event: AuditEvent) -> tuple[str, set[str]]:
        """The kind of an event, and what a state knows its by-keys by."""
        if not self._asks:
            return "", {""}
        keys = set()
        if event.unmasked is not None and self._apart.of:
            rows = rows_before_grouping(self._evaluation, event)
            keys = {stored_by(self._evaluation, self._apart, key, event) for key in self._apart.of_rows(rows)}
        rows = rows_before_grouping(self._evaluation, replace(event, unmasked=None))
        alike = series_key(self._alike(rows))
        self._kinds.setdefault(alike, rows)
        notes = self._kept.notes_of(event) if event.unmasked is None else None
        if notes is not None:
            notes[STREAMED, self._evaluation.detection.key] = tuple(rows)
        if not self._apart.of:
            return alike, {""}
        return alike, keys | {by_hash(key) for key in self._apart.of_rows(rows)}

    def _alike(self, rows: Sequence[Row]) -> list[Any]:
        """What events of one kind have in common."""
        if self._apart.monotone:
            return [sorted(row.items()) for row in rows]
        facts = self._apart.needs.facts(rows)
        return [sorted(facts.present), sorted(facts.values)]

    def _stretches(self, cluster: str, touched: Mapping[str, _Touched]) -> dict[str, Stretch]:
        """What events change. A window that holds one of them ends at most the longest window later; it may join or
        part episodes that end the same time before or after it. Other windows near it have no rows."""
        detection = self._evaluation.detection.key
        near = self._schedule.longest + MINUTE
        # A search that looks ahead of its clock finds windows by the events before them.
        before = 2 * near if self._schedule.looks_ahead else near
        changed = {name: merged((time - near, time + 2 * near) for time in one.times) for name, one in touched.items()}
        episodes = self._kept.episodes(detection, cluster, changed)
        whole = {
            name: merged([*((time, time + near) for time in one.times), *episodes.get(name, ())])
            for name, one in touched.items()
        }
        around = {name: merged((start - before, end) for start, end in spans) for name, spans in whole.items()}
        if self._asks:
            sure = {name for name, one in touched.items() if one.masked}
            asked = {name: spans for name, spans in around.items() if name not in sure}
            firing = sure | self._firing(cluster, asked)
            around = {name: spans for name, spans in around.items() if name in firing}
        events = self._kept.wanted(detection, cluster, around)
        return {
            name: Stretch(changed[name], whole[name] if name in around else (), events.get(name, frozenset()))
            for name in touched
        }

    def _firing(self, cluster: str, around: Mapping[str, Sequence[Interval]]) -> set[str]:
        """The parts that have a row over all their events in some spans, and maybe others."""
        if not around:
            return set()
        every = min(spans[0][0] for spans in around.values()), max(spans[-1][1] for spans in around.values())
        counts = self._kept.kinds(self._evaluation.detection.key, cluster, around.keys(), every)
        unknown = {one.alike: one.fingerprint for one in counts if one.alike not in self._kinds}
        events = self._kept.events_at(unknown.values())
        for alike, print_ in unknown.items():
            if print_ in events:
                self._kinds[alike] = rows_before_grouping(self._evaluation, events[print_])
        lost = {one.by_key for one in counts if one.alike not in self._kinds}
        if not self._apart.monotone:
            return lost | self._prepared(counts)
        rows = chain.from_iterable(_repeated(self._kinds.get(one.alike, ()), one.number) for one in counts)
        self._evaluation.context.env.now = EVER.at
        state = self._evaluation.start()
        self._evaluation.search.reducer.add(state, rows)
        return lost | {by_hash(self._by.of_row(row)) for row in self._evaluation.finish(state).rows}

    def _prepared(self, counts: Sequence[EventKind]) -> set[str]:
        """The parts whose events hold all that any row needs."""
        needs, found = self._apart.needs, defaultdict[str, HeldFields](HeldFields)
        for one in counts:
            found[one.by_key] |= needs.facts(self._kinds.get(one.alike, ()))
        return {name for name, facts in found.items() if needs.are_met(facts)}


def _repeated(rows: Sequence[Row], number: int) -> Iterator[Row]:
    return chain.from_iterable(repeat(row, number) for row in rows)


def looked_at(stretches: Mapping[int, Stretches]) -> tuple[set[str], dict[str, set[int]]]:
    """The requests of all events that the plans look at, and for each event the plans that do."""
    requests: set[str] = set()
    events: defaultdict[str, set[int]] = defaultdict(set)
    for number, clusters in stretches.items():
        for stretch in (one for some in clusters.values() for one in some.values()):
            for request, print_ in stretch.events:
                requests.add(request)
                events[print_].add(number)
    return requests, events
