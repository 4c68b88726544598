"""OpenShift's log collector: the event parsed, its level kept aside, keys of the collector beside it."""

from __future__ import annotations

from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.native import event_or_reject
from podhawk.events.formats.shipper import said_beside
from podhawk.events.reasons import is_audit_event

_MARKS: Final = frozenset({"k8s_audit_level", "openshift_audit_level", "openshift"})


def _recognise(value: Any) -> bool:
    return not _MARKS.isdisjoint(value) and is_audit_event(value)


def _unwrap(record: Record) -> Layer:
    yield from event_or_reject(record.value, record.text, said_beside(record.value, record.envelope, "openshift"))


OPENSHIFT: Final = Format(
    name="openshift",
    doc="Events of OpenShift's cluster logging (ViaQ model). This model overwrites `level` with a "
    "syslog severity; podhawk restores the audit level from `k8s_audit_level` or "
    "`openshift_audit_level`. The cluster is `openshift.cluster_id`.",
    recognise=_recognise,
    unwrap=_unwrap,
    certain=True,
    example='{"@timestamp":"2026-11-01T10:00:01Z","auditID":"7f0a","stage":"ResponseComplete","verb":"watch",'
    '"k8s_audit_level":"Metadata","level":"default","log_type":"audit","log_source":"kubeAPI","hostname":'
    '"cp-1","openshift":{"cluster_id":"d24a392b"},"user":{"username":"system:apiserver"}}\n',
)
