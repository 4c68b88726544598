"""An event with keys beside its own: what log shippers add to a record they have parsed."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.envelope import Envelope, Format, Layer, Record
from podhawk.events.event import AUDIT_KEYS
from podhawk.events.formats.native import event_or_reject
from podhawk.events.reasons import is_audit_event
from podhawk.events.time import epoch_of

TIME_KEYS: Final = ("@timestamp", "time", "timestamp", "_time", "ts")
HOST_KEYS: Final = ("hostname", "host", "node", "node_name", "nodeName")
CLUSTER_KEYS: Final = (
    "cluster",
    "cluster_name",
    "clusterName",
    "cluster_id",
    "k8s.cluster.name",
    "k8s_cluster_name",
    "kubernetes_cluster",
    "k8s_cluster",
    "kubernetes.cluster.name",
    "orchestrator.cluster.name",
)


def said_beside(data: dict[str, Any], envelope: Envelope, name: str) -> Envelope:
    """The envelope, completed by the keys of an object."""
    return envelope.within(name, time=time_beside(data), host=host_beside(data), cluster=cluster_beside(data))


def time_beside(data: dict[str, Any]) -> float | None:
    """When the shipper took the record up."""
    for key in TIME_KEYS:
        moment = epoch_of(data.get(key))
        if moment is not None:
            return moment
    return None


def host_beside(data: dict[str, Any]) -> str | None:
    """The machine that the record came from."""
    inner = data.get("kubernetes")
    places = [data, inner] if isinstance(inner, dict) else [data]
    for place in places:
        for key in HOST_KEYS:
            found = place.get(key)
            if isinstance(found, dict):
                found = found.get("name") or found.get("hostname")
            if isinstance(found, str) and found:
                return str(found)
    return None


def cluster_beside(data: dict[str, Any]) -> str | None:
    """The cluster that the shipper names."""
    for key in CLUSTER_KEYS:
        found = data.get(key)
        if isinstance(found, dict):
            found = found.get("name")
        if isinstance(found, str) and found:
            return str(found)
    for outer, inner in (
        ("openshift", "cluster_id"),
        ("kubernetes", "cluster_name"),
        ("kubernetes", "cluster"),
        ("orchestrator", "cluster"),
    ):
        holder = data.get(outer)
        found = holder.get(inner) if isinstance(holder, dict) else None
        if isinstance(found, dict):
            found = found.get("name")
        if isinstance(found, str) and found:
            return str(found)
    return None


def _recognise(value: Any) -> bool:
    return not value.keys() <= AUDIT_KEYS and is_audit_event(value)


def _unwrap(record: Record) -> Layer:
    envelope = record.envelope
    yield from event_or_reject(
        record.value, record.text, said_beside(record.value, envelope, envelope.format or "shipper")
    )


SHIPPER: Final = Format(
    name="shipper",
    doc="Events that a shipper (Fluent Bit, Fluentd, Vector, rsyslog, Panther) has parsed, with keys "
    "of the shipper at the top level. podhawk undoes flattened keys (`user.username`), "
    "stringified objects and renamed annotations; the shipper's keys stay as fields.",
    recognise=_recognise,
    unwrap=_unwrap,
    certain=True,
    verbatim=True,
    example='{"auditID":"7f0a","stage":"ResponseComplete","verb":"get","user":"{\\"username\\":\\"alice\\"}",'
    '"annotations":{"authorization_k8s_io/decision":"allow"},"@timestamp":"2026-11-01T10:00:01.000Z",'
    '"hostname":"cp-1","cluster":"prod-eu"}\n',
)
