"""The components of a cluster: by which names they are known, and what shows that somebody else uses their credential.

A name proves a component only if nobody else can have it. So names are exact, those of a provider count only in the
provider's own logs, and the groups must be those that the API server gives to such a user. A name and groups can still
be stolen together with the credential. What the API server itself says of the request contradicts a thief: the id of
the token against the request that issued it, a certificate where the component has a token, and the address against the
one from which the component asks for its tokens. Who calls itself what (the user agent) proves nothing.

Sources: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/ and
https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, field

from podhawk.detect.requests.credentials import credential_of, issued_by
from podhawk.detect.requests.networks import inside
from podhawk.detect.requests.request import Request, RequestKey, known_of, member, newest_first
from podhawk.lazy import lazy_pattern

SERVICE_ACCOUNT: Final = "system:serviceaccount:"
NODE: Final = "system:node:"
MANAGER: Final = "system:kube-controller-manager"
MASTERS: Final = "system:masters"

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

_CLOUD: Final = frozenset({"node-controller", "route-controller", "service-controller"})
"""Controllers that also run in the cloud controller manager, which is elsewhere and issues its own tokens."""
_CLOUD_MANAGERS: Final = frozenset(
    {"system:cloud-controller-manager", f"{SERVICE_ACCOUNT}kube-system:cloud-controller-manager"}
)

COMPONENTS: Final = frozenset(
    {"system:apiserver", MANAGER, "system:kube-scheduler", "system:kube-proxy", "system:cloud-controller-manager"}
)
"""Components that log in with a certificate."""

_PROVIDERS: Final[Mapping[str, re.Pattern[str]]] = {
    "eks": lazy_pattern(r"eks:[a-z0-9-]+\Z"),
    "aks": lazy_pattern(r"(?:aksService|acsService|aksProblemDetector)\Z"),
    "gke": lazy_pattern(
        r"system:(?:addon-manager|clustermetrics|cluster-autoscaler|gcp-controller-manager|gke-common-webhooks|"
        r"gke-controller-manager|gke-master-healthcheck|glbc|konnectivity-server|kubestore-collector|l7-lb-controller|"
        r"managed-certificate-controller|node-problem-detector|pod-autoscaler|storageversionmigrator|"
        r"vpa-recommender)\Z"
    ),
    "openshift": lazy_pattern(rf"{SERVICE_ACCOUNT}openshift-infra:[a-z0-9-]+-controller\Z"),
}
"""Names that a provider reserves for its own components. On any other cluster everybody may have them."""
_FORMATS: Final[Mapping[str, str]] = {
    "cloudwatch": "eks",
    "cloudwatch-export": "eks",
    "aks": "aks",
    "gke": "gke",
    "bigquery": "gke",
    "pubsub": "gke",
    "openshift": "openshift",
}
_AUTHENTICATOR: Final = "aws-iam-authenticator:"

_MAKERS: Final = frozenset(
    f"{SERVICE_ACCOUNT}kube-system:{name}"
    for name in (
        "replicaset-controller",
        "daemon-set-controller",
        "statefulset-controller",
        "job-controller",
        "replication-controller",
    )
)
"""Controllers that make pods, always for an owner that the pod names."""
OWNER_MAKERS: Final = (
    f"{SERVICE_ACCOUNT}kube-system:deployment-controller",
    f"{SERVICE_ACCOUNT}kube-system:cronjob-controller",
)
"""Controllers whose changes of owners show from where the controller manager works."""
_LOOPBACK: Final = frozenset({"", "::1", "127.0.0.1"})
_CERTIFICATE: Final = "X509SHA256="


def is_component(user: str, groups: tuple[str, ...], request: Request) -> bool:
    """Whether a user has the exact name of a component, and groups that do not speak against it."""
    name = user.removeprefix(f"{SERVICE_ACCOUNT}kube-system:")
    if name != user and name in CONTROLLERS:
        return not groups or f"{SERVICE_ACCOUNT[:-1]}s:kube-system" in groups
    if user in COMPONENTS:
        return MASTERS not in groups or user == "system:apiserver"
    pattern = _PROVIDERS.get(_provider(request))
    return pattern is not None and pattern.match(user) is not None


def is_node(user: str, groups: tuple[str, ...]) -> bool:
    """Whether a user has the name and the groups of a kubelet, or of a machine that joins."""
    if user.startswith(NODE):
        return not groups or ("system:nodes" in groups and MASTERS not in groups)
    return user.startswith("system:bootstrap:") and (not groups or "system:bootstrappers" in groups)


def _provider(request: Request) -> str:
    """Whose cluster the event is from, as far as its carrier or the provider's log-in webhook tells."""
    known = _FORMATS.get(request.last.format, "")
    if not known and member(request.last.view.data, "user", "uid").startswith(_AUTHENTICATOR):
        return "eks"
    return known


class Credentials(Struct, frozen=True):
    """What requests for tokens show, for each cluster: who issued each token, from which addresses the controller
    manager asks for the tokens of its controllers, and from which each node asks for those of its pods."""

    issuers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    homes: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def issuer(self, request: Request) -> str:
        """Who issued the token of a request; "" where the log does not show it."""
        id_ = credential_of(request)
        return self.issuers.get((request.key.cluster, id_), "") if id_ else ""

    def contradiction(self, request: Request, address: str) -> str:
        """What shows that a component's credential is used by somebody else, in words; "" where nothing does."""
        user = request.key.user
        if user.startswith(f"{SERVICE_ACCOUNT}kube-system:"):
            return self._of_controller(request, user, address)
        if user.startswith(SERVICE_ACCOUNT):
            return _of_certificate(request)
        if user == "system:apiserver":
            return "" if address in _LOOPBACK else f"the API server does not use {address} to reach itself"
        return self._of_address(request.key.cluster, user, address)

    def _of_controller(self, request: Request, user: str, address: str) -> str:
        if why := _of_certificate(request):
            return why
        issuer, cloud = self.issuer(request), user.rsplit(":", 1)[-1] in _CLOUD
        if issuer and issuer != MANAGER and not (cloud and issuer in _CLOUD_MANAGERS):
            return f"its token was issued to {issuer}"
        if user in _MAKERS and _creates_pod(request):
            if "fieldManager=" in request.key.uri:
                return "a pod with a field manager, which this controller never creates"
            if _made_for_nobody(request):
                return "a pod without an owner, which this controller never creates"
        return "" if cloud else self._of_address(request.key.cluster, MANAGER, address)

    def _of_address(self, cluster: str, user: str, address: str) -> str:
        known = self.homes.get((cluster, user), frozenset())
        if not known or not address or address in known:
            return ""
        return f"used from {address}, not from {', '.join(sorted(known))}"


def _of_certificate(request: Request) -> str:
    return "a certificate with the name of a service account" if certified(credential_of(request)) else ""


def certified(credential: str) -> bool:
    """Whether the id of a credential is that of a certificate."""
    return credential.startswith(_CERTIFICATE)


def _creates_pod(request: Request) -> bool:
    data = request.last.view.data
    resource, part = member(data, "objectRef", "resource"), member(data, "objectRef", "subresource")
    return (member(data, "verb"), resource, part) == ("create", "pods", "")


def _made_for_nobody(request: Request) -> bool:
    """Whether a pod has no controlling owner, as far as the log has its body."""
    body = next((body for body in newest_first(request, "requestObject") if isinstance(body, dict)), None)
    if body is None or not isinstance(body.get("spec"), dict):
        return False
    metadata = body.get("metadata")
    references = metadata.get("ownerReferences") if isinstance(metadata, dict) else None
    known = [one for one in references if isinstance(one, dict)] if isinstance(references, list) else []
    return not any(one.get("controller") is True for one in known)


class Issue(Struct, frozen=True):
    """A token that a request issued: its id, who asked for it, and from where."""

    id: str
    issuer: str
    address: str


def issue_of(request: Request) -> Issue | None:
    """The token that a request issued, if it did."""
    found = issued_by(request)
    return Issue(*found, address_of(request)) if found is not None else None


def shows_home(request: Request, issue: Issue | None) -> tuple[str, str] | None:
    """The component that a request shows at work, and its address: an issuer of tokens, or the controller manager that
    changes owners; None if it shows none."""
    if issue is not None:
        own = issue.issuer == request.key.user and (issue.issuer == MANAGER or issue.issuer.startswith(NODE))
        return (issue.issuer, issue.address) if own and issue.address else None
    if request.key.user in OWNER_MAKERS and not certified(credential_of(request)):
        return MANAGER, address_of(request)
    return None


Homes = Mapping[tuple[str, str], frozenset[str]]


def homes_of(issuing: Mapping[tuple[str, str], Iterable[str]], working: Mapping[str, Iterable[str]]) -> Homes:
    """The addresses of components by cluster and name: those from which they ask for tokens.

    Where the log shows no request of the controller manager for a token, its controllers' changes of owners (`working`,
    by cluster) show from where it works: from loopback, if any of them comes from there, else from networks of the
    site.
    """
    homes = {key: frozenset(addresses) for key, addresses in issuing.items()}
    for cluster, found in working.items():
        addresses = frozenset(found)
        near = frozenset(one for one in addresses if one and one in _LOOPBACK) or frozenset(filter(inside, addresses))
        if near:
            homes.setdefault((cluster, MANAGER), near)
    return homes


def credentials(requests: Iterable[Request]) -> Credentials:
    """What the requests for tokens among these requests show. Of several who issued a token the last counts."""
    known: list[tuple[float, RequestKey, Issue]] = []
    issuing: dict[tuple[str, str], set[str]] = {}
    working: dict[str, set[str]] = {}
    for request in requests:
        issue, shown = _shown_by(request)
        if issue is not None:
            known.append((request.last.time or 0.0, request.key, issue))
        if shown is None:
            continue
        component, address = shown
        if issue is None:
            working.setdefault(request.key.cluster, set()).add(address)
        else:
            issuing.setdefault((request.key.cluster, component), set()).add(address)
    known.sort(key=lambda one: one[:2])
    return Credentials({(key.cluster, one.id): one.issuer for _, key, one in known}, homes_of(issuing, working))


def _shown_by(request: Request) -> tuple[Issue | None, tuple[str, str] | None]:
    """The token that a request issued, and the component that it shows at work."""
    alike = known_of(request)
    known: tuple[Issue | None, tuple[str, str] | None] | None = None if alike is None else alike.get(shows_home)
    if known is None:
        issue = issue_of(request)
        known = issue, shows_home(request, issue)
        if alike is not None:
            alike[shows_home] = known
    return known


def address_of(request: Request) -> str:
    """The last source address: the others are the client's word."""
    listed = next((value for value in newest_first(request, "sourceIPs") if isinstance(value, list) and value), [""])
    return listed[-1] if isinstance(listed[-1], str) else ""
