"""Which findings a person sees: the queue, the tables, the sinks. The others are counted, never lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from podhawk.detect.finding import Finding
from podhawk.detect.match import Match, in_order
from podhawk.functions.times import UNITS

_PERIOD: Final = re.compile(r"(\d+)\s*([a-z]*)\Z", re.IGNORECASE)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mon": 2_592_000}


def with_visibility(matches: Sequence[Match], bar: int) -> list[Match]:
    """The matches with `visible`: incidents, findings, and intermediate findings at or above the bar; not what noise
    classes hide, exceptions mark or throttling quiets."""
    return [
        match
        if is_visible(match.finding, bar) is match.finding.visible
        else match.having(visible=not match.finding.visible)
        for match in matches
    ]


def is_visible(finding: Finding, bar: int) -> bool:
    """Whether a finding is to be seen."""
    if finding.suppressed_by is not None or finding.throttled or hidden_by_noise(finding):
        return False
    return finding.kind != "intermediate" or finding.priority >= bar


def hidden_by_noise(finding: Finding) -> bool:
    """Whether a noise class hides a finding."""
    return any(hit.action == "hide" for hit in finding.noise)


def throttling_of(match: Match, bar: int) -> tuple[object, ...] | None:
    """What a finding quiets in others, and others in it; None if throttling is not for it.

    A finding that nobody sees quiets only others that nobody would see: what is below the bar must not silence what is
    above it.
    """
    finding = match.finding
    throttling = finding.detection.throttling
    if throttling is None or not period_of(match) or hidden_by_noise(finding) or finding.suppressed_by is not None:
        return None
    values = [finding.rows[0].get(name) if finding.rows else None for name in throttling.fields]
    if None in values:
        return None  # what is not there is not equal to anything
    return (finding.cluster, finding.detection.key, is_visible(finding, bar), *map(str, values))


def period_of(match: Match) -> int:
    """The seconds for which a finding quiets others."""
    throttling = match.finding.detection.throttling
    return _seconds(throttling.period) if throttling is not None else 0


def throttled(matches: Sequence[Match], bar: int) -> list[bool]:
    """Which matches stay quiet: equal values of the content's throttling fields do for its period after a finding, in
    the time of the events."""
    found = [False] * len(matches)
    until: dict[tuple[object, ...], float] = {}
    for number in in_order(matches):
        key = throttling_of(matches[number], bar)
        if key is None:
            continue
        time = matches[number].finding.first_time
        if time < until.get(key, float("-inf")):
            found[number] = True
        else:
            until[key] = time + period_of(matches[number])
    return found


def with_throttling(matches: Sequence[Match], quiet: Sequence[bool]) -> list[Match]:
    """The matches, those that stay quiet as `throttled`."""
    return [match.having(throttled=True) if still else match for match, still in zip(matches, quiet, strict=True)]


def _seconds(period: str) -> int:
    """A period such as `86400s`, `1d` or `2 hours` in seconds; 0 for what is none."""
    found = _PERIOD.match(period.strip())
    return int(found[1]) * _SECONDS.get(UNITS.get(found[2].lower() or "s", ""), 0) if found else 0
