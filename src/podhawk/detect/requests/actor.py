"""Who made a request.

Source: authentication, https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec import UNSET

from podhawk.detect.finding import Actor, ActorKind
from podhawk.detect.requests.person import person_behind
from podhawk.detect.requests.request import Request, member, newest_first

SERVICE_ACCOUNT: Final = "system:serviceaccount:"
POD_NAME: Final = "authentication.kubernetes.io/pod-name"

_HUMAN_AFTER_ALL: Final = frozenset({"system:admin"})
"""Users with the prefix of components that people log in as. Source: OpenShift's virtual users."""
_COMPONENT: Final = re.compile(
    r"system:(?!serviceaccount:|node:|bootstrap:|anonymous$|unauthenticated$)|eks:|aksService$|acsService$"
)
CONTROLLERS: Final = (
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
)
"""The service accounts of the controller manager, by name, all in kube-system. A list and no pattern: whoever may make
an account there must not become a controller by giving it a fitting name. Add-ons that call themselves controllers
(load balancers, storage, sealed secrets) are service accounts like others."""

_CONTROLLER_ACCOUNT: Final = re.compile(
    rf"{SERVICE_ACCOUNT}(?:kube-system:(?:{'|'.join(map(re.escape, CONTROLLERS))})|openshift-infra:.*-controller)\Z"
)


def actor_of(request: Request) -> Actor:
    """The actor, from what the latest stages say. The user who was impersonated is `effective_user`."""
    user = request.key.user
    groups = _texts(request, "user", "groups")
    ips = _texts(request, "sourceIPs")
    agents = (agent for agent in newest_first(request, "userAgent") if isinstance(agent, str))
    impersonated = next((member(value, "username") for value in newest_first(request, "impersonatedUser")), "")
    return Actor(
        user,
        groups,
        kind_of_actor(user, groups, request),
        impersonated,
        _pod(request, user),
        "",
        ips[-1] if ips else "",
        ips,
        next(agents, ""),
        person=person_behind(request) or UNSET,
    )


def kind_of_actor(user: str, groups: tuple[str, ...], request: Request) -> ActorKind:
    """What kind of actor a user is. No user at all and a 401 is a failed log-in."""
    if not user:
        codes = {member(event.view.data, "responseStatus", "code") for event in request.events}
        return "unauthenticated" if "401" in codes else "unknown"
    if user == "system:anonymous" or "system:unauthenticated" in groups:
        return "anonymous"
    if user.startswith(("system:node:", "system:bootstrap:")) or "system:nodes" in groups:
        return "node"  # a bootstrap token is that of a machine that joins
    if user.startswith(SERVICE_ACCOUNT):
        return "controller" if _CONTROLLER_ACCOUNT.match(user) else "serviceaccount"
    if user not in _HUMAN_AFTER_ALL and _COMPONENT.match(user):
        return "controller"
    return "human"


def _pod(request: Request, user: str) -> str:
    """Namespace and name of the pod whose token it was."""
    for extra in newest_first(request, "user", "extra"):
        value: Any = extra.get(POD_NAME) if isinstance(extra, dict) else None
        name = value[0] if isinstance(value, list) and value else value
        if isinstance(name, str) and name:
            parts = user.removeprefix(SERVICE_ACCOUNT).split(":")
            return f"{parts[0]}/{name}" if user.startswith(SERVICE_ACCOUNT) else name
    return ""


def _texts(request: Request, *path: str) -> tuple[str, ...]:
    for found in newest_first(request, *path):
        if isinstance(found, list):
            return tuple(item for item in found if isinstance(item, str))
    return ()
