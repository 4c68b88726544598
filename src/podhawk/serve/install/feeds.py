"""Which detections of the shipped pack the audit policy of a provider can feed.

This is tried, not looked up: the pack has an attack for each detection, as an API server logs it that logs everything.
What the policy of the provider leaves out is taken away, and the detections run over the rest.

Sources: https://docs.aws.amazon.com/eks/latest/best-practices/auditing-and-logging.html (EKS),
https://cloud.google.com/kubernetes-engine/docs/concepts/audit-policy (GKE),
https://learn.microsoft.com/azure/aks/monitor-aks-reference (AKS)
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

_BODIES: Final = ("requestObject", "responseObject")
_METADATA: Final = frozenset(
    {("", "secrets"), ("", "configmaps"), ("", "serviceaccounts/token"), ("authentication.k8s.io", "tokenreviews")}
)
_READS: Final = frozenset({"get", "list", "watch"})
_PATHS: Final = ("/healthz", "/livez", "/readyz", "/version", "/swagger", "/openapi")


class ProviderPolicy(Struct, frozen=True):
    """What a provider logs. `reads`: whether get, list and watch are logged; `paths`: whether requests are that are for
    no resource. `how` is what to turn on for it."""

    name: str
    how: str
    reads: bool = True
    paths: bool = True


POLICIES: Final[Mapping[str, tuple[ProviderPolicy, ...]]] = {
    "eks": (ProviderPolicy("EKS", "the log type audit"),),
    "gke": (
        ProviderPolicy("GKE", "Admin Activity audit logs, which are always on", reads=False, paths=False),
        ProviderPolicy("GKE", "Data Access audit logs (DATA_READ) of container.googleapis.com", paths=False),
    ),
    "aks": (
        ProviderPolicy("AKS", "the category kube-audit-admin", reads=False),
        ProviderPolicy("AKS", "the category kube-audit"),
    ),
}


class Fed(Struct, frozen=True):
    """The names of the detections that found their attack, and of those that did not."""

    policy: ProviderPolicy
    fed: tuple[str, ...]
    blind: tuple[str, ...]


def logged(event: dict[str, Any], policy: ProviderPolicy) -> dict[str, Any] | None:
    """An event as the policy of a provider logs it; None if it does not."""
    about = event.get("objectRef") or {}
    resource = "/".join(part for part in (about.get("resource"), about.get("subresource")) if part)
    verb = event.get("verb")
    if not resource:
        path = str(event.get("requestURI", ""))
        return event if policy.paths and not path.startswith(_PATHS) else None
    if about.get("resource") == "events" or event.get("stage") == "RequestReceived":
        return None
    if verb in _READS and not about.get("subresource") and not policy.reads:
        return None
    if (about.get("apiGroup", ""), resource) in _METADATA:
        return {**{name: value for name, value in event.items() if name not in _BODIES}, "level": "Metadata"}
    if verb in _READS or verb == "deletecollection":
        return {name: value for name, value in event.items() if name != "responseObject"}
    return event


def fed_by(provider: str) -> list[Fed]:
    """Which detections each policy of a provider can feed, the policy that logs least first."""
    from podhawk.content.load import load_content, shipped_pack

    pack = shipped_pack()
    content = load_content(str(pack))
    names = {Path(one.file).stem: one.name for one in content.detections}
    attacks = sorted(one for one in (pack / "datasets" / "variants").iterdir() if one.name.split(".")[0] in names)
    everything = ProviderPolicy("", "")
    base = _found(content, attacks, names, everything, whole=True)
    found = []
    for policy in POLICIES[provider]:
        fed = _found(content, attacks, names, policy)
        found.append(Fed(policy, tuple(sorted(base & fed)), tuple(sorted(base - fed))))
    return found


def _found(
    content: Any, attacks: list[Path], names: Mapping[str, str], policy: ProviderPolicy, *, whole: bool = False
) -> set[str]:
    """The detections that find their own attack under a policy. Each attack is of a cluster of its own."""
    from podhawk import api

    with tempfile.TemporaryDirectory(prefix="podhawk-") as folder:
        for path in attacks:
            stem = path.name.split(".")[0]
            opened = gzip.open if path.suffix == ".gz" else open
            with opened(path, "rt", encoding="utf-8") as file:
                events = [json.loads(line) for line in file if line.strip()]
            kept = [one if whole else logged(one, policy) for one in events]
            target = Path(folder) / f"cluster={stem}"
            target.mkdir()
            lines = [json.dumps(one, separators=(",", ":")) + "\n" for one in kept if one is not None]
            (target / "audit.log").write_text("".join(lines), encoding="utf-8")
        return {one.detection.name for one in api.run(content, folder) if names.get(one.cluster) == one.detection.name}


def report(provider: str) -> str:
    """Which detections the policies can feed, as comments for people."""
    lines = []
    for one in fed_by(provider):
        total = len(one.fed) + len(one.blind)
        lines.append(
            f"# With {one.policy.how}, {len(one.fed)} of {total} shipped detections find the attack "
            "that they are tried with."
        )
        if one.blind:
            lines.append("# These do not, because this policy leaves out what they need:")
            lines += [f"#   {name}" for name in one.blind]
    return "\n".join(lines)
