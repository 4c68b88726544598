"""What machines ask all day: health, version, leases."""

from __future__ import annotations

import re
from typing import Final

from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass, each
from podhawk.detect.requests.user_agents import by_hand

_PROBE: Final = re.compile(r"/(?:healthz|livez|readyz)(?:/[\w-]+(?:\.[\w-]+)*)*/?(?:\?.*)?\Z")
_MACHINES: Final = frozenset({"serviceaccount", "node", "controller"})
_HOLDING: Final = frozenset({"get", "list", "watch", "create", "update", "patch"})
"""What holding a lease takes; a delete is no part of it."""


def _test(match: Match) -> bool:
    finding = match.finding
    if len(finding.requests) != 1:
        return False
    verb = finding.requests[0].verb
    if finding.target.resource == "leases" and finding.target.api_group in ("", "coordination.k8s.io"):
        return (
            finding.actor.kind in _MACHINES
            and not finding.actor.borrowed
            and verb in _HOLDING
            and not finding.actor.effective_user
            and not by_hand(finding.actor.user_agent)
        )
    return verb == "get" and _PROBE.match(finding.requests[0].uri) is not None


PROBES: Final = NoiseClass(
    name="probes",
    doc="Health checks of the API server (`get` on `/healthz`, `/livez` or `/readyz`), which load "
    "balancers send anonymously, and the leases that workloads, nodes and controllers use for "
    "leader election and heartbeats. Changes to leases by people, and deletions of leases, are "
    "not in this class.",
    action="hide",
    members=each(_test),
)
