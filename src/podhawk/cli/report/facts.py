"""What a report says about a run, as values; `page` turns them into HTML.

A report has to stay readable however much was found, so everything in it is bounded, the most urgent first, and each
bound says what it left out. Findings are in groups: those of the same identity by the same detection are one block. The
most urgent of them is explained, the others are lines of a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from podhawk.content.annotations import Technique
from podhawk.content.model import Detection
from podhawk.detect.finding import Finding
from podhawk.detect.report.evidence import FindingEvidence
from podhawk.detect.report.next_steps import NextStep


class FindingLine(Struct, frozen=True):
    """A finding as a line: when, what it was done to, and what came of it. `hidden` says what hides it."""

    finding: Finding
    time: str
    target: str
    hidden: str


class RiskLine(Struct, frozen=True):
    """Points that a finding added to an object, and why they are not the score of its detection."""

    points: str
    object: str
    why: str


class FindingGroup(Struct, frozen=True):
    """The findings of an identity by one detection, the most urgent first. `told` is what happened in the first of
    them; evidence, risk and steps are about that one too. Of the steps, those of groups before it are left out.
    `detection` is the number of the detection in the report. `made_of` are the titles of an incident's findings. Groups
    that are not `full` are folded, and are a line on paper."""

    lines: tuple[FindingLine, ...]
    more: int
    detection: int
    told: str
    rows: tuple[Mapping[str, Any], ...]
    evidence: FindingEvidence | None
    techniques: tuple[Technique, ...]
    risk: tuple[RiskLine, ...]
    steps: tuple[NextStep, ...]
    made_of: tuple[str, ...]
    full: bool

    @property
    def count(self) -> int:
        """How many findings it has."""
        return len(self.lines) + self.more

    @property
    def first(self) -> Finding:
        """The most urgent of the findings."""
        return self.lines[0].finding


class Identity(Struct, frozen=True):
    """Somebody who is behind findings. `name` is the user; of an incident, what gathered the risk. Less urgent
    identities have no `groups`."""

    name: str
    kinds: tuple[str, ...]
    addresses: tuple[str, ...]
    agents: tuple[str, ...]
    tactics: tuple[str, ...]
    first: str
    last: str
    priority: int
    severity: str
    risk: str
    incidents: int
    findings: int
    groups: tuple[FindingGroup, ...]
    more_groups: int


class TimelineLine(Struct, frozen=True):
    """A line of the timeline: findings of the same kind that follow each other, told by the most urgent of them; or
    requests of the same kind around findings (`severity` is empty then). `printed` says whether paper has it too."""

    first: str
    last: str
    severity: str
    actor: str
    text: str
    count: int
    incident: bool
    hidden: bool
    printed: bool


class Unseen(Struct, frozen=True):
    """A detection that could not be judged, or not on all events."""

    word: str
    name: str
    file: str
    why: str


class HiddenCount(Struct, frozen=True):
    """How many findings a reason hides. The notes are those of the exception, if it is one."""

    count: int
    why: str
    notes: str


class ReportFacts(Struct, frozen=True):
    """Everything that a report says. `shown` counts the findings in it, `total` those of the run. Paper has less than
    the screen: so many of the identities, so many findings of a group, and these detections by their keys."""

    clusters: tuple[str, ...]
    paths: tuple[str, ...]
    content: tuple[str, ...]
    made: str
    read: tuple[str, ...]
    shown: int
    total: int
    incidents: int
    hidden: int
    with_hidden: bool
    identities: tuple[Identity, ...]
    more_identities: int
    detections: tuple[Detection, ...]
    timeline: tuple[TimelineLine, ...]
    untimed: int
    around: bool
    unseen: tuple[Unseen, ...]
    silent: tuple[str, ...]
    gaps: tuple[str, ...]
    problems: tuple[str, ...]
    hiding: tuple[HiddenCount, ...]
    printed_identities: int
    printed_lines: int
    printed_detections: frozenset[str]
