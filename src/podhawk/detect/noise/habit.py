"""What a service account always does."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Final

from podhawk.detect.match import Match, in_order
from podhawk.detect.noise.declare import NoiseClass
from podhawk.detect.requests.user_agents import by_hand

ENOUGH: Final = 20
"""Earlier matches that make a habit."""
DAY: Final = 86_400.0


def _members(matches: Sequence[Match]) -> list[bool]:
    """What is refused and what is allowed are habits of their own: a success after twenty refusals is what one looks
    for."""
    found = [False] * len(matches)
    order = in_order(matches)
    earlier: defaultdict[tuple[str, ...], deque[float]] = defaultdict(deque)
    for number in order:
        finding = matches[number].finding
        if finding.actor.kind not in ("serviceaccount", "node") or by_hand(finding.actor.user_agent):
            continue
        verbs = {request.verb for request in finding.requests}
        seen = earlier[
            finding.cluster,
            finding.detection.key,
            finding.actor.user,
            finding.actor.effective_user,
            ",".join(sorted(verbs)),
            finding.target.namespace,
            "denied" if finding.outcome == "denied" else "",
        ]
        while seen and seen[0] < finding.first_time - DAY:
            seen.popleft()
        found[number] = len(seen) >= ENOUGH
        seen.append(finding.first_time)
    return found


HABIT: Final = NoiseClass(
    name="habit",
    doc="Routine activity of a service account or node: at least 20 earlier matches of this "
    "detection by the same actor, verb and namespace within 24 hours, with the same outcome "
    "(allowed or denied), and not from an interactive client.",
    action="hide",
    members=_members,
)
