"""Workloads in their own namespace."""

from __future__ import annotations

from typing import Final

from podhawk.detect.finding import Finding
from podhawk.detect.requests.user_agents import by_hand

SYSTEM_NAMESPACES: Final = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


def at_home(finding: Finding) -> bool:
    """Whether a workload works in its own namespace, which is none of the system's."""
    actor, namespace = finding.actor, finding.target.namespace
    return (
        actor.kind == "serviceaccount"
        and not actor.borrowed
        and not by_hand(actor.user_agent)
        and namespace not in SYSTEM_NAMESPACES
        and actor.user.split(":")[2:3] == [namespace]
    )
