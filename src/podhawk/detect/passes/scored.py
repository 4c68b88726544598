"""The risk that an increment changes.

A finding's score depends on others in three ways: what a controller did adds nothing if the request behind it is
charged already; of twins that score the same thing the first counts; and a detection adds to a risk object only so much
a day. Each is looked at again where its findings changed, and only there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from typing import Final

from msgspec import Struct, structs

from podhawk.detect.finding import Finding
from podhawk.detect.increment.kept import (
    KeptFindings,
    KeptMatch,
    KeptRisk,
    ObjectKey,
    ScoredRisk,
    SeriesName,
    SeriesRow,
    series_key,
)
from podhawk.detect.match import Match
from podhawk.detect.passes.settle import Settled
from podhawk.detect.risk.factors import Factors, RiskPolicy
from podhawk.detect.risk.scoring import (
    capped,
    cause_charged,
    day_of,
    in_time,
    once,
    own_requests,
    scored,
    thing_of,
)
from podhawk.detect.risk_event import RiskEvent

_Id = tuple[str, str, str]
PAGE: Final = 32
"""Events that are looked at together where a daily cap has room again."""
Again = Callable[[Sequence[KeptMatch]], list[Match]]


class RiskChange(Struct, frozen=True):
    """The risk events to write, and the risk objects that this concerns, each with the times of the findings that
    changed; `moved` are those times of them at which there is another risk event now."""

    events: Sequence[ScoredRisk]
    objects: Mapping[ObjectKey, Set[float]]
    moved: Mapping[ObjectKey, Set[float]]


def rows_of_risk(finding: Finding) -> dict[SeriesName, list[SeriesRow]]:
    """The rows by which the risk of other findings depends on this one, and its risk on others."""
    cause = cause_charged(finding)

    def row(parts: Iterable[str]) -> SeriesRow:
        return SeriesRow(series_key(parts), finding.first_time, finding.finding_id)

    return {
        "charge": [row(request) for request in sorted(set(own_requests(finding)))],
        "owner": [row(cause)] if cause is not None else [],
    }


def risk_with(
    kept: KeptFindings,
    kept_risk: KeptRisk,
    settled: Sequence[Settled],
    gone: Collection[str],
    gone_charges: Sequence[SeriesRow],
    policy: RiskPolicy,
    again: Again,
) -> RiskChange:
    """The risk of findings that changed, and of those whose risk depends on them. `again` gives known findings after
    all passes."""
    findings = {one.match.finding.finding_id: one.match.finding for one in settled}
    new = {row.key for one in settled for row in one.rows["charge"]}
    old = {row.key for one in settled for row in one.before.get("charge", ())} | {row.key for row in gone_charges}
    causes = {cause for one in findings.values() if (cause := cause_charged(one)) is not None}
    others = {row.key for row in kept.firsts("charge", (new ^ old) | {series_key(cause) for cause in causes})}
    dependent = kept.load([row.finding_id for row in kept.rows("owner", (new ^ old) - others)])
    for match in again(dependent):
        findings[match.finding.finding_id] = match.finding
        cause = cause_charged(match.finding)
        if cause is not None:
            causes.add(cause)
    charged = {cause for cause in causes if series_key(cause) in new | others}
    factors = Factors(policy)
    made = [event for one in findings.values() for event in scored(one, factors, charged)]
    removed = kept_risk.take_out_risk([*findings, *gone])
    return _under_cap(kept_risk, made, removed, policy.cap)


def _under_cap(kept: KeptRisk, made: Sequence[RiskEvent], removed: Sequence[ScoredRisk], cap: float) -> RiskChange:
    things = {series_key(thing_of(event)) for event in (*made, *(one.made for one in removed))}
    twins = {_id(one.made): one for one in kept.risk_of_things(things)}
    sources = {_id(event): event for event in (*made, *(one.made for one in twins.values()))}
    first = {_id(event): event for event in once(sorted(sources.values(), key=in_time))}
    changed = {id_: event for id_, event in first.items() if id_ not in twins or event != uncapped(twins[id_])}
    eased = {series_key(day_of(one.event)) for one in removed}
    eased |= {series_key(day_of(event)) for id_, event in changed.items() if id_ in twins}
    days = {series_key(day_of(event)) for event in changed.values()} | eased
    known = {_id(one.event): one for one in kept.risk_of_days(days)}
    known |= _with_room(kept, eased, [*known.values()], changed, cap)
    for id_, one in known.items():
        sources.setdefault(id_, one.made)
    before = {id_: uncapped(one) for id_, one in known.items()} | changed
    after = {_id(event): event for event in capped(sorted(before.values(), key=in_time), cap)}
    written = [
        ScoredRisk(event, sources[id_], before[id_].applied)
        for id_, event in after.items()
        if id_ not in known or id_ in changed or event != known[id_].event
    ]
    old, new = ({_id(one.event): one.event for one in some} for some in (removed, written))
    return RiskChange(
        written,
        _times([*old.values(), *new.values()]),
        _times(one for some, others in ((old, new), (new, old)) for id_, one in some.items() if one != others.get(id_)),
    )


def _times(events: Iterable[RiskEvent]) -> dict[ObjectKey, set[float]]:
    found: defaultdict[ObjectKey, set[float]] = defaultdict(set)
    for event in events:
        found[event.object_type, event.object, event.cluster].add(event.time)
    return dict(found)


def _with_room(
    kept: KeptRisk, days: Collection[str], known: Sequence[ScoredRisk], changed: dict[_Id, RiskEvent], cap: float
) -> dict[_Id, ScoredRisk]:
    """Events of which a daily cap took all points, where it has room again: as many as it takes to fill it."""
    own: dict[str, list[RiskEvent]] = {day: [] for day in days}
    for event in ({_id(one.event): uncapped(one) for one in known} | changed).values():
        own.get(series_key(day_of(event)), []).append(event)
    found: dict[_Id, ScoredRisk] = {}
    for day, events in own.items():
        most = PAGE
        while True:
            page = kept.over_cap(day, most)
            found |= {_id(one.event): one for one in page}
            if len(page) < most:
                break
            # What comes later than these must not take their room.
            last = in_time(page[-1].made)
            full = sum(one.full for one in page if _id(one.event) not in changed)
            if full + sum(event.applied for event in events if in_time(event) <= last) >= cap:
                break
            most *= 4
    return found


def uncapped(one: ScoredRisk) -> RiskEvent:
    """The event before the daily cap."""
    if not one.event.capped:
        return one.event
    return structs.replace(one.event, applied=one.full, capped=0.0, notes=one.event.notes[:-1])


def _id(event: RiskEvent) -> _Id:
    return event.finding_id, event.object_type, event.object
