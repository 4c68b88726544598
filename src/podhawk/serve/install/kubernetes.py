"""Plain manifests for the service in a cluster, within the restricted Pod Security Standard.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from typing import Any, Final

import yaml

_LABELS: Final = {"app.kubernetes.io/name": "podhawk"}
_STATE: Final = "/var/lib/podhawk"
_CONFIG: Final = "/etc/podhawk"
_USER: Final = 10001
_PORT: Final = 8088
_TOML: Final = """\
# Settings of podhawk serve: docs/cli.md. Sinks: docs/sinks.md; their secrets go into the Secret podhawk-sinks.
lake_days = "30"
"""


def manifests(namespace: str, image: str, storage: str) -> list[dict[str, Any]]:
    """The objects, in the order in which they are applied."""

    def about(kind: str, version: str, name: str = "podhawk", **members: Any) -> dict[str, Any]:
        metadata: dict[str, Any] = {"name": name, "labels": dict(_LABELS)}
        if kind != "Namespace":
            metadata["namespace"] = namespace
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **members}

    ports = [{"name": "https", "port": 443, "targetPort": "https"}]
    restricted = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    space = about("Namespace", "v1", namespace)
    space["metadata"]["labels"] |= restricted
    return [
        space,
        about("ServiceAccount", "v1", automountServiceAccountToken=False),
        about("ConfigMap", "v1", data={"podhawk.toml": _TOML}),
        about("Service", "v1", spec={"selector": _LABELS, "ports": ports}),
        about("StatefulSet", "apps/v1", spec=_set(image, storage)),
        about("NetworkPolicy", "networking.k8s.io/v1", spec=_network()),
    ]


def _set(image: str, storage: str) -> dict[str, Any]:
    claim = {
        "metadata": {"name": "state"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}},
    }
    return {
        "serviceName": "podhawk",
        "replicas": 1,  # one service uses a state
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": _pod(image)},
        "volumeClaimTemplates": [claim],
    }


def _pod(image: str) -> dict[str, Any]:
    mounts = [
        {"name": "state", "mountPath": _STATE},
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "config", "mountPath": _CONFIG, "readOnly": True},
        {"name": "tls", "mountPath": "/etc/podhawk-tls", "readOnly": True},
        {"name": "sinks", "mountPath": "/etc/podhawk-sinks", "readOnly": True},
    ]

    def probe(path: str, **members: Any) -> dict[str, Any]:
        return {"httpGet": {"path": path, "port": "https", "scheme": "HTTPS"}, **members}

    container = {
        "name": "podhawk",
        "image": image,
        "args": [
            *("serve", "--state", _STATE, "--listen", f"0.0.0.0:{_PORT}"),
            *("--tls-cert", "/etc/podhawk-tls/tls.crt", "--tls-key", "/etc/podhawk-tls/tls.key"),
        ],
        "workingDir": _CONFIG,  # podhawk.toml
        "ports": [{"name": "https", "containerPort": _PORT}],
        "env": [{"name": "HOME", "value": "/tmp"}, {"name": "XDG_CACHE_HOME", "value": "/tmp/cache"}],
        "volumeMounts": mounts,
        "startupProbe": probe("/livez", periodSeconds=2, failureThreshold=60),
        "livenessProbe": probe("/livez", periodSeconds=10, timeoutSeconds=5, failureThreshold=6),
        "readinessProbe": probe("/readyz", periodSeconds=5, timeoutSeconds=5),
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "4Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "serviceAccountName": "podhawk",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,  # their variables begin with PODHAWK_, as settings do
        "terminationGracePeriodSeconds": 60,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "4Gi"}},
            {"name": "config", "configMap": {"name": "podhawk"}},
            {"name": "tls", "secret": {"secretName": "podhawk-tls", "defaultMode": 0o440}},
            {"name": "sinks", "secret": {"secretName": "podhawk-sinks", "optional": True, "defaultMode": 0o440}},
        ],
    }


def _network() -> dict[str, Any]:
    """Whoever may send is not a matter of addresses: API servers come from the nodes. What goes out is names and the
    sinks; the addresses of the clouds that tell where credentials are to be had are left out."""
    dns = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    world = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}
    out = [{"port": one, "protocol": "TCP"} for one in (443, 465, 587, 6514, 8088, 9093)]
    return {
        "podSelector": {"matchLabels": _LABELS},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"port": _PORT, "protocol": "TCP"}]}],
        "egress": [{"ports": dns}, {"to": [world], "ports": out}],
    }


def kubernetes(namespace: str, image: str, storage: str) -> str:
    """The manifests as YAML, and what to do with them."""

    class Plain(yaml.SafeDumper):
        """Writes what occurs twice twice."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    documents = "---\n".join(
        yaml.dump(one, Dumper=Plain, sort_keys=False, width=110) for one in manifests(namespace, image, storage)
    )
    return f"""# kubectl apply -f podhawk.yaml, after the Secret podhawk-tls (kubectl create secret tls) is there.
# Then make a token for each sender:
#   kubectl -n {namespace} exec podhawk-0 -- podhawk init token --state {_STATE} --name NAME --cluster CLUSTER
# The API server of this cluster cannot resolve the name of the Service: use its ClusterIP with podhawk init onprem.
# podhawk.toml is read from the ConfigMap podhawk; restart the pod for new sinks.
{documents}"""
