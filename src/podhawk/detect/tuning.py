"""Exceptions from history: which groups of findings come up again and again, and what an exception to them would hide.

A proposal is a condition over few fields (who, in which namespace, with which user agent or image) that many findings
share. Before one is accepted its *blast radius* is measured: the findings in the given logs that it hides, and the
findings in the content's own attack datasets that it would hide as well. An exception that hides an attack is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import combinations
from typing import Final

from podhawk.content.model import Detection
from podhawk.detect.exceptions import PRESET, SiteException, with_exceptions
from podhawk.detect.finding import Finding
from podhawk.detect.match import Match
from podhawk.spl.clause import read_clause
from podhawk.spl.text import quote

FEWEST: Final = 2
"""Findings that make a group."""
MOST: Final = 20
"""Proposals that are made."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A condition that a group of findings shares: how many these are of how many, on how many days."""

    when: str
    count: int
    total: int
    days: int
    example: Finding

    @property
    def share(self) -> float:
        return self.count / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """What an exception hides: findings of the given logs, and findings of attacks in the content's datasets."""

    hidden: tuple[Finding, ...]
    visible: int
    attacks: tuple[Finding, ...]


def proposals(matches: Sequence[Match]) -> list[Proposal]:
    """Conditions for the groups of visible findings, the largest first, each as small as isolates its group.

    A condition of two fields is proposed only where neither of them alone means the same findings.
    """
    visible = [match for match in matches if match.finding.visible and match.request is not None]
    groups: defaultdict[tuple[tuple[str, str], ...], list[Match]] = defaultdict(list)
    for match in visible:
        fields = list(_fields(match))
        for size in (1, 2, 3):
            for chosen in combinations(fields, size):
                groups[chosen].append(match)
    made: list[Proposal] = []
    seen: set[frozenset[str]] = set()
    for chosen, own in sorted(groups.items(), key=lambda item: (-len(item[1]), len(item[0]), item[0])):
        ids = frozenset(match.finding.finding_id for match in own)
        if len(ids) < FEWEST or ids in seen or len(ids) == len(visible) > FEWEST * 2:
            continue
        seen.add(ids)
        days = {datetime.fromtimestamp(match.finding.first_time, UTC).date() for match in own}
        made.append(Proposal(" ".join(f"{name}={quote(value)}" for name, value in chosen), len(ids), len(visible),
                             len(days), own[0].finding))
    return made[:MOST]


def _fields(match: Match) -> Iterator[tuple[str, str]]:
    """What exceptions are made of: fields of the event, with values that hold no wildcard."""
    finding = match.finding
    for name, value in (("user.username", finding.actor.user), ("objectRef.namespace", finding.target.namespace),
                        ("userAgent", finding.actor.user_agent.split(" ")[0] + "*" if " " in finding.actor.user_agent
                         else finding.actor.user_agent),
                        ("requestObject.spec.containers{}.image", finding.target.images[0]
                         if len(finding.target.images) == 1 else "")):
        if value and "*" not in value.removesuffix("*"):
            yield name, value


def blast_radius(exception: SiteException, matches: Sequence[Match], attacks: Sequence[Match],
                 now: float) -> BlastRadius:
    """What an exception would hide."""
    visible = [match for match in matches if match.finding.visible]
    return BlastRadius(_hidden(exception, visible, now), len(visible),
                       _hidden(exception, [match for match in attacks if match.finding.visible], now))


def _hidden(exception: SiteException, matches: Sequence[Match], now: float) -> tuple[Finding, ...]:
    return tuple(match.finding for match in with_exceptions(matches, [exception], now)
                 if match.finding.suppressed_by is not None)


def exception_for(detection: Detection, when: str, owner: str, reason: str, now: float) -> SiteException:
    """An exception that begins today and lasts as long as is preset. Raises SearchError for a condition that cannot be
    read."""
    today = datetime.fromtimestamp(now, UTC).date()
    return SiteException(f"{detection.name}: {when}", detection.name, when, read_clause(when, "--when"), owner, reason,
                         today + PRESET)


def written(exception: SiteException, today: date, accepted: str = "") -> str:
    """An exception as the file that is reviewed."""
    import yaml

    reason = exception.reason + (f" (accepted risk: {accepted})" if accepted else "")
    data = {"name": exception.name, "detection": exception.detection, "when": exception.when, "owner": exception.owner,
            "reason": reason, "created": today.isoformat(), "expires": exception.expires.isoformat()}
    return yaml.safe_dump([data], sort_keys=False, allow_unicode=True, width=110)
