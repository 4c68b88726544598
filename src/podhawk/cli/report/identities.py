"""The identities behind findings, and for each the findings with their evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from podhawk.api import FindingsResult
from podhawk.cli.findings_output import hidden_by, target_text
from podhawk.cli.report.facts import FindingGroup, FindingLine, Identity, RiskLine
from podhawk.commands.context import Context
from podhawk.content.annotations import technique
from podhawk.content.model import Detection
from podhawk.detect.activity.identity_rows import IdentityRow, identity_rows
from podhawk.detect.finding import Finding
from podhawk.detect.match import Match
from podhawk.detect.report.evidence import evidence_of
from podhawk.detect.report.next_steps import next_steps
from podhawk.detect.report.sentences import utc_minute, what_happened
from podhawk.detect.risk_event import RiskEvent
from podhawk.wording import counted

MOST_IDENTITIES: Final = 1000
"""Identities that are listed. A flood of them must not push somebody off the page."""
MOST_DETAILED: Final = 100
"""Identities whose findings are shown."""
MOST_GROUPS: Final = 20
"""Detections that are shown of an identity."""
MOST_LINES: Final = 25
"""Findings of a group, and parts of an incident."""
FULL_GROUPS: Final = ((5, 2), (12, 1))
"""Up to which identity how many groups are unfolded, and printed with their evidence."""
MOST_ROWS: Final = 3
MOST_COLUMNS: Final = 30
"""Of the rows of a finding."""
MOST_PATHS: Final = 5
"""Logs that commands name; if there are more, they say LOG."""
MOST_COMMAND: Final = 1000
"""Characters of a command: a longer one cannot be read, and must not be cut."""
MOST_FACTS: Final = 4
"""Addresses, clients and kinds of an identity."""


class Explaining(Struct, frozen=True):
    """What findings are explained with: the matches of the run and its risk, by the id of the finding. `detections`
    are those that have been explained, by their keys, in order."""

    matches: Mapping[str, Match]
    risk: Mapping[str, Sequence[RiskEvent]]
    context: Context
    paths: Sequence[str]
    detections: dict[str, Detection] = field(default_factory=dict)


def explaining(result: FindingsResult, context: Context, paths: Sequence[str]) -> Explaining:
    """The same for a run; `paths` are its logs."""
    risk: defaultdict[str, list[RiskEvent]] = defaultdict(list)
    for event in result.found.risk:
        risk[event.finding_id].append(event)
    return Explaining({one.finding.finding_id: one for one in result.found.matches}, risk, context, paths)


def identities_of(findings: Iterable[Finding], known: Explaining) -> tuple[tuple[Identity, ...], int]:
    """The identities behind findings, the most urgent first, and how many more there are."""
    rows = identity_rows(findings)
    identities = tuple(
        _identity(row, known, MOST_GROUPS if number < MOST_DETAILED else 0, full_groups(number))
        for number, row in enumerate(rows[:MOST_IDENTITIES])
    )
    return identities, len(rows) - len(identities)


def full_groups(number: int) -> int:
    """How many groups of an identity are unfolded; the most urgent identity has the number 0."""
    return next((groups for last, groups in FULL_GROUPS if number < last), 0)


def _identity(row: IdentityRow, known: Explaining, most: int, full: int) -> Identity:
    """An identity with at most so many groups of findings, and so many of them unfolded."""
    name, findings = row.name, row.findings
    chosen = [one.findings for one in row.detections[:most]]
    shown: set[str] = set()
    ids = dict.fromkeys(id_ for one in findings for id_ in one.detection.mitre_attack_id)
    actors = [one.actor for one in findings]
    points = sum(
        event.applied for one in findings for event in known.risk.get(one.finding_id, ()) if event.object == name
    )
    return Identity(
        name=name,
        kinds=_few(actor.kind for actor in actors if actor.kind != "unknown"),
        addresses=_few(actor.source_ip for actor in actors),
        agents=_few(actor.user_agent for actor in actors),
        tactics=tuple(dict.fromkeys(tactic.name for id_ in ids for tactic in technique(id_).tactics)),
        first=utc_minute(min(one.first_time for one in findings)),
        last=utc_minute(max(one.last_time for one in findings)),
        priority=max(one.priority for one in findings),
        severity=row.severity,
        risk=f"{points:g}",
        incidents=sum(one.kind == "incident" for one in findings),
        findings=sum(one.kind != "incident" for one in findings),
        groups=tuple(_group(one, known, shown, number < full) for number, one in enumerate(chosen)),
        more_groups=len(row.detections) - len(chosen),
    )


def _few(values: Iterable[str]) -> tuple[str, ...]:
    """The different values, the first of them if there are many, and then how many more."""
    found = list(dict.fromkeys(filter(None, values)))
    return (*found[:MOST_FACTS], *([f"and {len(found) - MOST_FACTS} more"] if found[MOST_FACTS:] else ()))


def _group(findings: Sequence[Finding], known: Explaining, shown: set[str], full: bool) -> FindingGroup:
    """A group. `shown` are the commands that stand in the groups before it, to which its own are added."""
    first = findings[0]
    known.detections.setdefault(first.detection.key, first.detection)
    steps = [
        one
        for one in next_steps(first, known.paths if len(known.paths) <= MOST_PATHS else ())
        if one.command not in shown and len(one.command) <= MOST_COMMAND
    ]
    shown.update(one.command for one in steps)
    match = known.matches.get(first.finding_id)
    return FindingGroup(
        lines=tuple(
            FindingLine(one, utc_minute(one.first_time), target_text(one), hidden_by(one))
            for one in findings[:MOST_LINES]
        ),
        more=max(0, len(findings) - MOST_LINES),
        detection=list(known.detections).index(first.detection.key) + 1,
        told=what_happened(first),
        rows=tuple(dict(list(row.items())[:MOST_COLUMNS]) for row in first.rows[:MOST_ROWS]),
        evidence=evidence_of(match, known.context) if match is not None else None,
        techniques=tuple(map(technique, first.detection.mitre_attack_id)),
        risk=tuple(
            RiskLine(
                f"{event.applied:+g}",
                f"{event.object_type} {event.object}",
                "; ".join([*([f"score {event.score}"] if event.applied != event.score else ()), *event.notes]),
            )
            for event in known.risk.get(first.finding_id, ())
        ),
        steps=tuple(steps),
        made_of=tuple(_parts(first, known)),
        full=full,
    )


def _parts(incident: Finding, known: Explaining) -> Iterator[str]:
    """The findings that an incident is made of, those with the same title in one line."""
    alike: dict[str, list[Finding]] = {}
    for name in incident.findings:
        if name in known.matches:
            one = known.matches[name].finding
            alike.setdefault(one.title, []).append(one)
    lines = list(alike.items())[:MOST_LINES]
    for title, own in lines:
        yield f"{utc_minute(own[0].first_time)}  {title}" + (f" (×{len(own):,})" if own[1:] else "")
    more = len(incident.findings) - sum(len(own) for _, own in lines)
    if more:
        yield f"and {counted(more, 'more finding')}"
