"""Two versions of content over the same logs: which findings appear, vanish, or change their score."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from podhawk.detect.finding import Finding


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
