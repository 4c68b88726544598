"""Falco's default rules for the Kubernetes audit log, written out by hand: one plain function of an event a rule.

Nothing here comes from podhawk. The functions were written from the text of the rules and from the documentation of
their fields; a test compares them with what podhawk makes of the rules' file.

Source: https://github.com/falcosecurity/plugins/blob/main/plugins/k8saudit/rules/k8s_audit_rules.yaml
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]
Rule = Callable[[Event], bool]
Alert = tuple[str, str, str]
"""Rule, audit id and stage."""

KNOWN_USERS = {
    *("minikube", "minikube-user", "kubelet", "kops", "admin", "kube", "kube-proxy", "kube-apiserver-healthcheck"),
    *("kubernetes-admin", "vpa-recommender", "vpa-updater", "cluster-autoscaler", "system:addon-manager"),
    *("cloud-controller-manager", "system:kube-controller-manager"),
    *(
        f"eks:{name}"
        for name in (
            *("node-manager", "certificate-controller", "fargate-scheduler", "k8s-metrics", "authenticator"),
            *("cluster-event-watcher", "nodewatcher", "pod-identity-mutating-webhook", "cloud-controller-manager"),
            *("vpc-resource-controller", "addon-manager"),
        )
    ),
}
SENSITIVE_IMAGES = {
    *("falcosecurity/falco", "docker.io/falcosecurity/falco", "public.ecr.aws/falcosecurity/falco"),
    *("docker.io/sysdig/sysdig", "sysdig/sysdig", "gcr.io/google_containers/hyperkube"),
    *("gcr.io/google_containers/kube-proxy", "docker.io/calico/node", "docker.io/rook/toolbox"),
    *("docker.io/cloudnativelabs/kube-router", "docker.io/consul", "docker.io/datadog/docker-dd-agent"),
    *("docker.io/datadog/agent", "docker.io/docker/ucp-agent", "docker.io/gliderlabs/logspout"),
    *("docker.io/netdata/netdata", "docker.io/google/cadvisor", "docker.io/prom/node-exporter"),
    *("amazon/amazon-ecs-agent", "prom/node-exporter", "amazon/cloudwatch-agent"),
}
PRIVILEGED_IMAGES = {
    *("falcosecurity/falco", "docker.io/falcosecurity/falco", "public.ecr.aws/falcosecurity/falco"),
    *("docker.io/calico/node", "calico/node", "docker.io/cloudnativelabs/kube-router", "docker.io/docker/ucp-agent"),
    *("docker.io/mesosphere/mesos-slave", "docker.io/rook/toolbox", "docker.io/sysdig/sysdig"),
    *("gcr.io/google_containers/kube-proxy", "gcr.io/google-containers/startup-script"),
    *("gcr.io/projectcalico-org/node", "gke.gcr.io/kube-proxy", "gke.gcr.io/gke-metadata-server"),
    *("gke.gcr.io/netd-amd64", "gke.gcr.io/watcher-daemonset", "gcr.io/google-containers/prometheus-to-sd"),
    *("registry.k8s.io/ip-masq-agent-amd64", "registry.k8s.io/kube-proxy", "registry.k8s.io/prometheus-to-sd"),
    *("quay.io/calico/node", "sysdig/sysdig", "registry.k8s.io/dns/k8s-dns-node-cache"),
    "mcr.microsoft.com/oss/kubernetes/kube-proxy",
}
HOST_NETWORK_IMAGES = {
    *("gcr.io/google-containers/prometheus-to-sd", "gcr.io/projectcalico-org/typha", "gcr.io/projectcalico-org/node"),
    *("gke.gcr.io/gke-metadata-server", "gke.gcr.io/kube-proxy", "gke.gcr.io/netd-amd64"),
    *("registry.k8s.io/ip-masq-agent-amd64", "registry.k8s.io/prometheus-to-sd"),
}
KUBE_NAMESPACE_IMAGES = {
    *("gcr.io/google-containers/prometheus-to-sd", "gcr.io/projectcalico-org/node", "gke.gcr.io/addon-resizer"),
    *("gke.gcr.io/heapster", "gke.gcr.io/gke-metadata-server", "registry.k8s.io/ip-masq-agent-amd64"),
    *("registry.k8s.io/kube-apiserver", "gke.gcr.io/kube-proxy", "gke.gcr.io/netd-amd64"),
    *("gke.gcr.io/watcher-daemonset", "registry.k8s.io/addon-resizer", "registry.k8s.io/prometheus-to-sd"),
    *("registry.k8s.io/k8s-dns-dnsmasq-nanny-amd64", "registry.k8s.io/k8s-dns-kube-dns-amd64"),
    *("registry.k8s.io/k8s-dns-sidecar-amd64", "registry.k8s.io/metrics-server-amd64"),
    "kope/kube-apiserver-healthcheck",
}
KNOWN_ACCOUNTS = {
    *("coredns", "coredns-autoscaler", "cronjob-controller", "daemon-set-controller", "deployment-controller"),
    *("disruption-controller", "endpoint-controller", "endpointslice-controller", "endpointslicemirroring-controller"),
    *("generic-garbage-collector", "horizontal-pod-autoscaler", "job-controller", "namespace-controller"),
    *("node-controller", "persistent-volume-binder", "pod-garbage-collector", "pv-protection-controller"),
    *("pvc-protection-controller", "replicaset-controller", "resourcequota-controller", "root-ca-cert-publisher"),
    *("service-account-controller", "statefulset-controller"),
}
SENSITIVE_PATHS = {
    *("/proc", "/var/run/docker.sock", "/", "/etc", "/root", "/var/run/crio/crio.sock", "/home/admin"),
    *("/run/containerd/containerd.sock", "/var/lib/kubelet", "/var/lib/kubelet/pki", "/etc/kubernetes"),
    "/etc/kubernetes/manifests",
}
PASSWORDS = (
    *("aws_access_key_id", "aws-access-key-id", "aws_s3_access_key_id", "aws-s3-access-key-id", "password"),
    "passphrase",
)
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


def inner(event: Any, *path: str) -> Any:
    for step in path:
        event = event.get(step) if isinstance(event, dict) else None
    return event


def done(event: Event) -> bool:
    return event.get("stage") == "ResponseComplete"


def user(event: Event) -> str:
    return str(inner(event, "user", "username") or "")


def stranger(event: Event) -> bool:
    return not user(event).startswith("system:")


def resource(event: Event) -> Any:
    return inner(event, "objectRef", "resource")


def name(event: Event) -> Any:
    return inner(event, "objectRef", "name")


def namespace(event: Event) -> Any:
    return inner(event, "objectRef", "namespace")


def subresource(event: Event) -> Any:
    return inner(event, "objectRef", "subresource")


def succeeded(event: Event) -> bool:
    return str(inner(event, "responseStatus", "code") or "").startswith("2")


def new_pod(event: Event) -> bool:
    return done(event) and resource(event) == "pods" and subresource(event) is None and event.get("verb") == "create"


def spec(event: Event) -> Any:
    return inner(event, "requestObject", "spec")


def listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def repositories(event: Event) -> list[str]:
    images = [one.get("image", "") for one in listed(inner(spec(event), "containers"))]
    return [image.split(":")[0].split("@")[0] for image in images]


def all_in(event: Event, allowed: set[str]) -> bool:
    found = repositories(event)
    return bool(found) and set(found) <= allowed


def privileged(event: Event) -> bool:
    kinds = ("containers", "initContainers", "ephemeralContainers")
    found = [one for kind in kinds for one in listed(inner(spec(event), kind))]
    return any(inner(one, "securityContext", "privileged") is True for one in found)


def sensitive_mount(event: Event) -> bool:
    return any(inner(one, "hostPath", "path") in SENSITIVE_PATHS for one in listed(inner(spec(event), "volumes")))


def of_role(event: Event, what: str) -> set[str]:
    if not (done(event) and resource(event) in ("roles", "clusterroles") and event.get("verb") == "create"):
        return set()
    return {value for rule in listed(inner(event, "requestObject", "rules")) for value in listed(rule.get(what))}


def credentials(event: Event) -> bool:
    data = inner(event, "requestObject", "data")
    text = "" if data is None else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return any(word in text for word in PASSWORDS)


def health(event: Event) -> bool:
    uri = event.get("requestURI", "")
    return any(uri == path or uri.startswith(path + "?") for path in ("/healthz", "/livez", "/readyz"))


def activity(verb: str, what: str, *, people: bool = False, elsewhere: bool = False) -> Rule:
    """Objects of one kind, created or deleted with success."""

    def rule(event: Event) -> bool:
        return (
            done(event)
            and event.get("verb") == verb
            and resource(event) == what
            and succeeded(event)
            and (not people or stranger(event))
            and (not elsewhere or namespace(event) not in (None, "kube-system"))
        )

    return rule


def never(event: Event) -> bool:
    return False


def secret_read(event: Event) -> bool:
    return done(event) and resource(event) == "secrets" and event.get("verb") == "get"


RULES: dict[str, Rule] = {
    "Disallowed K8s User": lambda one: done(one) and stranger(one) and user(one) not in KNOWN_USERS,
    "Create Disallowed Pod": never,
    "Create Privileged Pod": lambda one: new_pod(one) and privileged(one) and not all_in(one, PRIVILEGED_IMAGES),
    "Create Sensitive Mount Pod": lambda one: (
        new_pod(one) and sensitive_mount(one) and not all_in(one, SENSITIVE_IMAGES)
    ),
    "Create HostNetwork Pod": lambda one: (
        new_pod(one) and inner(spec(one), "hostNetwork") is True and not all_in(one, HOST_NETWORK_IMAGES)
    ),
    "Create HostPid Pod": lambda one: new_pod(one) and inner(spec(one), "hostPID") is True,
    "Create HostIPC Pod": lambda one: new_pod(one) and inner(spec(one), "hostIPC") is True,
    "Create NodePort Service": lambda one: (
        done(one)
        and resource(one) == "services"
        and one.get("verb") == "create"
        and inner(spec(one), "type") == "NodePort"
    ),
    "Create/Modify Configmap With Private Credentials": lambda one: (
        done(one)
        and resource(one) == "configmaps"
        and one.get("verb") in ("create", "update", "patch")
        and credentials(one)
    ),
    "Anonymous Request Allowed": lambda one: (
        done(one)
        and user(one) == "system:anonymous"
        and inner(one, "annotations", "authorization.k8s.io/decision") == "allow"
        and not health(one)
    ),
    "Attach/Exec Pod": lambda one: (
        one.get("stage") == "ResponseStarted"
        and resource(one) == "pods"
        and one.get("verb") in ("create", "get")
        and subresource(one) in ("exec", "attach")
    ),
    "port-forward": lambda one: subresource(one) == "portforward",
    "EphemeralContainers Created": lambda one: (
        done(one)
        and resource(one) == "pods"
        and one.get("verb") in ("create", "update", "patch")
        and subresource(one) == "ephemeralcontainers"
    ),
    "Create Disallowed Namespace": lambda one: (
        done(one)
        and resource(one) == "namespaces"
        and one.get("verb") == "create"
        and name(one) not in ("kube-system", "kube-public", "default")
    ),
    "Pod Created in Kube Namespace": lambda one: (
        new_pod(one) and namespace(one) in ("kube-system", "kube-public") and not all_in(one, KUBE_NAMESPACE_IMAGES)
    ),
    "Service Account Created in Kube Namespace": lambda one: (
        done(one)
        and resource(one) == "serviceaccounts"
        and one.get("verb") == "create"
        and namespace(one) in ("kube-system", "kube-public")
        and succeeded(one)
        and name(one) not in KNOWN_ACCOUNTS
    ),
    "System ClusterRole Modified/Deleted": lambda one: (
        done(one)
        and resource(one) in ("roles", "clusterroles")
        and one.get("verb") in ("create", "update", "patch", "delete")
        and str(name(one) or "").startswith("system:")
        and name(one) not in ("system:coredns", "system:managed-certificate-controller")
    ),
    "Attach to cluster-admin Role": lambda one: (
        done(one)
        and resource(one) == "clusterrolebindings"
        and one.get("verb") == "create"
        and inner(one, "requestObject", "roleRef", "name") == "cluster-admin"
    ),
    "ClusterRole With Wildcard Created": lambda one: "*" in of_role(one, "resources") | of_role(one, "verbs"),
    "ClusterRole With Write Privileges Created": lambda one: bool(WRITES & of_role(one, "verbs")),
    "ClusterRole With Pod Exec Created": lambda one: "pods/exec" in of_role(one, "resources"),
    **{
        f"K8s {title} {did}": activity(verb, what)
        for did, verb in (("Created", "create"), ("Deleted", "delete"))
        for title, what in (
            ("Deployment", "deployments"),
            ("Service", "services"),
            ("ConfigMap", "configmaps"),
            ("Serviceaccount", "serviceaccounts"),
            ("Role", "roles"),
            ("ClusterRole", "clusterroles"),
            ("RoleBinding", "rolebindings"),
            ("ClusterRoleBinding", "clusterrolebindings"),
        )
    },
    "K8s Namespace Created": activity("create", "namespaces"),
    "K8s Namespace Deleted": activity("delete", "namespaces", people=True),
    "K8s Secret Created": activity("create", "secrets", people=True, elsewhere=True),
    "K8s Secret Deleted": activity("delete", "secrets", people=True, elsewhere=True),
    "K8s Secret Get Successfully": lambda one: secret_read(one) and succeeded(one),
    "K8s Secret Get Unsuccessfully Tried": lambda one: secret_read(one) and not succeeded(one),
    "All K8s Audit Events": never,
    "Full K8s Administrative Access": never,
    "Ingress Object without TLS Certificate Created": lambda one: (
        activity("create", "ingresses")(one) and inner(spec(one), "tls") is None
    ),
    "Untrusted Node Successfully Joined the Cluster": never,
    "Untrusted Node Unsuccessfully Tried to Join the Cluster": never,
}


def alerts_of(path: Path) -> Iterator[Alert]:
    """The alerts of all rules on a compressed log, line by line."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            for title, rule in RULES.items():
                if rule(event):
                    yield title, event["auditID"], event["stage"]
