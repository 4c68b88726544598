"""Two versions of content over the same logs: which findings appear, vanish, or change their score."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from podhawk.detect.finding import Finding

MOST_ACTORS: Final = 3
"""Actors that are named for a detection."""


class FindingChange(Struct, frozen=True):
    """One difference: `appears`, `vanishes` or `changes`. The finding is the new one where there is one."""

    what: str
    finding: Finding
    before: Finding | None = None

    def about(self) -> str:
        """What changed, in words."""
        if self.before is None:
            return ""
        old, new = self.before, self.finding
        parts = [
            f"{name} {one} → {other}"
            for name, one, other in (
                ("score", old.risk_score, new.risk_score),
                ("priority", old.priority, new.priority),
                ("severity", old.severity, new.severity),
                ("visible", old.visible, new.visible),
                ("rows", old.row_count, new.row_count),
            )
            if one != other
        ]
        return ", ".join(parts)

    @property
    def visible(self) -> bool:
        """Whether somebody sees the difference: the finding is visible in one of the versions."""
        return self.finding.visible or (self.before is not None and self.before.visible)


class DetectionChange(Struct, frozen=True):
    """The differences of one detection: its findings in both versions, how many of them are visible, and how many
    appear, vanish and change. `actors` are those with most differences, each with their number."""

    name: str
    before: int
    after: int
    visible_before: int
    visible_after: int
    appear: int
    vanish: int
    change: int
    actors: tuple[tuple[str, int], ...]


def by_detection(
    old: Sequence[Finding], new: Sequence[Finding], changes: Iterable[FindingChange]
) -> list[DetectionChange]:
    """The differences by detection; detections without any are left out."""
    own: defaultdict[str, list[FindingChange]] = defaultdict(list)
    for one in changes:
        own[one.finding.detection.name].append(one)

    def number(findings: Sequence[Finding], name: str, *, visible: bool = False) -> int:
        return sum(one.detection.name == name and (one.visible or not visible) for one in findings)

    found = []
    for name, listed in sorted(own.items()):
        kinds = Counter(one.what for one in listed)
        actors = Counter(one.finding.actor.identity or f"({one.finding.actor.kind})" for one in listed)
        ranked = sorted(actors.items(), key=lambda item: (-item[1], item[0]))
        found.append(
            DetectionChange(
                name,
                number(old, name),
                number(new, name),
                number(old, name, visible=True),
                number(new, name, visible=True),
                kinds["appears"],
                kinds["vanishes"],
                kinds["changes"],
                tuple(ranked[:MOST_ACTORS]),
            )
        )
    return found


def compare(old: Iterable[Finding], new: Iterable[Finding]) -> list[FindingChange]:
    """The differences, in order of detection and time. A finding is the same if its id is."""
    before = {one.finding_id: one for one in old}
    after = {one.finding_id: one for one in new}
    found = [FindingChange("vanishes", one) for id_, one in before.items() if id_ not in after]
    for id_, one in after.items():
        known = before.get(id_)
        if known is None:
            found.append(FindingChange("appears", one))
        elif FindingChange("changes", one, known).about():
            found.append(FindingChange("changes", one, known))
    return sorted(
        found,
        key=lambda change: (
            change.finding.detection.name,
            change.finding.first_time,
            change.finding.finding_id,
            change.what,
        ),
    )
