"""Noise, exceptions, priority, throttling and visibility, in one sweep.

Some passes look at one finding at a time. Others look at series of findings: what one says of a finding can change when
another comes or goes. The sweep has these steps, and no step depends on a later one, so that one sweep is enough:

1. tokens that were used from another address first, and declared components at an address that is not theirs;
2. first times, repeats by controllers, habits;
3. noise, exceptions, priority, visibility: each finding by itself;
4. templates that a visible finding reports;
5. throttling, then visibility again.

A run without a state has all findings at hand. An increment has those that its events change; a pass that changes what
it said of a known finding adds that finding to the sweep, from this pass on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field, structs

from podhawk.detect.baseline.habits import SiteBaseline, is_known, with_declared
from podhawk.detect.increment.kept import KeptFindings, KeptMatch, SeriesName, SeriesRow, Verdicts, series_key
from podhawk.detect.match import Match
from podhawk.detect.noise.baseline import BASELINE, OUTSIDE
from podhawk.detect.noise.habit import HABIT, habit_of
from podhawk.detect.noise.registry import NoisePolicy, with_noise
from podhawk.detect.noise.repeats import REPEATS, cause_of
from podhawk.detect.noise.reported import REPORTED, reports, template_of
from podhawk.detect.passes import series
from podhawk.detect.rank.exceptions import SiteException, with_exceptions
from podhawk.detect.rank.moved_tokens import first_addresses, token_of, with_moved_tokens
from podhawk.detect.rank.priority import PriorityPolicy, first_time_of, first_times, with_priority
from podhawk.detect.rank.visibility import period_of, throttled, throttling_of, with_throttling, with_visibility
from podhawk.detect.risk.factors import RiskPolicy


class Policies(Struct, frozen=True):
    """What a site decides: noise, priority, risk, exceptions, and what is normal there."""

    noise: NoisePolicy = field(default_factory=NoisePolicy)
    priority: PriorityPolicy = field(default_factory=PriorityPolicy)
    risk: RiskPolicy = field(default_factory=RiskPolicy)
    exceptions: Sequence[SiteException] = ()
    baseline: SiteBaseline | None = None
    """None: that of the content."""

    @property
    def normal(self) -> SiteBaseline:
        """What is normal at the site; empty if nobody has said so."""
        return self.baseline or SiteBaseline()


class Settled(Struct, frozen=True):
    """A finding before and after the passes, and what the passes over series said of it."""

    raw: Match
    verdicts: Verdicts
    match: Match
    rows: Mapping[SeriesName, Sequence[SeriesRow]] = {}
    before: Mapping[SeriesName, Sequence[SeriesRow]] = {}


def settle(matches: Sequence[Match], policies: Policies, now: float) -> list[Match]:
    """All matches of a run, after all passes. `now` is the time for conditions of exceptions."""
    matches = with_declared(with_moved_tokens(matches, first_addresses(matches)), policies.normal)
    matches = alone(matches, policies, now, first_times(matches), {})
    matches = with_noise(matches, policies.noise, late=True)
    matches = with_throttling(matches, throttled(matches, policies.priority.bar))
    return with_visibility(matches, policies.priority.bar)


def alone(
    matches: Sequence[Match],
    policies: Policies,
    now: float,
    first: Sequence[bool],
    told: Mapping[str, Sequence[bool]],
) -> list[Match]:
    """The passes that look at one match at a time; `told` are the noise classes that do not."""
    if policies.normal.habits:
        normal = policies.normal
        covered = [normal.covers(match) for match in matches]
        outside = [not known and is_known(match) for match, known in zip(matches, covered, strict=True)]
        told = {**told, BASELINE.name: covered, OUTSIDE.name: outside}
    matches = with_noise(matches, policies.noise, told=told)
    matches = with_exceptions(matches, policies.exceptions, now)
    matches = with_priority(matches, policies.priority, first)
    return with_visibility(matches, policies.priority.bar)


_Parts = Callable[[Match], Iterable[Any] | None]
_OF_FIRSTS: Final[tuple[tuple[SeriesName, _Parts, str, bool], ...]] = (
    ("cause", cause_of, "repeats", False),
    ("first-time", first_time_of, "first", True),
)
"""Series of which the first finding counts: what they go by, the verdict, and what it is for the first."""


class _Item(Struct):
    """A finding in the sweep: before the passes, after the first step, and after the step that the sweep has reached;
    its rows before and now."""

    raw: Match
    verdicts: Verdicts
    moved: Match
    now: Match
    before: Mapping[SeriesName, Sequence[SeriesRow]]
    rows: dict[SeriesName, list[SeriesRow]]


class Sweep:
    """One sweep over what an increment changes."""

    def __init__(self, policies: Policies, now: float, kept: KeptFindings) -> None:
        self._policies, self._now, self._kept = policies, now, kept
        self._items: dict[str, _Item] = {}
        self._reached = 0
        self.gone: Mapping[SeriesName, Sequence[SeriesRow]] = {}
        """The rows of findings that are no more."""

    def run(self, matches: Sequence[Match], gone: Collection[str]) -> list[Settled]:
        """The matches of an increment, and known findings of which the passes say something else now. `matches` are
        new or evaluated again; `gone` are the ids of findings that are no more."""
        before = _of_findings(self._kept.take_out({*gone, *(one.finding.finding_id for one in matches)}))
        self.gone = _merged(before.pop(id_, {}) for id_ in gone)
        for match in matches:
            id_ = match.finding.finding_id
            self._items[id_] = _Item(match, Verdicts(), match, match, before.get(id_, {}), {})
        self._tokens()
        self._firsts()
        self._habits()
        self._alone(self._items.values())
        self._reached = 3
        self._templates()
        self._throttling()
        bar = self._policies.priority.bar
        last = with_visibility([one.now for one in self._items.values()], bar)
        return [
            Settled(one.raw, one.verdicts, match, one.rows, one.before)
            for one, match in zip(self._items.values(), last, strict=True)
        ]

    def _tokens(self) -> None:
        added, removed = self._rows("token", _token_rows)
        homes, flips = series.moved_with(self._kept, "token", added, removed)
        for row in added:
            home = homes[row.key]
            self._say(row.finding_id, moved="" if home == row.value else home)
        self._flip({id_: {"moved": home} for id_, home in flips.items()})
        self._move(self._items.values())

    def _move(self, items: Iterable[_Item]) -> None:
        chosen = list(items)
        moved = with_declared(
            with_moved_tokens([one.raw for one in chosen], [one.verdicts.moved for one in chosen]),
            self._policies.normal,
        )
        for item, match in zip(chosen, moved, strict=True):
            item.moved = item.now = match

    def _firsts(self) -> None:
        for name, of, member, holds in _OF_FIRSTS:
            added, removed = self._rows(name, _rows_by(of))
            first, flips = series.first_with(self._kept, name, added, removed)
            for row in added:
                self._say(row.finding_id, **{member: (first[row.key].finding_id == row.finding_id) is holds})
            self._flip({id_: {member: is_first is holds} for id_, is_first in flips.items()})

    def _habits(self) -> None:
        added, removed = self._rows("habit", _rows_by(habit_of))
        habits, flips = series.habits_with(self._kept, added, removed)
        for id_, habit in habits.items():
            self._say(id_, habit=habit)
        self._flip({id_: {"habit": habit} for id_, habit in flips.items()})
        for item in self._items.values():
            _mark(item, "habit", item.verdicts.habit)

    def _alone(self, items: Iterable[_Item]) -> None:
        chosen = list(items)
        told = {
            REPEATS.name: [one.verdicts.repeats for one in chosen],
            HABIT.name: [one.verdicts.habit for one in chosen],
        }
        found = alone(
            [one.moved for one in chosen], self._policies, self._now, [one.verdicts.first for one in chosen], told
        )
        for item, match in zip(chosen, found, strict=True):
            item.now = match

    def _templates(self) -> None:
        reported, withdrawn = self._rows("report", _report_rows)
        made, _ = self._rows("template", _rows_by(template_of))
        new, old = {row.key for row in reported}, {row.key for row in withdrawn}
        others = {row.key for row in self._kept.firsts("report", {*(new ^ old), *(row.key for row in made)})}
        known = new | others
        for row in made:
            self._say(row.finding_id, reported=row.key in known)
        turned = (new ^ old) - others
        self._flip({row.finding_id: {"reported": row.key in new} for row in self._kept.rows("template", turned)})
        self._hide(self._items.values())
        self._reached = 4

    def _hide(self, items: Iterable[_Item]) -> None:
        chosen = list(items)
        late = with_noise(
            [one.now for one in chosen],
            self._policies.noise,
            late=True,
            told={REPORTED.name: [one.verdicts.reported for one in chosen]},
        )
        for item, match in zip(chosen, late, strict=True):
            item.now = match

    def _throttling(self) -> None:
        bar = self._policies.priority.bar
        added, removed = self._rows("throttling", lambda match: _throttling_rows(match, bar))
        quiet, flips = series.chains_with(self._kept, added, removed)
        for id_, still in quiet.items():
            self._say(id_, throttled=still)
        self._flip({id_: {"throttled": still} for id_, still in flips.items()})
        for item in self._items.values():
            item.rows["throttling"] = [
                row._replace(value=series.quiet_value(item.verdicts.throttled, period_of(item.raw)))
                for row in item.rows.get("throttling", ())
            ]
            (item.now,) = with_throttling([item.now], [item.verdicts.throttled])

    def _rows(
        self, name: SeriesName, made: Callable[[Match], list[SeriesRow]]
    ) -> tuple[list[SeriesRow], list[SeriesRow]]:
        """The rows of the findings at hand in a series, now and before."""
        removed = list(self.gone.get(name, ()))
        for item in self._items.values():
            item.rows[name] = made(item.now)
            removed += item.before.get(name, ())
        return [row for item in self._items.values() for row in item.rows[name]], removed

    def _say(self, finding_id: str, **verdicts: Any) -> None:
        item = self._items[finding_id]
        item.verdicts = structs.replace(item.verdicts, **verdicts)

    def _flip(self, flips: Mapping[str, Mapping[str, Any]]) -> None:
        """Add known findings to the sweep, of which a pass says something else now."""
        new = [id_ for id_ in flips if id_ not in self._items]
        if not new:
            return
        rows = _of_findings(self._kept.take_out(new))
        joining = []
        for one in self._kept.load(new):
            id_ = one.match.finding.finding_id
            verdicts = structs.replace(one.verdicts, **flips[id_])
            before = rows.get(id_, {})
            own = {name: list(rows) for name, rows in before.items()}
            item = self._items[id_] = _Item(one.match, verdicts, one.match, one.match, before, own)
            joining.append(item)
        self._move(joining)
        if self._reached >= 3:
            self._alone(joining)
        if self._reached >= 4:
            self._hide(joining)


def _mark(item: _Item, name: SeriesName, said: bool) -> None:
    item.rows[name] = [row._replace(value=f"{said:d}") for row in item.rows.get(name, ())]


def _of_findings(
    rows: Mapping[str, Sequence[SeriesRow]],
) -> dict[str, dict[SeriesName, list[SeriesRow]]]:
    """Rows by finding and series."""
    found: dict[str, dict[SeriesName, list[SeriesRow]]] = {}
    for name, own in rows.items():
        for row in own:
            found.setdefault(row.finding_id, {}).setdefault(name, []).append(row)  # type: ignore[arg-type]
    return found


def _merged(some: Iterable[Mapping[SeriesName, Sequence[SeriesRow]]]) -> dict[SeriesName, list[SeriesRow]]:
    found: dict[SeriesName, list[SeriesRow]] = {}
    for one in some:
        for name, rows in one.items():
            found.setdefault(name, []).extend(rows)
    return found


def _row(match: Match, parts: Iterable[Any], value: str = "") -> SeriesRow:
    finding = match.finding
    return SeriesRow(series_key(parts), finding.first_time, finding.finding_id, value)


def _rows_by(of: _Parts) -> Callable[[Match], list[SeriesRow]]:
    def rows(match: Match) -> list[SeriesRow]:
        parts = of(match)
        return [] if parts is None else [_row(match, parts)]

    return rows


def _token_rows(match: Match) -> list[SeriesRow]:
    token = token_of(match)
    return [] if token is None else [_row(match, token, match.finding.actor.source_ip)]


def _report_rows(match: Match) -> list[SeriesRow]:
    return [_row(match, request) for request in sorted(reports(match))]


def _throttling_rows(match: Match, bar: int) -> list[SeriesRow]:
    parts = throttling_of(match, bar)
    return [] if parts is None else [_row(match, parts, series.quiet_value(False, period_of(match)))]


def settled_again(known: Sequence[KeptMatch], policies: Policies, now: float) -> list[Match]:
    """Known findings after all passes, by what these said of them."""
    moved = with_declared(
        with_moved_tokens([one.match for one in known], [one.verdicts.moved for one in known]), policies.normal
    )
    told = {
        REPEATS.name: [one.verdicts.repeats for one in known],
        HABIT.name: [one.verdicts.habit for one in known],
    }
    found = alone(moved, policies, now, [one.verdicts.first for one in known], told)
    found = with_noise(found, policies.noise, late=True, told={REPORTED.name: [one.verdicts.reported for one in known]})
    found = with_throttling(found, [one.verdicts.throttled for one in known])
    return with_visibility(found, policies.priority.bar)
