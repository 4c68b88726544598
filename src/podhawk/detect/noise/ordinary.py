"""What people do all day."""

from __future__ import annotations

from typing import Final

from podhawk.detect.finding import BAR, Finding
from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass, each
from podhawk.detect.requests.home import SYSTEM_NAMESPACES
from podhawk.detect.requests.networks import inside, loopback
from podhawk.detect.requests.owner_writes import KINDS
from podhawk.detect.requests.patches import bodies

_WRITES: Final = frozenset({"create", "update", "patch"})


def _test(match: Match) -> bool:
    finding, request = match.finding, match.request
    actor, namespace = finding.actor, finding.target.namespace
    return (
        request is not None
        and match.known is None
        and actor.kind == "human"
        and not actor.effective_user
        and finding.risk_score < BAR
        and finding.target.resource != "secrets"
        and bool(namespace)
        and namespace not in SYSTEM_NAMESPACES
        and inside(actor.source_ip)
        and not loopback(actor.source_ip)
        and not match.powers
        and (not _writes_workload(finding) or any(True for _ in bodies(request)))
    )


def _writes_workload(finding: Finding) -> bool:
    """Whether a finding is about what runs in pods. Without its body nobody knows what that gives power over."""
    target = finding.target
    return (
        target.resource in (*KINDS, "pods", "podtemplates")
        and target.subresource in ("", "ephemeralcontainers")
        and any(request.verb in _WRITES for request in finding.requests)
    )


ORDINARY: Final = NoiseClass(
    name="ordinary-work",
    doc="One request of a person from a private network (not from loopback, where tunnels and proxies end), in a "
    "namespace that is none of the system's, without impersonation. The score of the detection alone is below 50, "
    "and the request is for no secret and gives no power over the node or the cluster; of what writes a workload the "
    "log shows the body.",
    action="tag",
    members=each(_test),
    of_events=True,
)
