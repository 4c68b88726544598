"""Proposals for a baseline: the habits of a reference period, with the evidence and what each would have hidden.

The reference period may hold an attack. So a proposal that would hide a finding of high severity, or anything of
priority 80 and more, is refused, and so is one of an identity with an incident, of a credential in other hands, and of
a user whose name anybody can have. Intermediate findings of high severity are proposed only if they came back all
through the period. An identity of which something was refused gets no habit for what it did only once or in one burst.
All proposals, refused ones too, are listed for a person to review.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from podhawk.detect.baseline.habits import HABIT_COLUMNS, NOBODY, Habit, habit_of, stem
from podhawk.detect.finding import Finding, identity_of
from podhawk.detect.match import Match
from podhawk.detect.report.finding_json import rfc3339

MANY: Final = 4
"""Different names from which on a habit is about any name."""
MOST_PRIORITY: Final = 80
BURST: Final = 0.1
"""The share of the period within which everything that came at once lies."""
OFTEN: Final = 3
THROUGHOUT: Final = 0.5
"""How often, and over which share of the period, something came back all through it."""
_HIGH: Final = frozenset({"high", "critical"})
EVIDENCE: Final = ("count", "first_time", "last_time", "hides", "highest_priority", "severity", "example")


class HabitProposal(Struct, frozen=True):
    """A habit, the findings that it rests on, and why it is refused ("" if it is not)."""

    habit: Habit
    findings: tuple[Finding, ...]
    refused: str = ""

    @property
    def hides(self) -> int:
        """The number of visible findings that the habit would have hidden."""
        return sum(one.visible for one in self.findings)

    def record(self) -> dict[str, Any]:
        """The proposal as plain data: the columns of the lookup, and the evidence."""
        own = self.findings
        return {
            **{column: getattr(self.habit, column) for column in HABIT_COLUMNS},
            "count": len(own),
            "first_time": rfc3339(min(one.first_time for one in own)),
            "last_time": rfc3339(max(one.last_time for one in own)),
            "hides": self.hides,
            "highest_priority": max(one.priority for one in own),
            "severity": own[0].severity,
            "example": own[0].finding_id,
            "refused": self.refused,
        }


def proposals(matches: Sequence[Match]) -> list[HabitProposal]:
    """The habits in the findings of a reference period, those that are accepted first, then by identity."""
    known = [one for one in matches if one.finding.kind != "incident" and not _out_of_question(one.finding)]
    trouble = _in_incidents(matches)
    times = [one.finding.first_time for one in matches]
    span = max(times) - min(times) if times else 0.0
    made = [HabitProposal(habit, tuple(own), _danger(own, trouble, span)) for habit, own in _groups(known)]
    suspects = {one.habit.identity for one in made if one.refused}
    judged = [
        structs.replace(one, refused="an identity with findings that may not be hidden did this once, or in one burst")
        if not one.refused and one.habit.identity in suspects and _at_once(one.findings, span)
        else one
        for one in made
    ]
    return sorted(judged, key=lambda one: (bool(one.refused), one.habit.identity, one.habit))


def _out_of_question(one: Finding) -> bool:
    """Whether a finding is hidden without a baseline already, other than by what its actor did before."""
    return one.suppressed_by is not None or any(
        hit.action == "hide" and hit.noise_class != "habit" for hit in one.noise
    )


def _in_incidents(matches: Sequence[Match]) -> Mapping[str, str]:
    """Who has an incident, with its title."""
    return {
        entity.value: match.finding.title
        for match in matches
        if match.finding.kind == "incident"
        for entity in match.finding.risk_objects
    }


def _groups(matches: Sequence[Match]) -> Iterator[tuple[Habit, list[Finding]]]:
    """The habits that findings are cases of. Where the names of objects are many, it is any name, and so for the users
    in whose name somebody makes requests."""
    cases = []
    for match in matches:
        own = habit_of(match)
        cases.append((structs.replace(own, namespace=stem(own.namespace), name=stem(own.name)), match.finding))
    for column in ("name", "effective_user"):
        values: defaultdict[Habit, set[str]] = defaultdict(set)
        for case, _ in cases:
            values[_without(case, column)].add(getattr(case, column))
        cases = [
            (structs.replace(case, **{column: "*"}), finding)
            if len(values[_without(case, column)]) >= MANY
            else (case, finding)
            for case, finding in cases
        ]
    groups: defaultdict[Habit, list[Finding]] = defaultdict(list)
    for case, finding in cases:
        groups[case].append(finding)
    yield from groups.items()


def _without(case: Habit, column: str) -> Habit:
    return structs.replace(case, address="", **{column: ""})


def _danger(findings: Sequence[Finding], trouble: Mapping[str, str], span: float) -> str:
    """Why a habit of these findings may not be proposed, whoever it is."""
    first = findings[0]
    if first.actor.kind in NOBODY:
        return "anybody can be this user"
    if "*" in first.actor.effective_user:
        return "the name of a user has a wildcard"
    if any(one.severity in _HIGH for one in findings) and (first.kind == "finding" or not _regular(findings, span)):
        return "would hide findings of high severity"
    if max(one.priority for one in findings) >= MOST_PRIORITY:
        return f"would hide findings of priority {MOST_PRIORITY} and more"
    borrowed = next((one.actor.borrowed for one in findings if one.actor.borrowed), "")
    if borrowed:
        return f"the credential is in other hands: {borrowed}"
    if first.actor.possible or (
        first.actor.chain and not (first.actor.chain_complete and first.actor.chain[-1].certain)
    ):
        return "it is not certain who is behind it"
    incident = trouble.get(identity_of(first)) or trouble.get(first.actor.user)
    return f"the identity has an incident: {incident}" if incident else ""


def _regular(findings: Sequence[Finding], span: float) -> bool:
    """Whether something came back all through the period."""
    times = [one.first_time for one in findings]
    return len(times) >= OFTEN and max(times) - min(times) >= span * THROUGHOUT


def _at_once(findings: Sequence[Finding], span: float) -> bool:
    times = [one.first_time for one in findings]
    return len(times) < 2 or max(times) - min(times) <= span * BURST
