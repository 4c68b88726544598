"""Findings in order of time, with what their actors did around them, and in groups if asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from podhawk.detect.activity.grouping import Grouping, group_of_each
from podhawk.detect.activity.nearby import NearbyDigest, span_at
from podhawk.detect.activity.value_counts import Occurrence
from podhawk.detect.finding import Finding, actor_of
from podhawk.detect.report.finding_json import rfc3339

MOST_SHOWN: Final = 8
"""Kinds of request that are shown around the findings of an actor."""
_READS: Final = ("get ", "list ", "watch ")


class TimelineEntry(Struct, frozen=True):
    """A finding, or requests of the same kind that an actor made around its findings (`finding` is None then)."""

    time: float
    last: float
    group: str
    actor: str
    text: str
    count: int
    finding: Finding | None = None

    def record(self) -> dict[str, Any]:
        """The entry for scripts."""
        one = self.finding
        found: dict[str, Any] = {
            "kind": one.kind if one is not None else "activity",
            "time": rfc3339(self.time),
            "last_time": rfc3339(self.last),
            "group": self.group,
            "actor": self.actor,
            "text": self.text,
            "count": self.count,
        }
        if one is not None:
            found |= {
                "finding_id": one.finding_id,
                "detection": one.detection.name,
                "severity": one.severity,
                "priority": one.priority,
                "outcome": one.outcome,
                "visible": one.visible,
            }
        return found


def timeline_of(findings: Sequence[Finding], nearby: NearbyDigest | None, grouping: Grouping) -> list[TimelineEntry]:
    """The entries, by group in order of its first finding, then in order of time. What an actor did around several
    findings is in the group of the first of them."""
    group_of = group_of_each(findings, grouping)
    ordered = sorted(findings, key=lambda one: (one.first_time, -one.priority, one.finding_id))
    entries = [
        TimelineEntry(one.first_time, one.last_time, group_of(one), actor_of(one), one.title, one.request_count, one)
        for one in ordered
    ]
    if nearby is not None:
        groups: dict[tuple[str, int], str] = {}
        for one in ordered:
            span = span_at(nearby.spans, one.actor.user, one.first_time)
            if span is not None and one.kind != "incident":
                groups.setdefault((one.actor.user, span), group_of(one))
        for (user, span), group in groups.items():
            entries += _activities(nearby, user, span, group)
    places = {group: place for place, group in reversed(list(enumerate(group_of(one) for one in ordered)))}
    return sorted(entries, key=lambda one: (places[one.group], one.time, one.finding is None, one.text))


def _activities(nearby: NearbyDigest, user: str, span: int, group: str) -> list[TimelineEntry]:
    counts = nearby.actions.get((user, span))
    if counts is None:
        return []
    ranked = sorted(counts.values.items(), key=_rank)
    made = [
        TimelineEntry(found.first or 0.0, found.last or 0.0, group, user, text, found.count)
        for text, found in ranked[:MOST_SHOWN]
    ]
    rest = ranked[MOST_SHOWN:]
    if rest:
        first = min(found.first or 0.0 for _, found in rest)
        last = max(found.last or 0.0 for _, found in rest)
        number, least = sum(found.count for _, found in rest), "" if counts.complete else "more than "
        text = f"other requests of {least}{len(rest)} kinds"
        made.append(TimelineEntry(first, last, group, user, text, number))
    return made


def _rank(item: tuple[str, Occurrence]) -> tuple[bool, bool, int, str]:
    """What is shown first: changes, then what was refused, then what is frequent."""
    text, found = item
    return text.startswith(_READS), text.endswith(": success"), -found.count, text
