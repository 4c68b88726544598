"""What a service account always does."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs

from podhawk.detect.finding import Finding
from podhawk.detect.match import Match, in_order
from podhawk.detect.noise.declare import NoiseClass
from podhawk.detect.requests.target import ADDED
from podhawk.detect.requests.user_agents import by_hand

ENOUGH: Final = 20
"""Earlier matches that make a habit."""
DAY: Final = 86_400.0


def habit_of(match: Match) -> tuple[str, ...] | None:
    """What a match would be a repetition of; None if it cannot be a habit. A habit is the same thing done to the same
    object from the same address with the same result: a success after twenty failures is what one looks for."""
    if not _may_be(match):
        return None
    finding = match.finding
    return (
        finding.cluster,
        finding.detection.key,
        finding.actor.user,
        finding.actor.effective_user,
        ",".join(sorted({request.verb for request in finding.requests})),
        finding.actor.source_ip,
        finding.actor.identity,
        finding.target.namespace,
        finding.target.resource,
        finding.target.subresource,
        _object(finding),
        _commands(finding),
        finding.outcome,
    )


def _members(matches: Sequence[Match]) -> list[bool]:
    found = [False] * len(matches)
    earlier: defaultdict[tuple[str, ...], deque[float]] = defaultdict(deque)
    for number in in_order(matches):
        habit = habit_of(matches[number])
        if habit is None:
            continue
        seen, time = earlier[habit], matches[number].finding.first_time
        while seen and seen[0] < time - DAY:
            seen.popleft()
        found[number] = len(seen) >= ENOUGH
        seen.append(time)
    return found


def _may_be(match: Match) -> bool:
    """Whether a match may be a habit at all. What gives power over the node or the cluster never is."""
    actor = match.finding.actor
    return (
        actor.kind in ("serviceaccount", "node")
        and not actor.borrowed
        and not actor.effective_user
        and not by_hand(actor.user_agent)
        and not match.powers
    )


def _object(finding: Finding) -> str:
    """The name of the object; of a pod without what its controller added, because every pod has another name."""
    name = finding.target.name
    return ADDED.sub("", name) if finding.target.resource == "pods" else name


def _commands(finding: Finding) -> str:
    """The commands of an exec, as its URIs have them."""
    asked = (parse_qs(request.uri.partition("?")[2]).get("command", []) for request in finding.requests)
    return "\n".join(sorted({" ".join(words) for words in asked}))


HABIT: Final = NoiseClass(
    name="habit",
    doc="Routine activity of a service account or node: at least 20 earlier matches of this "
    "detection by the same actor within 24 hours, with the same verb, object, command, address and "
    "outcome, and not from an interactive client. What gives power over the node or the cluster is "
    "never a habit.",
    action="hide",
    members=_members,
)
