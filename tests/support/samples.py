"""Audit events in the shapes that real API servers and carriers give them, written for these tests."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any


def event(audit_id: str = "a1", verb: str = "create", **more: Any) -> dict[str, Any]:
    """A complete event at Request level."""
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Request",
        "auditID": audit_id,
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/default/pods?fieldManager=kubectl\u0026x=1",
        "verb": verb,
        "user": {
            "username": "alice@example.com",
            "groups": ["dev", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/pod-name": ["web-0"]},
        },
        "sourceIPs": ["192.0.2.7", "10.0.0.9"],
        "userAgent": "kubectl/v1.32.0 (linux/amd64)",
        "objectRef": {"resource": "pods", "namespace": "default", "name": "web-ä", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 201},
        "requestObject": {
            "kind": "Pod",
            "spec": {
                "containers": [{"name": "c", "image": "nginx", "resources": {"limits": {"cpu": 1.50}}}],
                "hostNetwork": True,
                "nodeName": None,
                "tolerations": [],
            },
        },
        "requestReceivedTimestamp": "2026-11-01T10:00:00.123456Z",
        "stageTimestamp": "2026-11-01T10:00:00.234567Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
        **more,
    }


def text(value: Any) -> str:
    """Compact JSON, as the API server writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def line(audit_id: str = "a1", verb: str = "create", **more: Any) -> str:
    """One event as one line, with its line feed."""
    return text(event(audit_id, verb, **more)) + "\n"


def aks(log: Any, **more: Any) -> dict[str, Any]:
    """A record of Azure diagnostics."""
    return {
        "operationName": "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
        "category": "kube-audit",
        "resourceId": "/SUBSCRIPTIONS/0/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/PROD",
        "properties": {"log": log, "stream": "stdout", "pod": "kube-apiserver-1"},
        "time": "2026-11-01T10:00:00.0000000Z",
        **more,
    }


def cloudwatch(*messages: str) -> dict[str, Any]:
    """The payload of a CloudWatch subscription."""
    return {
        "messageType": "DATA_MESSAGE",
        "owner": "111122223333",
        "logGroup": "/aws/eks/prod-eu/cluster",
        "logStream": "kube-apiserver-audit-0f",
        "subscriptionFilters": ["all"],
        "logEvents": [
            {"id": str(number), "timestamp": 1793527200500, "message": message}
            for number, message in enumerate(messages)
        ],
    }


def packed(value: Any) -> str:
    """Gzipped and base64-encoded, as subscriptions deliver."""
    return base64.b64encode(gzip.compress(text(value).encode())).decode()


def gke(
    method: str = "io.k8s.core.v1.pods.create", name: str = "core/v1/namespaces/default/pods/web", **payload: Any
) -> dict[str, Any]:
    """A Cloud Logging entry."""
    return {
        "insertId": "g1",
        "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": "2026-11-01T10:00:00.5Z",
        "labels": {"authorization.k8s.io/decision": "allow"},
        "operation": {"id": "g1", "producer": "k8s.io", "first": True, "last": True},
        "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "prod-eu"}},
        "protoPayload": {
            "serviceName": "k8s.io",
            "methodName": method,
            "resourceName": name,
            "authenticationInfo": {"principalEmail": "alice@example.com"},
            "requestMetadata": {"callerIp": "192.0.2.7", "callerSuppliedUserAgent": "kubectl/v1"},
            "status": {},
            **payload,
        },
    }
