"""What a state keeps of a finding, and how passes ask for it.

A kept finding is its evaluation, before any pass; what later passes need to know of its events; and what each pass over
several findings said of it. A *series* orders findings by the time of their events under a key, such as all that one
account does to one object. Passes look at the rows of a series, which hold a text each, and load few findings.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, Protocol

from msgspec import Struct

from podhawk.detect.increment.fold import Fold
from podhawk.detect.match import Match
from podhawk.detect.risk_event import RiskEvent

SeriesName = Literal[
    "token", "cause", "first-time", "habit", "report", "template", "throttling", "charge", "owner", "incident"
]


class SeriesRow(NamedTuple):
    """One finding in a series. `value` is what the pass says of it, or what others are to know of it."""

    key: str
    time: float
    finding_id: str
    value: str = ""

    @property
    def position(self) -> tuple[float, str]:
        """Its place in the series."""
        return self.time, self.finding_id


class Verdicts(Struct, frozen=True):
    """What the passes over several findings said of one. `moved` is the address from which its token was used first,
    where that is another one."""

    moved: str = ""
    repeats: bool = False
    first: bool = False
    habit: bool = False
    reported: bool = False
    throttled: bool = False


class KeptMatch(Struct, frozen=True):
    """A finding before the passes, and their verdicts."""

    match: Match
    verdicts: Verdicts


class ScoredRisk(Struct, frozen=True):
    """A risk event; the event before twins and the daily cap were looked at; its points before the cap."""

    event: RiskEvent
    made: RiskEvent
    full: float


class KeptFindings(Protocol):
    """The findings of earlier increments, by what passes ask for. What is taken out is no longer found."""

    def take_out(self, finding_ids: Collection[str]) -> Mapping[str, Sequence[SeriesRow]]:
        """Take findings out of all series. Returns the rows that they had, by series."""

    def load(self, finding_ids: Collection[str]) -> list[KeptMatch]:
        """Findings by id, in any order; those that are not known are left out."""

    def firsts(self, series: SeriesName, keys: Iterable[str]) -> list[SeriesRow]:
        """The first row of each key."""

    def rows(self, series: SeriesName, keys: Iterable[str]) -> list[SeriesRow]:
        """All rows of keys."""

    def before(self, series: SeriesName, places: Iterable[SeriesRow], most: int) -> list[SeriesRow]:
        """For each place the nearest rows before it, of the same key."""

    def after(self, series: SeriesName, places: Iterable[SeriesRow], most: int) -> list[SeriesRow]:
        """For each place the nearest rows after it, of the same key."""


Interval = tuple[float, float]
ObjectKey = tuple[str, str, str]
"""The type, the value and the cluster of a risk object."""
EndsByKey = dict[tuple[str, ...], list[float]]
"""The ends of the windows in which a search over risk gave rows, by its by-key."""


class KindOfRisk(Struct, frozen=True):
    """The risk events of one risk object and one kind that add points: one of them, the times of all in order, and the
    points of each."""

    event: RiskEvent
    times: Sequence[float]
    points: Sequence[float]

    def points_within(self, span: Interval) -> Sequence[float]:
        """The points of the events in a span of time (without its end): their sum, if a float holds it exactly."""
        start, end = (bisect.bisect_left(self.times, time) for time in span)
        points = self.points[start:end]
        total = math.fsum(points)
        return [total] if points and not math.fsum((*points, -total)) else points


class KeptRisk(Protocol):
    """The risk events of earlier increments."""

    def take_out_risk(self, finding_ids: Collection[str]) -> list[ScoredRisk]:
        """Delete the risk events of findings, and return them."""

    def risk_of_things(self, keys: Collection[str]) -> list[ScoredRisk]:
        """The risk events that score the same things; see `podhawk.detect.risk.scoring.thing_of`."""

    def risk_of_days(self, keys: Collection[str]) -> list[ScoredRisk]:
        """The risk events under the same daily caps that add points."""

    def over_cap(self, day: str, most: int) -> list[ScoredRisk]:
        """The first risk events under a daily cap of which it took all points."""

    def risk_of_objects(self, objects: Collection[ObjectKey]) -> list[RiskEvent]:
        """The risk events of risk objects."""

    def crowded(self, objects: Collection[ObjectKey], most: int) -> set[ObjectKey]:
        """Those of the risk objects that have more risk events than `most`."""

    def scoring(self, objects: Collection[ObjectKey], span: Interval) -> list[RiskEvent]:
        """The risk events of risk objects that add points, in a span of time."""

    def kinds_scoring(self, objects: Collection[ObjectKey], span: Interval) -> dict[ObjectKey, list[KindOfRisk] | None]:
        """What `scoring` gives, by kinds; events of a kind differ in time, finding and points. Of risk objects that
        have any; None if not all kinds are known."""

    def within(self, one: ObjectKey, span: Interval) -> list[RiskEvent]:
        """The risk events of a risk object in a span of time (without its end)."""

    def quiet_since(
        self, objects: Collection[ObjectKey], since: float
    ) -> dict[ObjectKey, list[tuple[RiskEvent, list[float]]] | None]:
        """For each kind of the risk events that `quiet` gives one of them, with the times of all from a time on and of
        the last one before it, in order; of risk objects that have any. None if not all kinds are known."""

    def quiet(self, one: ObjectKey, span: Interval) -> list[RiskEvent] | None:
        """Of the risk events of a risk object in a span of time (without its end) that add no points, one of each kind:
        the others differ in time, finding and points. None if not all kinds are known."""

    def charged(self, one: ObjectKey, span: Interval) -> list[RiskEvent]:
        """The risk events of a risk object in a span of time (without its end) that add points, or would but for the
        daily cap."""

    def windows_of(self, objects: Collection[ObjectKey]) -> dict[tuple[ObjectKey, str], EndsByKey]:
        """The windows in which searches gave rows for risk objects, by the key of the detection; of a search that has
        not looked at a risk object there is nothing."""

    def keep_windows(self, windows: Mapping[tuple[ObjectKey, str], EndsByKey]) -> None:
        """Keep the windows of searches over risk objects, in place of all that is kept for these risk objects."""

    def cells(self, one: ObjectKey, size: int, span: Interval) -> dict[float, Fold]:
        """The folds that are kept for parts of a span of `size` seconds each, by their start."""

    def keep_cells(self, one: ObjectKey, size: int, cells: Mapping[float, Fold]) -> None:
        """Keep folds."""

    def drop_cells(self, size: int, objects: Mapping[ObjectKey, Collection[float]]) -> None:
        """Drop the folds of parts that hold these times, of each risk object."""

    def risk_of_clusters(self, clusters: Collection[str] | None) -> list[RiskEvent]:
        """The risk events of clusters; None stands for all."""


def series_key(parts: Iterable[Any]) -> str:
    """The key of a series: a hash of what its findings have in common."""
    return blake2b(repr(tuple(parts)).encode("utf-8", "backslashreplace"), digest_size=12).hexdigest()
