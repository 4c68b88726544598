"""What in an object gives power over the node or the cluster, where the log has bodies.

Pods and their templates, volumes, bindings and roles are told apart by their members, not by their kind: patches are
fragments without one. A JSON patch is looked at as the fragments that it puts in.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ and
https://kubernetes.io/docs/concepts/security/rbac-good-practices/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from podhawk.detect.requests.patches import bodies
from podhawk.detect.requests.request import Request, member

_WRITES: Final = frozenset({"create", "update", "patch"})
_PARTS: Final = frozenset({"", "ephemeralcontainers"})
"""What a write must be to for the body to say what is asked for: a body to `status` repeats what there is."""
_HOST: Final = ("hostNetwork", "hostPID", "hostIPC")
_CAPABILITIES: Final = frozenset(
    {"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "SYS_RAWIO", "NET_ADMIN", "BPF", "DAC_READ_SEARCH"}
)
_EVERYBODY: Final = frozenset(
    {"system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"}
)
_VERBS: Final = frozenset({"escalate", "bind", "impersonate"})
_READS: Final = frozenset({"get", "list", "watch", "*"})
_CREATES: Final = frozenset({"create", "*"})
_TOKENS_AND_SHELLS: Final = frozenset({"serviceaccounts/token", "pods/exec", "pods/attach", "pods/ephemeralcontainers"})
_PASSED_OVER: Final = frozenset({"managedFields", "annotations", "status"})
_DEEPEST: Final = 12


def privileges(request: Request) -> tuple[str, ...]:
    """What a create, update or patch asks for that a workload should not have, each in a word."""
    data = request.last.view.data
    if member(data, "verb") not in _WRITES or member(data, "objectRef", "subresource") not in _PARTS:
        return ()
    return tuple(dict.fromkeys(found for body in bodies(request) for found in _in(body, _DEEPEST)))


def _in(body: Any, depth: int) -> Iterator[str]:
    if not depth:
        return
    if isinstance(body, list):
        for item in body:
            yield from _in(item, depth - 1)
        return
    if not isinstance(body, dict):
        return
    yield from _of_pod(body)
    yield from _of_access(body)
    for name, value in body.items():
        if isinstance(value, (dict, list)) and name not in _PASSED_OVER:
            yield from _in(value, depth - 1)


def _of_pod(body: dict[str, Any]) -> Iterator[str]:
    for name in _HOST:
        if body.get(name) is True:
            yield name
    if isinstance(body.get("hostPath"), dict):
        yield "hostPath"
    context = body.get("securityContext")
    if not isinstance(context, dict):
        return
    if context.get("privileged") is True:
        yield "privileged"
    windows = context.get("windowsOptions")
    if isinstance(windows, dict) and windows.get("hostProcess") is True:
        yield "hostProcess"
    added = context.get("capabilities")
    for name in _texts(added.get("add")) if isinstance(added, dict) else ():
        capability = name.upper().removeprefix("CAP_")
        if capability in _CAPABILITIES:
            yield f"capability {capability}"


def _of_access(body: dict[str, Any]) -> Iterator[str]:
    """What bindings and roles give."""
    role, subjects = body.get("roleRef"), body.get("subjects")
    if isinstance(role, dict) and role.get("name") == "cluster-admin":
        yield "cluster-admin"
    if isinstance(subjects, list) and any(member(one, "name") in _EVERYBODY for one in subjects):
        yield "role for all users"  # a patch may name subjects without the role
    rules = body.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        if not isinstance(rule, dict):
            continue
        verbs, resources = set(_texts(rule.get("verbs"))), set(_texts(rule.get("resources")))
        if "*" in verbs and "*" in resources:
            yield "role with every verb on every resource"
        if verbs & _VERBS:
            yield "role that allows privilege escalation"
        if "secrets" in resources and verbs & _READS and not rule.get("resourceNames"):
            yield "role that can read secrets"
        if (resources & _TOKENS_AND_SHELLS and verbs & _CREATES) or "nodes/proxy" in resources:
            yield "role that can act as workloads"


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
