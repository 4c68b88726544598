"""The names that Sigma rules have for fields of the Kubernetes audit log, and the fields that they stand for.

Rules name a field by its path in the event, or by a short name of Sigma's taxonomy. Lists have `{}` after their names
here. What a rule says of a pod holds for the template of a workload too.

Source: https://sigmahq.io/docs/basics/log-sources.html and the rules of SigmaHQ for `product: kubernetes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_BODIES: Final = (
    "requestObject.spec",
    "requestObject.spec.template.spec",
    "requestObject.spec.jobTemplate.spec.template.spec",
    "requestObject.template.spec",
)
"""Where the specification of a pod stands in a body: a pod, a workload, a cron job, a pod template."""
_CONTAINERS: Final = ("containers{}", "initContainers{}", "ephemeralContainers{}")


def _of_pods(*paths: str) -> list[str]:
    return [f"{body}.{path}" for body in _BODIES for path in paths]


def _of_containers(path: str) -> list[str]:
    return _of_pods(*(f"{kind}.{path}" for kind in _CONTAINERS))


FIELDS: Final[Mapping[str, list[str]]] = {
    **{
        name: [f"objectRef.{name}"]
        for name in ("resource", "subresource", "namespace", "name", "apiGroup", "apiVersion")
    },
    **{name: ["user.username"] for name in ("user", "username", "user.name")},
    **{name: ["user.groups{}"] for name in ("groups", "user.groups", "userGroups")},
    "impersonatedUser": ["impersonatedUser.username"],
    "impersonatedUser.groups": ["impersonatedUser.groups{}"],
    **{name: ["sourceIPs{}"] for name in ("sourceIPs", "sourceIP", "src_ip")},
    "user_agent": ["userAgent"],
    "uri": ["requestURI"],
    **{name: ["responseStatus.code"] for name in ("code", "statusCode", "responseCode")},
    "reason": ["responseStatus.reason"],
    **{name: ["annotations.authorization.k8s.io/decision"] for name in ("decision", "authorization.decision")},
    "hostPath": _of_pods("volumes{}.hostPath.path"),
    "hostNetwork": _of_pods("hostNetwork"),
    "hostPID": _of_pods("hostPID"),
    "hostIPC": _of_pods("hostIPC"),
    "serviceAccountName": _of_pods("serviceAccountName"),
    "capabilities": _of_containers("securityContext.capabilities.add{}"),
    "privileged": _of_containers("securityContext.privileged"),
    "allowPrivilegeEscalation": _of_containers("securityContext.allowPrivilegeEscalation"),
    "runAsUser": _of_containers("securityContext.runAsUser"),
    "image": _of_containers("image"),
    "command": _of_containers("command{}"),
    "args": _of_containers("args{}"),
}
"""The fields that a name stands for: a rule matches if one of them does."""
