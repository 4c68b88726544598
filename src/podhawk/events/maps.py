"""Members of Kubernetes objects that are maps: their keys are chosen by users, and hold dots, dashes and slashes."""

from __future__ import annotations

from typing import Final

MAPS: Final = frozenset(
    {
        "annotations",
        "labels",
        "matchLabels",
        "nodeSelector",
        "selector",
        "limits",
        "requests",
        "capacity",
        "allocatable",
        "hard",
        "used",
        "overhead",
        "data",
        "stringData",
        "binaryData",
        "extra",
        "parameters",
        "commonLabels",
        "commonAnnotations",
    }
)
"""Source: https://kubernetes.io/docs/reference/kubernetes-api/"""
OBJECT_VALUED: Final = frozenset({"selector", "parameters", "data", "requests", "limits"})
"""Members of these names that are objects of another kind elsewhere (a selector has matchLabels)."""
KNOWN_KEYS: Final = {
    name.replace(".", "_"): name
    for name in (
        "tls.crt",
        "tls.key",
        "ca.crt",
        "ca.key",
        "service-account.name",
        ".dockerconfigjson",
        ".dockercfg",
    )
}
"""Keys without a domain that have dots: those of well-known kinds of Secrets."""
