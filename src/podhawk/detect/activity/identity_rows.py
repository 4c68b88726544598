"""Findings as people read them: a row per identity, and beneath it a row per detection with its number of findings.

An identity is whoever is charged: a person, a workload or a component. Its place follows what it gained and in how many
ways, not how often: incidents first, then the highest priority, then the number of detections.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from podhawk.detect.finding import Finding, identity_of
from podhawk.detect.report.finding_json import rfc3339

SEVERITIES: Final = ("informational", "low", "medium", "high", "critical")


class DetectionRow(Struct, frozen=True):
    """The findings of an identity by one detection, the most urgent first."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The most urgent finding."""
        return self.findings[0]

    @property
    def name(self) -> str:
        return self.first.detection.name

    @property
    def severity(self) -> str:
        return highest_severity(self.findings)


class IdentityRow(Struct, frozen=True):
    """An identity with its findings by detection, the most urgent first."""

    name: str
    detections: tuple[DetectionRow, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings of the identity, the most urgent first."""
        return tuple(sorted((one for row in self.detections for one in row.findings), key=urgency))

    @property
    def first(self) -> Finding:
        """The most urgent finding."""
        return self.detections[0].first

    @property
    def severity(self) -> str:
        return highest_severity(one.first for one in self.detections)

    @property
    def count(self) -> int:
        """The number of findings, without incidents."""
        return sum(one.kind != "incident" for row in self.detections for one in row.findings)

    def record(self) -> dict[str, Any]:
        """The row as plain data."""
        every = [one for row in self.detections for one in row.findings]
        return {
            "identity": self.name,
            "priority": self.first.priority,
            "severity": self.severity,
            "first_time": rfc3339(min(one.first_time for one in every)),
            "last_time": rfc3339(max(one.last_time for one in every)),
            "findings": self.count,
            "detections": [
                {
                    "name": row.name,
                    "kind": row.first.kind,
                    "priority": row.first.priority,
                    "severity": row.severity,
                    "count": len(row.findings),
                    "finding_ids": [one.finding_id for one in row.findings],
                }
                for row in self.detections
            ],
        }


def highest_severity(findings: Iterable[Finding]) -> str:
    """The highest severity of some findings."""
    return max((one.severity for one in findings), key=SEVERITIES.index)


def urgency(one: Finding) -> tuple[bool, bool, int, float, str]:
    """What comes first: the visible, of these incidents, then the most urgent."""
    return not one.visible, one.kind != "incident", -one.priority, one.first_time, one.finding_id


def identity_rows(findings: Iterable[Finding]) -> list[IdentityRow]:
    """The identities behind findings, the most urgent first."""
    own: defaultdict[str, defaultdict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for one in sorted(findings, key=urgency):
        own[identity_of(one)][one.detection.key].append(one)
    rows = [
        IdentityRow(name, tuple(DetectionRow(tuple(found)) for found in by_detection.values()))
        for name, by_detection in own.items()
    ]
    return sorted(rows, key=_place)


def _place(row: IdentityRow) -> tuple[bool, bool, int, int, float, str]:
    hidden, single, priority, time, _ = urgency(row.first)
    return hidden, single, priority, -len(row.detections), time, row.name
