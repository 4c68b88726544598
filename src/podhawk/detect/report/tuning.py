"""Exceptions from history: which groups of findings come up again and again, and what an exception to them would hide.

A proposal is a condition over few fields (who, in which namespace, with which user agent or image) that many findings
share. Before one is accepted its *blast radius* is measured: the findings in the given logs that it hides, and the
findings in the content's own attack datasets that it would hide as well. An exception that hides an attack is refused.

Who it was comes first among what a condition is made of, and the user agent last: clients choose it, so a condition on
that alone can be met by anybody, and says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import combinations
from typing import Final

from msgspec import Struct

from podhawk.content.model import Detection
from podhawk.detect.finding import Finding
from podhawk.detect.match import Match
from podhawk.detect.rank.exceptions import PRESET, SiteException, may_hold, with_exceptions
from podhawk.spl.clause import read_clause
from podhawk.spl.text import quote

FEWEST: Final = 2
"""Findings that make a group."""
MOST: Final = 20
"""Proposals that are made."""
_AGENT: Final = "userAgent"
_FIELDS: Final = ("user.username", "objectRef.namespace", "requestObject.spec.containers{}.image", _AGENT)
"""What conditions are made of, what is hardest to forge first."""


class Proposal(Struct, frozen=True):
    """A condition that a group of findings shares: how many these are of how many, on how many days. `caution` says
    what a reviewer should know of the condition."""

    when: str
    count: int
    total: int
    days: int
    example: Finding
    caution: str = ""

    @property
    def share(self) -> float:
        return self.count / self.total if self.total else 0.0


class BlastRadius(Struct, frozen=True):
    """What an exception hides: findings of the given logs, and findings of attacks in the content's datasets.
    `unjudged` are attacks of which the datasets do not say enough: the condition asks for bodies that they lack."""

    hidden: tuple[Finding, ...]
    visible: int
    attacks: tuple[Finding, ...]
    unjudged: tuple[Finding, ...] = ()


def proposals(matches: Sequence[Match]) -> list[Proposal]:
    """Conditions for the groups of visible findings, the largest first, each as small as isolates its group.

    A condition of two fields is proposed only where neither of them alone means the same findings, and any condition
    only if an exception with it would hide the whole group.
    """
    visible = [match for match in matches if match.finding.visible and match.request is not None]
    groups: defaultdict[tuple[tuple[str, str], ...], list[Match]] = defaultdict(list)
    for match in visible:
        fields = list(_fields(match))
        for size in range(1, len(fields) + 1):
            for chosen in combinations(fields, size):
                groups[chosen].append(match)
    made: list[Proposal] = []
    seen: set[frozenset[str]] = set()
    for chosen, own in sorted(groups.items(), key=_rank):
        if len(made) == MOST:
            break
        ids = frozenset(match.finding.finding_id for match in own)
        when = " ".join(f"{name}={quote(value)}" for name, value in chosen)
        if len(ids) < FEWEST or ids in seen or not _holds_for_all(when, own):
            continue
        seen.add(ids)
        days = {datetime.fromtimestamp(match.finding.first_time, UTC).date() for match in own}
        made.append(
            Proposal(
                when,
                len(ids),
                len(visible),
                len(days),
                own[0].finding,
                "clients choose their user agent" if {name for name, _ in chosen} == {_AGENT} else "",
            )
        )
    return made


def _rank(item: tuple[tuple[tuple[str, str], ...], list[Match]]) -> tuple[object, ...]:
    """Large groups first; of conditions for the same group the shortest, then the one over what is hardest to forge."""
    chosen, own = item
    return -len(own), len(chosen), [_FIELDS.index(name) for name, _ in chosen], chosen


def _holds_for_all(when: str, own: Sequence[Match]) -> bool:
    """Whether an exception would hide the group: none over bodies does where a search matches stages without one."""
    trial = _trial(when)
    return all(
        match.finding.suppressed_by is not None
        for some in (own[:1], own)
        for match in with_exceptions(some, [trial], 0.0)
    )


def _trial(when: str) -> SiteException:
    return SiteException("", "*", when, read_clause(when, "--when"), "", "", date.max)


def condition_of(match: Match) -> str:
    """The narrowest condition that is proposed for one finding: everything that conditions are made of but the user
    agent, which clients choose."""
    return " ".join(f"{name}={quote(value)}" for name, value in _fields(match) if name != _AGENT)


def _fields(match: Match) -> Iterator[tuple[str, str]]:
    """What exceptions are made of: fields of the event, with values that hold no wildcard."""
    finding = match.finding
    agent, blank, _ = finding.actor.user_agent.partition(" ")
    images = finding.target.images
    values = (finding.actor.user, finding.target.namespace, images[0] if len(images) == 1 else "", agent)
    for name, value in zip(_FIELDS, values, strict=True):
        if value and "*" not in value:
            yield name, f"{value} *" if name == _AGENT and blank else value


def blast_radius(
    exception: SiteException, matches: Sequence[Match], attacks: Sequence[Match], now: float
) -> BlastRadius:
    """What an exception would hide."""
    visible = [match for match in matches if match.finding.visible]
    return BlastRadius(
        _hidden(exception, visible, now),
        len(visible),
        _hidden(exception, attacks, now),
        tuple(
            match.finding
            for match in attacks
            if exception.named(match.finding.detection) and may_hold(match, exception.clause, now) is None
        ),
    )


def _hidden(exception: SiteException, matches: Sequence[Match], now: float) -> tuple[Finding, ...]:
    return tuple(
        match.finding for match in with_exceptions(matches, [exception], now) if match.finding.suppressed_by is not None
    )


def exception_for(detection: Detection, when: str, owner: str, reason: str, now: float) -> SiteException:
    """An exception that begins today and lasts as long as is preset. Raises SearchError for a condition that cannot be
    read."""
    today = datetime.fromtimestamp(now, UTC).date()
    return SiteException(
        f"{detection.name}: {when}", detection.name, when, read_clause(when, "--when"), owner, reason, today + PRESET
    )


def written(exception: SiteException, today: date, accepted: str = "") -> str:
    """An exception as the file that is reviewed."""
    import yaml

    reason = exception.reason + (f" (accepted risk: {accepted})" if accepted else "")
    data = {
        "name": exception.name,
        "detection": exception.detection,
        "when": exception.when,
        "owner": exception.owner,
        "reason": reason,
        "created": today.isoformat(),
        "expires": exception.expires.isoformat(),
    }
    return yaml.safe_dump([data], sort_keys=False, allow_unicode=True, width=110)
