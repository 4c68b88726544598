"""Operators that are known to do what detections look for."""

from __future__ import annotations

from typing import Final

from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass, each
from podhawk.detect.requests.user_agents import by_hand
from podhawk.lazy import lazy_pattern

KNOWN: Final = (
    (r"argocd:argocd-application-controller", "deploys whatever is in git"),
    (r"flux-system:(?:kustomize|helm|source|image-\w+)-controller", "deploys whatever is in git"),
    (r"cert-manager:cert-manager(?:-cainjector|-webhook)?", "reads and writes the secrets of certificates"),
    (r"external-secrets:external-secrets", "writes secrets"),
    (r"kube-system:sealed-secrets-controller", "writes secrets"),
    (r"velero:velero", "reads everything for backups"),
    (
        r"kube-system:(?:aws-load-balancer-controller|cluster-autoscaler|karpenter)|karpenter:karpenter",
        "changes nodes and load balancers",
    ),
    (
        r"(?:monitoring|kube-system|prometheus):(?:[\w-]+-)?(?:prometheus|kube-state-metrics)(?:-[\w-]+)?",
        "lists everything that it measures",
    ),
    (r"(?:ingress-nginx:ingress-nginx|traefik:traefik)", "reads the secrets of certificates"),
    (r"istio-system:istiod(?:-service-account)?", "reads and writes certificates"),
    (r"(?:longhorn-system:longhorn-service-account|rook-ceph:rook-ceph-system)", "makes privileged pods for storage"),
    (r"tekton-pipelines:tekton-pipelines-controller|gitlab-runner:gitlab-runner", "makes pods for builds"),
    (r"(?:cattle-system:rancher|crossplane-system:crossplane)", "administers the cluster"),
    (r"trivy-system:trivy-operator", "makes jobs that look into every image"),
    (r"kube-system:(?:cilium|calico-node|aws-node|metrics-server|coredns)(?:-\w+)?", "runs on every node"),
    (r"gatekeeper-system:gatekeeper-admin", "audits every object"),
    (r"kyverno:kyverno-\w[\w-]*", "audits every object"),
)
"""Service accounts (namespace:name) of widely used operators under their usual names, and what they do."""

_ACCOUNT: Final = lazy_pattern("system:serviceaccount:(?:" + "|".join(account for account, _ in KNOWN) + r")\Z")


def _test(match: Match) -> bool:
    actor = match.finding.actor
    return _ACCOUNT.match(actor.user) is not None and not actor.effective_user and not by_hand(actor.user_agent)


OPERATORS: Final = NoiseClass(
    name="known-operators",
    doc="The service account of a widely used operator under its default name, not used from an "
    "interactive client. By default only a tag, because anyone who can create such an account has "
    "its name. A site that runs these operators may lower the class.",
    action="tag",
    members=each(_test),
)
