"""Operators that are known to do what detections look for."""

from __future__ import annotations

import re
from typing import Final

from podhawk.detect.byhand import by_hand
from podhawk.detect.match import Match
from podhawk.detect.noise.declare import NoiseClass, each

KNOWN: Final = (
    (r"argocd:argocd-application-controller", "deploys whatever is in git"),
    (r"flux-system:(?:kustomize|helm|source|image-\w+)-controller", "deploys whatever is in git"),
    (r"cert-manager:cert-manager(?:-cainjector|-webhook)?", "reads and writes the secrets of certificates"),
    (r"external-secrets:external-secrets", "writes secrets"),
    (r"kube-system:sealed-secrets-controller", "writes secrets"),
    (r"velero:velero", "reads everything for backups"),
    (r"monitoring:(?:prometheus|kube-prometheus).*", "lists everything that it measures"),
    (r"kube-system:(?:cilium|calico-node|aws-node|metrics-server|coredns)(?:-\w+)?", "runs on every node"),
    (r"gatekeeper-system:gatekeeper-admin", "audits every object"),
    (r"kyverno:kyverno-\w[\w-]*", "audits every object"),
)
"""Service accounts (namespace:name) of widely used operators under their usual names, and what they do."""

_ACCOUNT: Final = re.compile("system:serviceaccount:(?:" + "|".join(account for account, _ in KNOWN) + r")\Z")


def _test(match: Match) -> bool:
    actor = match.finding.actor
    return _ACCOUNT.match(actor.user) is not None and not actor.effective_user and not by_hand(actor.user_agent)


OPERATORS: Final = NoiseClass(
    name="known-operators",
    doc="The service account of a widely used operator under its usual name, not used by hand. Lowered only: whoever "
        "can make such an account can hide behind its name.",
    action="lower",
    members=each(_test))
