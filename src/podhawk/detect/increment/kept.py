"""What a state keeps of a finding, and how passes ask for it.

A kept finding is its evaluation, before any pass; what later passes need to know of its events; and what each pass over
several findings said of it. A *series* orders findings by the time of their events under a key, such as all that one
account does to one object. Passes look at the rows of a series, which hold a text each, and load few findings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, Protocol

from msgspec import Struct

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


class KeptRisk(Protocol):
    """The risk events of earlier increments."""

    def take_out_risk(self, finding_ids: Collection[str]) -> list[ScoredRisk]:
        """Delete the risk events of findings, and return them."""

    def risk_of_things(self, keys: Collection[str]) -> list[ScoredRisk]:
        """The risk events that score the same things; see `podhawk.detect.risk.scoring.thing_of`."""

    def risk_of_days(self, keys: Collection[str]) -> list[ScoredRisk]:
        """The risk events under the same daily caps that have points before the cap."""

    def risk_of_objects(self, objects: Collection[tuple[str, str, str]]) -> list[RiskEvent]:
        """The risk events of risk objects, by type, value and cluster."""

    def risk_of_clusters(self, clusters: Collection[str] | None) -> list[RiskEvent]:
        """The risk events of clusters; None stands for all."""


def series_key(parts: Iterable[Any]) -> str:
    """The key of a series: a hash of what its findings have in common."""
    return blake2b(repr(tuple(parts)).encode("utf-8", "backslashreplace"), digest_size=12).hexdigest()
