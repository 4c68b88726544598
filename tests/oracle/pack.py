"""What the shipped pack's detections should find, counted without SPL.

Each function reads audit events as plain JSON and returns the number of rows its detection gives.
They are written from what the detections are meant to do, and share no code with the engine.
"""

from __future__ import annotations

import fnmatch
import gzip
import ipaddress
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]
Test = Callable[[Event], bool]

CONTROLLERS = frozenset(
    {
        "attachdetach-controller",
        "bootstrap-signer",
        "certificate-controller",
        "clusterrole-aggregation-controller",
        "cronjob-controller",
        "daemon-set-controller",
        "deployment-controller",
        "device-taint-eviction-controller",
        "disruption-controller",
        "endpoint-controller",
        "endpointslice-controller",
        "endpointslicemirroring-controller",
        "ephemeral-volume-controller",
        "expand-controller",
        "generic-garbage-collector",
        "horizontal-pod-autoscaler",
        "job-controller",
        "kube-apiserver-serving-clustertrustbundle-publisher",
        "kube-controller-manager",
        "legacy-service-account-token-cleaner",
        "namespace-controller",
        "node-controller",
        "persistent-volume-binder",
        "pod-garbage-collector",
        "podcertificaterequestcleaner",
        "pv-protection-controller",
        "pvc-protection-controller",
        "replicaset-controller",
        "replication-controller",
        "resource-claim-controller",
        "resourcequota-controller",
        "root-ca-cert-publisher",
        "route-controller",
        "selinux-warning-controller",
        "service-account-controller",
        "service-ca-cert-publisher",
        "service-cidrs-controller",
        "service-controller",
        "statefulset-controller",
        "storage-version-garbage-collector",
        "storage-version-migrator-controller",
        "taint-eviction-controller",
        "token-cleaner",
        "ttl-after-finished-controller",
        "ttl-controller",
        "validatingadmissionpolicy-status-controller",
        "volumeattributesclass-protection-controller",
    }
)
GENERIC = (
    "curl/*",
    "wget/*",
    "python-requests/*",
    "python-urllib*",
    "go-http-client/*",
    "kube-hunter*",
    "httpie/*",
    "postmanruntime/*",
    "axios/*",
    "node-fetch*",
    "okhttp/*",
    "java/*",
    "ruby*",
    "nmap*",
)
HEALTH = (
    "/healthz*",
    "/livez*",
    "/readyz*",
    "/version",
    "/version?*",
    "/version/*",
    "/.well-known/openid-configuration",
    "/openid/v1/jwks",
)
IMAGES = (
    "registry.k8s.io/*",
    "*.dkr.ecr.*.amazonaws.com/*",
    "*.pkg.dev/*",
    "mcr.microsoft.com/*",
    "quay.io/*",
    "ghcr.io/*",
    "public.ecr.aws/*",
    "amazon-k8s-cni:*",
)
WORKLOADS = (
    "pods",
    "deployments",
    "daemonsets",
    "statefulsets",
    "replicasets",
    "replicationcontrollers",
    "jobs",
    "cronjobs",
    "podtemplates",
)
KNOWN = [
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
]


def read(path: Path) -> Iterator[Event]:
    """The events of a dataset."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _like(value: str | None, patterns: tuple[str, ...]) -> bool:
    return value is not None and any(fnmatch.fnmatchcase(value.lower(), p.lower()) for p in patterns)


def _user(e: Event) -> str | None:
    return e.get("user", {}).get("username")


def _ref(e: Event, name: str) -> str | None:
    return e.get("objectRef", {}).get(name)


def _code(e: Event) -> int | None:
    return e.get("responseStatus", {}).get("code")


def _decision(e: Event) -> str | None:
    return e.get("annotations", {}).get("authorization.k8s.io/decision")


def _answered(e: Event) -> bool:
    return e["stage"] != "RequestReceived"


def _succeeded(e: Event) -> bool:
    return (_code(e) or 999) < 300 and not _dry_run(e)


def _dry_run(e: Event) -> bool:
    return "dryRun=All" in e["requestURI"].partition("?")[2].split("&")


def _created(e: Event) -> bool:
    return e["verb"] == "create" or (e["verb"] == "patch" and _code(e) == 201)


def _groups(e: Event) -> set[str] | None:
    return set(e["user"]["groups"]) if e.get("user", {}).get("groups") else None


def _service_account(e: Event) -> bool:
    groups = _groups(e)
    proven = groups is None or ("system:serviceaccounts" in groups and "uid" in e["user"])
    return (_user(e) or "").startswith("system:serviceaccount:") and proven


def _control_plane(e: Event) -> bool:
    user, groups = _user(e) or "", _groups(e)
    if "system:masters" in (groups or ()) and user != "system:apiserver":
        return False
    if user.startswith("system:node:"):
        return (_code(e) or 999) < 300 and (groups is None or "system:nodes" in groups)
    if user.startswith("system:serviceaccount:kube-system:"):
        return user.split(":")[-1] in CONTROLLERS and _service_account(e)
    return user in ("system:apiserver", "system:kube-controller-manager", "system:kube-scheduler")


def _secret(e: Event) -> bool:
    return (
        _ref(e, "resource") == "secrets"
        and e["verb"] in ("get", "list", "watch")
        and _answered(e)
        and _user(e) is not None
    )


def _outside(e: Event) -> bool:
    address = ipaddress.ip_address(e["sourceIPs"][-1])
    return not any(address.version == net.version and address in net for net in KNOWN)


def _specs(value: Any) -> Iterator[dict[str, Any]]:
    """Pod specifications in a request body: a pod's own, or those of templates one or two levels down."""
    if isinstance(value, dict):
        spec = value.get("spec")
        if isinstance(spec, dict):
            yield spec
            for key in ("template", "jobTemplate"):
                yield from _specs(spec.get(key))
        if isinstance(value.get("template"), dict):
            yield from _specs(value["template"])


def _puts(operation: dict[str, Any], names: tuple[str, ...], value: Any) -> bool:
    """Whether an operation of a JSON patch sets a member of one of these names to a value."""
    if operation.get("op") in ("copy", "move"):
        return operation["path"].split("/")[-1] in names
    if operation.get("op") not in ("add", "replace"):
        return False
    return _holds({operation["path"].split("/")[-1]: operation.get("value")}, names, value)


def _holds(body: Any, names: tuple[str, ...], value: Any) -> bool:
    if isinstance(body, list):
        return any(_holds(item, names, value) for item in body)
    if not isinstance(body, dict):
        return False
    return any((name in names and item == value) or _holds(item, names, value) for name, item in body.items())


def _privileged(e: Event) -> bool:
    body = e.get("requestObject")
    if isinstance(body, list):
        return any(_puts(part, ("privileged",), True) for part in body)
    return any(
        container.get("securityContext", {}).get("privileged") is True
        for spec in _specs(body)
        for kind in ("containers", "initContainers", "ephemeralContainers")
        for container in spec.get(kind) or ()
    )


def _host(e: Event) -> bool:
    body, names = e.get("requestObject"), ("hostNetwork", "hostPID", "hostIPC")
    if isinstance(body, list):
        return any(_puts(part, names, True) for part in body)
    return any(spec.get(name) is True for spec in _specs(body) for name in names)


def _workload_change(e: Event) -> bool:
    return (
        _ref(e, "resource") in WORKLOADS
        and _ref(e, "subresource") != "status"
        and e["verb"] in ("create", "update", "patch")
        and _answered(e)
        and not _dry_run(e)
    )


def _node_port(e: Event) -> bool:
    body = e.get("requestObject")
    if isinstance(body, list):
        return any(_puts(part, ("type",), "NodePort") for part in body)
    return isinstance(body, dict) and isinstance(body.get("spec"), dict) and body["spec"].get("type") == "NodePort"


def _image(e: Event) -> bool:
    body = e.get("requestObject")
    text = (body.get("message") or body.get("note") or "") if isinstance(body, dict) else ""
    found = re.match(r'Pulling image "([^"]+)"', text)
    return bool(found) and _succeeded(e) and not _like(found[1] if found else None, IMAGES)


def _new(resource: str) -> Test:
    return lambda e: _ref(e, "resource") == resource and not _ref(e, "subresource") and _created(e) and _succeeded(e)


def requests(test: Test) -> Callable[[list[Event]], int]:
    """Rows of a detection that gives one for each request."""

    def count(events: list[Event]) -> int:
        return len(
            {
                (e["auditID"], e["requestReceivedTimestamp"], e["requestURI"], e["verb"], _user(e))
                for e in events
                if _user(e) is not None and test(e)
            }
        )

    return count


def _scanning(events: list[Event]) -> int:
    seen: dict[str, int] = defaultdict(int)
    for e in events:
        if _answered(e) and (_code(e) == 401 or (_code(e) == 403 and _user(e) == "system:anonymous")):
            seen[e["sourceIPs"][-1]] += 1
    return sum(number > 5 for number in seen.values())


def _access(events: list[Event]) -> int:
    seen: dict[tuple[str | None, str], set[str]] = defaultdict(set)
    for e in events:
        if (
            e["stage"] == "ResponseComplete"
            and _code(e) == 403
            and _decision(e) == "forbid"
            and not _like(_user(e), ("system:anonymous", "system:node:*"))
        ):
            seen[_user(e), e["sourceIPs"][-1]].add(_ref(e, "resource") or e["requestURI"])
    return sum(len(targets) > 4 for targets in seen.values())


def _ok(e: Event) -> bool:
    return (_code(e) or 999) < 300


def _secrets_of_all(e: Event) -> bool:
    return _secret(e) and e["verb"] in ("list", "watch") and not _ref(e, "namespace") and not _control_plane(e)


def _by_unusual_path(e: Event) -> bool:
    uri = e["requestURI"]
    odd = uri.startswith("/api/v1/watch/") or bool(re.match("/api/v1/namespaces/.*%.*/secrets", uri))
    return _secret(e) and _ok(e) and odd and not _control_plane(e)


def _by_workload(e: Event) -> bool:
    account = (_user(e) or "").startswith("system:serviceaccount:")
    listed = e["verb"] in ("list", "watch") and _ref(e, "namespace") == "kube-system"
    return _secret(e) and _ok(e) and bool(_ref(e, "namespace")) and not listed and account and not _control_plane(e)


def _in_several_namespaces(events: list[Event]) -> int:
    seen: dict[str | None, set[str | None]] = defaultdict(set)
    for e in events:
        if _secret(e) and e["verb"] == "get" and _ok(e) and not _control_plane(e) and not _service_account(e):
            seen[_user(e)].add(_ref(e, "namespace"))
    return sum(len(namespaces - {None}) > 2 for namespaces in seen.values())


def _token_issued(e: Event) -> bool:
    return (
        (_ref(e, "resource"), _ref(e, "subresource"), e["verb"]) == ("serviceaccounts", "token", "create")
        and _ref(e, "namespace") == "kube-system"
        and _ref(e, "name") in CONTROLLERS
        and _user(e) not in ("system:kube-controller-manager", "system:cloud-controller-manager")
        and _answered(e)
        and _ok(e)
    )


EXPECTED: dict[str, Callable[[list[Event]], int]] = {
    "kubernetes_pod_created_in_default_namespace": requests(
        lambda e: _new("pods")(e) and _ref(e, "namespace") in ("default", "kube-system", "kube-public")
    ),
    "kubernetes_secret_access_by_unusual_user": requests(
        lambda e: _secret(e) and not _control_plane(e) and not _service_account(e)
    ),
    "kubernetes_secret_access_by_unusual_group": requests(
        lambda e: (
            _secret(e)
            and not _control_plane(e)
            and bool(e["user"].get("groups"))
            and not {"system:masters", "system:nodes", "system:serviceaccounts"} & set(e["user"]["groups"])
        )
    ),
    "kubernetes_secret_access_by_unusual_user_agent": requests(
        lambda e: _secret(e) and not _control_plane(e) and ("userAgent" not in e or _like(e["userAgent"], GENERIC))
    ),
    "kubernetes_secret_access_by_unusual_location": requests(lambda e: _secret(e) and _outside(e)),
    "kubernetes_anonymous_request_allowed": requests(
        lambda e: (
            _answered(e)
            and _user(e) == "system:anonymous"
            and _decision(e) == "allow"
            and not _like(e["requestURI"], HEALTH)
        )
    ),
    "kubernetes_scanning_by_unauthenticated_ip_address": _scanning,
    "kubernetes_access_scanning": _access,
    "kubernetes_unauthorized_access": requests(
        lambda e: (
            _answered(e)
            and _code(e) == 403
            and _decision(e) != "allow"
            and _user(e) != "system:anonymous"
            and (e["verb"] in ("create", "update", "patch", "delete", "deletecollection") or _decision(e) is None)
        )
    ),
    "kubernetes_privileged_pod": requests(lambda e: _workload_change(e) and _privileged(e)),
    "kubernetes_pod_with_host_network_attachment": requests(lambda e: _workload_change(e) and _host(e)),
    "kubernetes_cronjob_created": requests(_new("cronjobs")),
    "kubernetes_daemonset_deployed": requests(_new("daemonsets")),
    "kubernetes_node_port_creation": requests(
        lambda e: (
            _ref(e, "resource") == "services"
            and not _ref(e, "subresource")
            and e["verb"] in ("create", "update", "patch")
            and _succeeded(e)
            and _node_port(e)
        )
    ),
    "kubernetes_suspicious_image_pulling": requests(
        lambda e: _ref(e, "resource") == "events" and e["verb"] in ("create", "patch", "update") and _image(e)
    ),
    "kubernetes_secrets_listed_across_namespaces": requests(_secrets_of_all),
    "kubernetes_secrets_read_by_unusual_path": requests(_by_unusual_path),
    "kubernetes_secrets_read_in_several_namespaces": _in_several_namespaces,
    "kubernetes_secret_read_by_workload": requests(_by_workload),
    "kubernetes_component_token_issued_to_another_user": requests(_token_issued),
    "kubernetes_exec_into_pod": requests(
        lambda e: (
            _ref(e, "resource") == "pods"
            and _ref(e, "subresource") in ("exec", "attach")
            and e["verb"] in ("get", "create")
            and _answered(e)
        )
    ),
}
