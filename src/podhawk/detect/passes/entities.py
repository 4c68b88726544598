"""The incidents that an increment changes: those of the risk objects whose risk changed.

A search over risk sees one risk object of one cluster at a time, so that the incidents of the others stay. Of a risk
object, only windows that hold a change are looked at again; the state knows in which others the search gave rows. What
an incident says of its findings is read as folds of hours and minutes; those that hold a change are made again.

A search that groups by something else sees all risk events of a cluster, or of all clusters, and is asked again as a
whole.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from typing import Final

from msgspec import Struct

from podhawk.content.model import Content
from podhawk.detect.evaluate.episodes import Episode
from podhawk.detect.evaluate.prepare import Prepared
from podhawk.detect.evaluate.windows import MINUTE, Window
from podhawk.detect.increment.evidence import merged
from podhawk.detect.increment.kept import (
    EndsByKey,
    Interval,
    KeptFindings,
    KeptRisk,
    KindOfRisk,
    ObjectKey,
    SeriesRow,
    series_key,
)
from podhawk.detect.match import Match
from podhawk.detect.passes.folds import Folds
from podhawk.detect.passes.scored import Again, RiskChange
from podhawk.detect.risk.dataset import row_of
from podhawk.detect.risk.incident import Reason, incident_of, joined
from podhawk.detect.risk.incidents import POINTS, RiskSearch, incident_matches, inside, is_wide, order_of
from podhawk.detect.risk_event import RiskEvent
from podhawk.rows import OrderKey, Row, Table

_WIDE: Final = series_key(["wide"])
FEW: Final = 16
"""Risk events of a risk object that are read at once."""
EVER: Final[Interval] = (float("-inf"), float("inf"))


def entity_key(*entity: str) -> str:
    """The key of the incidents of a risk object, by its type, value and cluster."""
    return series_key(["entity", *entity])


class IncidentChange(Struct, frozen=True):
    """Incidents that were looked at again, each with its row in the series of incidents; the keys of all incidents that
    were."""

    matches: Sequence[Match] = ()
    rows: Mapping[str, SeriesRow] = {}
    keys: frozenset[str] = frozenset()


def incidents_with(
    kept: KeptFindings,
    risk: KeptRisk,
    searches: Sequence[Prepared],
    content: Content,
    changed: RiskChange,
    again: Again,
) -> IncidentChange:
    """The incidents of risk objects whose risk, or whose findings, changed, and those of searches that see more."""
    objects = changed.objects
    if not objects:
        return IncidentChange()
    made = [RiskSearch(one, content) for one in searches]
    wide = [one for one, search in zip(searches, made, strict=True) if is_wide(search)]
    narrow = [search for search in made if not is_wide(search)]
    of_objects = list(_of_objects(kept, risk, narrow, changed, again))
    of_all = _of_all(kept, risk, wide, content, again) if wide else []
    rows = {}
    for match, key in (*((one, _key_of(one)) for one in of_objects), *((one, _WIDE) for one in of_all)):
        finding = match.finding
        rows[finding.finding_id] = SeriesRow(key, finding.first_time, finding.finding_id)
    keys = {entity_key(*one) for one in objects}
    return IncidentChange([*of_objects, *of_all], rows, frozenset({*keys, *([_WIDE] if wide else ())}))


def _key_of(match: Match) -> str:
    (gained,) = match.finding.risk_objects
    return entity_key(gained.type, gained.value, match.finding.cluster)


def _of_all(
    kept: KeptFindings, risk: KeptRisk, searches: Sequence[Prepared], content: Content, again: Again
) -> list[Match]:
    def findings(ids: Collection[str]) -> dict[str, Match]:
        return {match.finding.finding_id: match for match in again(kept.load(ids))}

    events = risk.risk_of_clusters(None)
    return incident_matches(searches, content, events, findings) if events else []


def _of_objects(
    kept: KeptFindings,
    risk: KeptRisk,
    searches: Sequence[RiskSearch],
    changed: RiskChange,
    again: Again,
) -> Iterator[Match]:
    objects = changed.objects
    folds = Folds(kept, risk, again)
    folds.changed(objects)
    known = risk.windows_of(objects)
    crowded = risk.crowded(objects, FEW)
    few: defaultdict[ObjectKey, list[RiskEvent]] = defaultdict(list)
    for event in risk.risk_of_objects(objects.keys() - crowded):
        few[event.object_type, event.object, event.cluster].append(event)
    looks: list[_Look] = []
    for one in objects:
        times = changed.moved.get(one, frozenset())
        own = None if one in crowded else few[one]
        rows: dict[int, tuple[RiskEvent, Row]] = {}
        looks += [_Look(search, one, known.get((one, search.detection.key)), times, own, rows) for search in searches]
    many = [look for look in looks if look.events is None]
    for all_windows in (False, True):
        _with_events(risk, [look for look in many if (look.regions == [EVER]) is all_windows])
    risk.keep_windows({(look.object, look.search.detection.key): look.ends(risk) for look in looks})
    reasons = [reason for look in looks for reason in look.reasons(risk)]
    for some in joined(reasons):
        yield incident_of(some, folds.of(some))


def _with_events(risk: KeptRisk, looks: Sequence[_Look]) -> None:
    """Read what is in the windows that are looked at, of many risk objects together."""
    every = [span for look in looks for span in look.regions]
    if not every:
        for look in looks:
            look.since, look.quiet = EVER[1], ()
        return
    length = max(look.search.schedule.length for look in looks)
    around = min(start for start, _ in every) - length - MINUTE, max(end for _, end in every) + MINUTE
    objects = {look.object for look in looks}
    since = min(start for start, _ in every)
    quiet = risk.quiet_since(objects, since)
    kinds = risk.kinds_scoring({look.object for look in looks if look.search.takes_sums}, around)
    for look in looks:
        look.since, look.quiet = since, quiet.get(look.object, ())
        of_object = kinds.get(look.object, ())
        if look.search.takes_sums and of_object is not None and look.quiet is not None:
            look.take_kinds(of_object, around)
    rest = [look for look in looks if look.kinds is None]
    by_object: defaultdict[ObjectKey, list[RiskEvent]] = defaultdict(list)
    for event in risk.scoring({look.object for look in rest}, around):
        by_object[event.object_type, event.object, event.cluster].append(event)
    for look in rest:
        look.take(by_object[look.object], around)


class _Look:
    """A search over risk that looks at one risk object: at the windows that hold a change, or at all if it has not
    looked before. `events` are all risk events, if these are few; `rows` those made so far, for all searches."""

    def __init__(
        self,
        search: RiskSearch,
        object: ObjectKey,
        known: EndsByKey | None,
        times: Set[float],
        events: Sequence[RiskEvent] | None,
        rows: dict[int, tuple[RiskEvent, Row]],
    ) -> None:
        self.search, self.object, self.events, self._rows = search, object, events, rows
        self._length = search.schedule.length
        self._before = known or {}
        self.regions = [EVER] if known is None else merged((time, time + self._length) for time in times)
        """The ends of the windows that are looked at: later than the start, up to the end."""
        self._scoring: Sequence[RiskEvent] = ()
        self._times: Sequence[float] = ()
        self._around: Interval | None = None
        self.kinds: Sequence[KindOfRisk] | None = None
        """What adds points, by kinds, in place of the events themselves."""
        self.since = EVER[0]
        self.quiet: Sequence[tuple[RiskEvent, Sequence[float]]] | None = None
        """One of each kind of what adds no points, with the times of all from `since` on and of the last one before;
        None if not all kinds are known."""
        self._tables: dict[float, Table] = {}
        self._ends: EndsByKey = {}
        if events is not None:
            self.take(events, EVER)

    def take(self, events: Sequence[RiskEvent], around: Interval) -> None:
        """Take in the events of a span of time: all, or those that add points."""
        self._scoring, self._around = sorted(events, key=order_of), around
        self._times = [event.time for event in self._scoring]

    def take_kinds(self, kinds: Sequence[KindOfRisk], around: Interval) -> None:
        """Take in the kinds of risk events that add points in a span of time."""
        self.kinds, self._around = kinds, around

    @property
    def _moving(self) -> Sequence[float]:
        """The times of events that add points."""
        if self.kinds is not None:
            return sorted({time for kind in self.kinds for time in kind.times})
        return [event.time for event in self._scoring if event.applied > 0]

    def ends(self, risk: KeptRisk) -> EndsByKey:
        """The windows in which the search gives rows, by its by-key."""
        found: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
        for key, ends in self._before.items():
            found[key] = [end for end in ends if not any(start < end <= last for start, last in self.regions)]
        times = self._moving
        near = [time for start, last in self.regions for time in inside(times, times, start - MINUTE, last)]
        for window in self.search.schedule.sliding(near):
            if any(start < window.end <= last for start, last in self.regions):
                for key in {self.search.by.of_row(row) for row in self._table(risk, window).rows}:
                    found[key].append(window.end)
        self._ends = {key: sorted(ends) for key, ends in found.items() if ends}
        return self._ends

    def reasons(self, risk: KeptRisk) -> Iterator[Reason]:
        """What the windows with rows come to."""
        type_, value, cluster = self.object
        for key, ends in self._ends.items():
            for first, latest in _runs(ends, self._length):
                windows = [Window(end - self._length, end, end) for end in dict.fromkeys((first, latest))]
                tables = []
                for window in windows:
                    table = self._table(risk, window)
                    rows = [row for row in table.rows if self.search.by.of_row(row) == key]
                    tables.append(Table(rows, table.columns))
                episode = Episode(key, windows[0], windows[-1], tables)
                yield self.search.reason(episode, (), cluster, (type_, value))

    def _table(self, risk: KeptRisk, window: Window) -> Table:
        known = self._tables.get(window.end)
        if known is None:
            rows = [
                Row(row, OrderKey(-time, 0.0, (-number,)))
                for number, (time, row) in enumerate(self._within(risk, window))
            ]
            known = self._tables[window.end] = self.search.table(rows, window)
        return known

    def _row(self, event: RiskEvent) -> Row:
        """The row of an event, made once for all windows that hold it."""
        known = self._rows.get(id(event))
        if known is None:
            known = self._rows[id(event)] = event, row_of(event)
        return known[1]

    def _within(self, risk: KeptRisk, window: Window) -> list[tuple[float, Row]]:
        """The rows of a window with their times, in order of time."""
        span = window.start, window.end
        kinds, quiet = self.kinds, self._quiet(risk, span) if self.kinds is not None else None
        if kinds is not None and not self._holds(span):
            kinds = risk.kinds_scoring([self.object], span).get(self.object, ())
        if kinds is None or quiet is None:
            return [(event.time, self._row(event)) for event in self._events(risk, span)]
        rows = [
            (kind.event.time, Row({**self._row(kind.event), POINTS: points}))
            for kind in kinds
            for points in kind.points_within(span)
        ]
        rows += [(event.time, self._row(event)) for event in quiet]
        return sorted(rows, key=lambda one: one[0])

    def _holds(self, span: Interval) -> bool:
        """Whether what was taken in holds all of a window."""
        return self._around is not None and self._around[0] <= span[0] and span[1] <= self._around[1]

    def _events(self, risk: KeptRisk, span: Interval) -> Sequence[RiskEvent]:
        """The events of a window, in order of time; one of each kind of those that add no points, if that will do."""
        if self.events is not None:
            return inside(self._scoring, self._times, *span)
        quiet = self._quiet(risk, span)
        if quiet is None or self.kinds is not None:
            return sorted(risk.within(self.object, span), key=order_of)
        scoring: Sequence[RiskEvent] = inside(self._scoring, self._times, *span)
        if not self._holds(span):
            scoring = [event for event in risk.scoring([self.object], span) if event.time < span[1]]
        return sorted([*scoring, *quiet], key=order_of)

    def _quiet(self, risk: KeptRisk, span: Interval) -> Sequence[RiskEvent] | None:
        """One of each kind of what adds no points in a window."""
        if self.quiet is None or not self.search.ignores_repeats:
            return None
        if span[1] <= self.since:
            return risk.quiet(self.object, span)
        last = ((event, times, bisect.bisect_left(times, span[1])) for event, times in self.quiet)
        return [event for event, times, place in last if place and times[place - 1] >= span[0]]


def _runs(ends: Sequence[float], length: float) -> Iterator[tuple[float, float]]:
    """The first and the latest of windows that follow one another, as in `episodes_over`."""
    first = latest = ends[0]
    for end in ends[1:]:
        if end - latest > length:
            yield first, latest
            first = end
        latest = end
    yield first, latest
