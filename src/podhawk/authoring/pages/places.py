"""Where audit events come from, and what each place gives: facts, one row a place.

A place gives events at some level of detail and under some source and sourcetype. The managed clouds have
a fixed audit policy of their own. All three descend from the policy that Kubernetes' scripts for
Google's cloud install: reads at Request, writes at RequestResponse, secrets, config maps and token reviews at
Metadata, `events` not at all. What a search can see at a place follows from these rows and from nothing else.

Sources: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/,
https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html,
https://cloud.google.com/kubernetes-engine/docs/concepts/audit-policy,
https://learn.microsoft.com/azure/aks/monitor-aks-reference
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from podhawk.events.event import NATIVE_SOURCE, NATIVE_SOURCETYPE
from podhawk.events.formats import aks, cloudwatch, gke

BODIES: Final = frozenset({"requestObject", "responseObject"})
LEVELS: Final = ("None", "Metadata", "Request", "RequestResponse")
READS: Final = frozenset({"get", "list", "watch"})
ONLY_EVENTS_HAVE: Final = frozenset(
    {"requestObject.message", "requestObject.note", "requestObject.involvedObject", "requestObject.regarding"}
)
"""Members that only the resource `events` has in its body (its other members are shared with other kinds)."""
_WITHOUT_BODIES: Final = frozenset({"secrets", "configmaps", "tokenreviews"})
_UNLOGGED: Final = frozenset({"events"})


class IndexedAs(Struct, frozen=True):
    """How a place's events are indexed, by podhawk itself or by the Splunk add-on of a cloud. `wrapped` says that the
    add-on shows the cloud's record instead of the audit event."""

    source: str
    sourcetype: str
    wrapped: bool = False


NATIVE: Final = IndexedAs(NATIVE_SOURCE, NATIVE_SOURCETYPE)


class LogSource(Struct, frozen=True):
    """One place. `absent` are fields that no event of it has; `bare` are resources without bodies, `unlogged` those
    without events. `reads_need` says what must be switched on before get, list and watch are logged."""

    name: str
    title: str
    level: str
    seen: tuple[IndexedAs, ...] = (NATIVE,)
    absent: frozenset[str] = frozenset()
    bare: frozenset[str] = field(default_factory=frozenset)
    unlogged: frozenset[str] = field(default_factory=frozenset)
    reads_need: str = ""


def _absent(level: str) -> frozenset[str]:
    return {"Metadata": BODIES, "Request": frozenset({"responseObject"})}.get(level, frozenset())


ORIGINS: Final[tuple[LogSource, ...]] = (
    *(
        LogSource(f"onprem-{level.lower()}", f"Own cluster, level {level}", level, absent=_absent(level))
        for level in LEVELS
    ),
    LogSource(
        "eks",
        "Amazon EKS",
        "RequestResponse",
        (NATIVE, IndexedAs("/aws/eks/cluster/cluster", cloudwatch.SOURCETYPE)),
        bare=_WITHOUT_BODIES,
        unlogged=_UNLOGGED,
    ),
    LogSource(
        "gke",
        "Google GKE",
        "RequestResponse",
        (NATIVE, IndexedAs("projects/cluster", gke.SOURCETYPE, True)),
        absent=gke.NEVER_GIVEN,
        bare=_WITHOUT_BODIES,
        unlogged=_UNLOGGED,
        reads_need="Data Access audit logs, which are off by default",
    ),
    LogSource(
        "aks",
        "Azure AKS",
        "RequestResponse",
        (NATIVE, IndexedAs("/subscriptions/cluster", aks.SOURCETYPE, True)),
        bare=_WITHOUT_BODIES,
        unlogged=_UNLOGGED,
        reads_need="the category kube-audit (kube-audit-admin omits get and list)",
    ),
)
