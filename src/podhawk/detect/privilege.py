"""What in an object gives power over the node or the cluster, where the log has bodies.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from podhawk.detect.request import Request, member, newest_first

_HOST: Final = ("hostNetwork", "hostPID", "hostIPC")
_CAPABILITIES: Final = frozenset({"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "NET_ADMIN", "DAC_READ_SEARCH"})
_DEEPEST: Final = 12


def privileges(request: Request) -> tuple[str, ...]:
    """What a create, update or patch asks for that a workload should not have, each in a word."""
    if member(request.last.view.data, "verb") not in ("create", "update", "patch"):
        return ()
    return tuple(dict.fromkeys(found for body in newest_first(request, "requestObject")
                               for found in _in(body, _DEEPEST)))


def _in(body: Any, depth: int) -> Iterator[str]:
    if not depth:
        return
    if isinstance(body, list):
        for item in body:
            yield from _in(item, depth - 1)
        return
    if not isinstance(body, dict):
        return
    for name in _HOST:
        if body.get(name) is True:
            yield name
    if isinstance(body.get("hostPath"), dict):
        yield "hostPath"
    context = body.get("securityContext")
    if isinstance(context, dict):
        if context.get("privileged") is True:
            yield "privileged"
        added = context.get("capabilities", {})
        names = added.get("add") if isinstance(added, dict) else None
        for capability in names if isinstance(names, list) else []:
            if capability in _CAPABILITIES:
                yield f"capability {capability}"
    role = body.get("roleRef")
    if isinstance(role, dict) and role.get("name") == "cluster-admin":
        yield "cluster-admin"
    for name, value in body.items():
        if isinstance(value, (dict, list)) and name not in ("managedFields", "annotations", "status"):
            yield from _in(value, depth - 1)
