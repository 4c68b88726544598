"""What the detections of roles, credentials, workloads and traces should find, counted without SPL.

It continues `oracle.pack`, with the same rules: plain JSON in, a number of rows out, and no code of the engine.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from oracle.pack import HEALTH, WORKLOADS, Event
from oracle.pack import _answered as answered
from oracle.pack import _code as code
from oracle.pack import _control_plane as control_plane
from oracle.pack import _dry_run as dry_run
from oracle.pack import _groups as groups
from oracle.pack import _like as like
from oracle.pack import _ref as ref
from oracle.pack import _service_account as service_account
from oracle.pack import _user as user

SYSTEM = ("kube-system", "kube-public", "kube-node-lease")
DANGEROUS = frozenset(
    [
        "*",
        "escalate",
        "bind",
        "impersonate",
        "secrets",
        "pods/exec",
        "pods/attach",
        "pods/ephemeralcontainers",
        "nodes/proxy",
        "serviceaccounts/token",
        "certificatesigningrequests/approval",
        "signers",
        "clusterroles",
        "clusterrolebindings",
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
        "aggregationRule",
    ]
)
EVERYBODY = frozenset(("system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"))
ADMISSION = (
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "mutatingadmissionpolicies",
    "validatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicybindings",
)
CAPABILITIES = frozenset(
    [
        "ALL",
        "SYS_ADMIN",
        "SYS_PTRACE",
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_BOOT",
        "SYS_CHROOT",
        "DAC_READ_SEARCH",
        "NET_ADMIN",
        "BPF",
        "PERFMON",
    ]
)
REAL_NAMES = (
    "system:serviceaccount:*|system:node:*|system:anonymous|system:unauthenticated|system:apiserver|system:admin|"
    "system:kube-controller-manager|system:kube-scheduler|system:kube-proxy|system:cloud-controller-manager|"
    "system:bootstrap:*|system:konnectivity-server|system:aggregator|system:gke-*|system:addon-manager|"
    "system:clusterautoscaler|system:cluster-autoscaler|system:vpa-recommender|system:node-problem-detector|"
    "system:l7-lb-controller|system:managed-certificate-controller|system:snapshot-controller|system:pdcsi-controller|"
    "system:gcp-controller-manager|system:kubestore-collector|system:glbc|kube-apiserver-*"
)
COMMAND = re.compile(
    r"(?:curl|wget)[^|;&]*(?:[|;]|&&)|/dev/tcp/|xmrig|stratum\+|base64 -d|b64decode"
    r"|/run/secrets/kubernetes\.io/serviceaccount/token|169\.254\.169\.254|bash -i|chmod \+x"
    r"|nsenter|chroot /|/etc/shadow",
    re.IGNORECASE,
)


def ok(e: Event) -> bool:
    return answered(e) and (code(e) or 999) < 300


def body(e: Event) -> Any:
    """What a request puts into an object: of a JSON patch the operations that add, replace, copy and move."""
    found = e.get("requestObject")
    if isinstance(found, list):
        return [one for one in found if one.get("op") in ("add", "replace", "copy", "move")]
    return found


def nodes(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a body with the name of its member."""
    yield name, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from nodes(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item, name)


def strings(value: Any) -> Iterator[str]:
    """The texts and the names of members of a body."""
    for name, item in nodes(value):
        yield name
        if isinstance(item, str):
            yield item


def message(e: Event) -> str:
    return str(e.get("responseStatus", {}).get("message") or "")


def imp(e: Event) -> str:
    return str(e.get("impersonatedUser", {}).get("username") or "")


def imp_masters(e: Event) -> bool:
    return "system:masters" in (e.get("impersonatedUser", {}).get("groups") or ())


def written(e: Event) -> bool:
    return e["verb"] in ("create", "update", "patch") and answered(e) and not dry_run(e)


def changed(e: Event) -> bool:
    verbs = ("create", "update", "patch", "delete", "deletecollection")
    return e["verb"] in verbs and ok(e) and answered(e) and not dry_run(e)


def workload(e: Event) -> bool:
    return ref(e, "resource") in WORKLOADS


def role(e: Event) -> str | None:
    given = e.get("requestObject")
    return given.get("roleRef", {}).get("name") if isinstance(given, dict) else None


def gives_power(e: Event) -> bool:
    others = (
        "secrets serviceaccounts roles rolebindings clusterroles clusterrolebindings certificatesigningrequests nodes "
        "namespaces mutatingwebhookconfigurations validatingwebhookconfigurations"
    )
    return ref(e, "resource") in (*WORKLOADS, *others.split()) and (
        e["verb"] in ("create", "update", "patch", "delete", "deletecollection")
        or ref(e, "resource") == "secrets"
        or ref(e, "subresource") in ("exec", "attach", "portforward", "proxy")
    )


def imitated(name: str) -> bool:
    return like(name, ("system:*", "kube-system:*", "kube-*")) and not like(name, tuple(REAL_NAMES.split("|")))


def misused(e: Event) -> bool:
    name, given = user(e) or "", groups(e)
    if name.startswith("system:serviceaccount:"):
        return given is not None and not service_account(e)
    if name in ("system:kube-controller-manager", "system:kube-scheduler"):
        return given is not None and "system:masters" in given
    return (
        name.startswith("system:node:")
        and given is not None
        and ("system:masters" in given or "system:nodes" not in given)
    )


def host_path(value: Any) -> bool:
    return any(
        name == "hostPath" or (name == "path" and isinstance(item, str) and re.search("/hostPath(/path)?$", item))
        for name, item in nodes(value)
    )


def weakened(value: Any) -> bool:
    if value is None:
        return False
    added = {item for name, item in _kept(value) if isinstance(item, str)}
    if CAPABILITIES & {one.removeprefix("CAP_") for one in added} or {"Unconfined", "unconfined"} & added:
        return True
    found = list(nodes(value))
    return (
        ("hostProcess", True) in found
        or ("procMount", "Unmasked") in found
        or any(name == "sysctls" and isinstance(item, list) for name, item in found)
        or any(name == "hostPort" and isinstance(item, int) and item > 0 for name, item in found)
        or (_is(found, "runAsUser", 0) and _is(found, "allowPrivilegeEscalation", True))
    )


def _is(found: list[tuple[str, Any]], name: str, value: Any) -> bool:
    return any(key == name and item == value and type(item) is type(value) for key, item in found)


def _kept(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "drop":
                yield key, item
                yield from _kept(item)
    elif isinstance(value, list):
        for item in value:
            yield "", item
            yield from _kept(item)


def suspicious(value: Any) -> bool:
    texts = [item for name, item in nodes(value) if isinstance(item, str) and name not in ("image", "mountPath")]
    return any(COMMAND.search(text) for text in [*texts, json.dumps(texts, ensure_ascii=False)])


def suspicious_exec(uri: str) -> bool:
    arguments = re.findall("[?&]command=([^&]*)", uri)
    return bool(COMMAND.search(unquote_plus(" ".join(arguments))))


def pinned(e: Event) -> bool:
    found = list(nodes(body(e)))
    texts = set(strings(body(e)))
    return (
        any(name == "nodeName" and isinstance(item, str) and item for name, item in found)
        or any(name == "path" and isinstance(item, str) and item.endswith("/nodeName") for name, item in found)
        or "kubernetes.io/config.mirror" in texts
        or any(re.search("node-role.kubernetes.io/(control-plane|master)", text) for text in texts)
        or (
            ref(e, "resource") != "daemonsets"
            and any(
                isinstance(item, dict) and item.get("operator") == "Exists" and not item.get("key") for _, item in found
            )
        )
    )


def volume_on_node(e: Event) -> bool:
    if body(e) is None:
        return not service_account(e)
    return any(
        (name in ("hostPath", "local") and isinstance(item, dict))
        or (name == "path" and isinstance(item, str) and item.startswith(("/spec/hostPath", "/spec/local")))
        for name, item in nodes(body(e))
    )


def holds_credential(value: Any) -> bool:
    text = json.dumps(value)
    return bool(re.search(r"aws_(?:secret|access)|password\s*[=:]|-----BEGIN [A-Z ]*PRIVATE KEY", text, re.IGNORECASE))


def configuration(name: str) -> bool:
    return name.startswith(("coredns", "kube-dns", "kube-proxy", "node-local-dns")) or name in (
        "aws-auth",
        "kubeadm-config",
        "kubelet-config",
        "cluster-info",
        "extension-apiserver-authentication",
    )


def exposed(e: Event) -> bool:
    if body(e) is None:
        return not service_account(e) or ref(e, "namespace") in SYSTEM
    return any(
        (name == "externalIPs" and item) or item == "LoadBalancer" or (isinstance(item, str) and "/externalIPs" in item)
        for name, item in nodes(body(e))
    )


def guardrail(e: Event) -> bool:
    if ref(e, "resource") in ("networkpolicies", "poddisruptionbudgets"):
        return e["verb"] in ("update", "patch", "delete")
    if ref(e, "resource") in ("resourcequotas", "limitranges"):
        return e["verb"] == "delete"
    if ref(e, "resource") != "namespaces" or e["verb"] not in ("update", "patch"):
        return False
    return body(e) is None or "pod-security.kubernetes.io" in json.dumps(body(e))


def refused(events: list[Event]) -> int:
    """Requests without a valid credential; those that were answered with 401 have no user."""
    return len(
        {
            (e["auditID"], e["requestReceivedTimestamp"], e["requestURI"], e["verb"])
            for e in events
            if answered(e)
            and (code(e) == 401 or (user(e) == "system:anonymous" and code(e) == 403))
            and not health(e["requestURI"])
            and ref(e, "name") != "cluster-info"
        }
    )


def health(uri: str) -> bool:
    return like(uri, HEALTH)


def misleading(e: Event) -> bool:
    query = e["requestURI"].partition("?")[2]
    if not re.search("dry(?:R|%52)un", query, re.IGNORECASE):
        return False
    if "All" in (
        (e.get("requestObject") or {}).get("dryRun") or () if isinstance(e.get("requestObject"), dict) else ()
    ):
        return False
    real = any(part in ("dryRun=All", "dry%52un=All") for part in query.split("&"))
    reads = ("get", "list", "watch", "delete", "deletecollection")
    return not real or e["verb"] in reads or ref(e, "subresource") == "token"


def changes_pod(patch: dict[str, Any], is_pod: bool) -> bool:
    """Whether a merge patch puts something into a pod or into the template of one."""
    paths = (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"), ("template", "spec"))
    for path in (*paths, *([("spec",)] if is_pod else [])):
        found: Any = patch
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None:
            return True
    return False


def probed(events: list[Event]) -> int:
    reviews = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")
    seen: dict[tuple[str | None, str, int], int] = defaultdict(int)
    for e in events:
        if (
            answered(e)
            and ref(e, "resource") in reviews
            and e["verb"] == "create"
            and not imp(e)
            and not control_plane(e)
        ):
            hours, minutes, seconds = e["requestReceivedTimestamp"][11:-1].split(":")
            time = int(hours) * 3600 + int(minutes) * 60 + float(seconds)  # no test crosses midnight
            seen[user(e), "from 0", int(time / 5)] += 1
            seen[user(e), "from 2.5", int(time / 5 + 0.5)] += 1
    return sum(number > 10 for number in seen.values())


def credential(e: Event) -> str | None:
    found = e.get("user", {}).get("extra", {}).get("authentication.kubernetes.io/credential-id")
    return found[0] if found else None


def issued_and_used(events: list[Event]) -> int:
    issued, used = set(), set()
    for e in events:
        if not answered(e):
            continue
        key = e.get("annotations", {}).get("authentication.kubernetes.io/issued-credential-id")
        kind = (ref(e, "resource"), ref(e, "subresource"), e["verb"], ref(e, "namespace"))
        if key and kind == ("serviceaccounts", "token", "create", "kube-system") and not control_plane(e):
            issued.add(key)
        name = user(e) or ""
        if credential(e) and name.startswith("system:serviceaccount:kube-system:") and name.endswith("-controller"):
            pod = kind[:3] == ("pods", None, "create")
            writes = kind[0] in ("clusterroles", "secrets") and kind[2] in ("create", "update", "patch")
            if pod or writes or kind[2] == "deletecollection":
                used.add(credential(e))
    return len(issued & used)


def from_second_address(events: list[Event]) -> int:
    kinds = ("secrets", "roles", "clusterroles", "rolebindings", "clusterrolebindings")
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for e in events:
        name = user(e) or ""
        if not answered(e) or not name.startswith("system:serviceaccount:") or control_plane(e):
            continue
        if ref(e, "resource") in kinds or (ref(e, "resource") == "pods" and e["verb"] == "create"):
            pod = e["user"].get("extra", {}).get("authentication.kubernetes.io/pod-uid", ["(none)"])[0]
            seen[name, pod].add(e["sourceIPs"][-1])
    return sum(len(addresses) - 1 for addresses in seen.values())
