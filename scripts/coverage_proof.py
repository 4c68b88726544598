"""Writes docs/coverage-proof.md: which request proves which detection, and what other rules see on the same logs.

    python scripts/coverage_proof.py SHARED

SHARED is the folder with the labelled logs (`audit/corpus`) and the content of others (`content`). A test compares the
page with what this gives, where the folder is there.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from podhawk import api
from podhawk.content import annotations, load_content, shipped_pack
from podhawk.content.model import Content

PAGE = Path(__file__).parent.parent / "docs" / "coverage-proof.md"
LOGS = {
    "A": ("A-metadata", "level Metadata, 105 attack actions"),
    "C": ("C-requestresponse", "level RequestResponse, the same actions"),
    "H": ("H-evasions", "RequestResponse, 260 actions of attackers who hide"),
}
OTHERS = {"Falco": "falco", "Sigma": "sigma", "published": "splunk"}
ANYBODY = "Disallowed K8s User"
"""Falco's rule that reports each request of everybody who is not on a list. It is left out."""
REASONS = {
    "secrets-list-table": "a list of secrets in a namespace of the user's own, as `kubectl get secrets` makes it",
    "scale": "ordinary by itself: deployments are scaled all day",
    "ns-create": "ordinary by itself",
    "delete-pod": "ordinary by itself: a pod of a workload is made anew",
    "del-pod-force": "ordinary by itself: a pod of a workload is made anew",
    "audit-id-odd": "an ordinary request with a chosen audit id, which podhawk does not trust anyway",
    "cm-creds": "what is in a configmap is not logged at level Metadata",
    "api-discovery": "every client does it",
    "pod-token": "a mounted token is part of almost every pod",
    "pod-secretvol": "a mounted secret is part of many pods",
    "job-gen": "a job with an ordinary pod",
    "ssa-yaml-pod": "the request left no event in the log",
    "ssa-yaml-crb": "the request left no event in the log",
}
UNSEEN = (
    (
        "Exploited application (T1190, T1203)",
        "The request goes to the application, not to the API server.",
        "logs of the ingress",
    ),
    (
        "What is typed in a shell (T1059)",
        "exec and attach are one request with the first command; the stream that follows is not logged.",
        "process events of the node",
    ),
    (
        "Processes in a container (T1496, T1046)",
        "A miner and a port scan make no request.",
        "process and network events",
    ),
    (
        "Tokens and secrets read from files (T1552.001)",
        "A mounted token is read without a request; its use from elsewhere is one, and is seen.",
        "file events of the node",
    ),
    ("Cloud metadata (T1552.005)", "169.254.169.254 belongs to the cloud.", "audit log of the cloud; network events"),
    (
        "Kubelet and container runtime, asked directly (T1609, T1613)",
        "Port 10250 and the runtime's socket are beside the API server; only what the kubelet asks of it is logged.",
        "log of the kubelet",
    ),
    ("etcd, asked directly (T1552, T1565)", "It is behind the API server.", "log of etcd; network events"),
    (
        "Static pods (T1543)",
        "The file lies on the node. The mirror pod that the kubelet reports is seen.",
        "file events of the node",
    ),
    (
        "Escape to the node (T1611)",
        "The pod that makes it possible is seen; what is done on the node is not.",
        "node events",
    ),
    ("Images poisoned in a registry (T1525)", "The reference stays the same.", "log of the registry; signatures"),
    ("Network attacks between pods (T1557, T1498)", "ARP, DNS and floods make no request.", "network events"),
    ("Logs removed from a node (T1070)", "It happens on the node. Deleted events are seen.", "a log kept elsewhere"),
    (
        "Requests that the audit policy leaves out",
        "Nothing is written. `podhawk explain` and the judgements of `run` say what a detection could not see.",
        "the policy",
    ),
)


class Proof(NamedTuple):
    """A request that proves a detection: the log, the action of the attack, and the request itself."""

    log: str
    action: Mapping[str, Any]
    request: Any


def ids_of(action: Mapping[str, Any]) -> set[str]:
    """The audit ids of an action's requests, and of the pods that controllers made because of it."""
    found = {
        one["audit_id"] for one in (*action["key_requests"], *action.get("controller_pods", ())) if one.get("audit_id")
    }
    return found | set(action.get("observed_audit_ids", ())) | set(action.get("audit_ids", ()))


def fired(content: Content, log: Path) -> dict[str, dict[str, Any]]:
    """The requests in the findings of each detection, by audit id."""
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for one in api.run(content, log):
        if one.kind != "incident" and one.detection.name != ANYBODY:
            for request in one.requests:
                found[one.detection.name].setdefault(request.audit_id, request)
    return found


def page(shared: Path) -> str:
    """The text of the page."""
    pack = load_content([shipped_pack()])
    others = {name: load_content([shared / "content" / folder]) for name, folder in OTHERS.items()}
    actions: dict[str, list[dict[str, Any]]] = {}
    seen: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for log, (stem, _) in LOGS.items():
        truth = json.loads((shared / "audit" / "corpus" / f"{stem}.truth.json").read_text(encoding="utf-8"))
        actions[log] = [one for one in truth["actions"] if one["attack"] and one.get("executed", True) and ids_of(one)]
        path = shared / "audit" / "corpus" / f"{stem}.log.gz"
        seen[log] = {name: fired(content, path) for name, content in {"podhawk": pack, **others}.items()}
    lines = [*_head(), *_totals(actions, seen), *_proofs(pack, actions, seen), *_missed(actions, seen), *_unseen()]
    return "\n".join(lines) + "\n"


def _head() -> Iterator[str]:
    yield "# Proof of coverage"
    yield ""
    yield (
        "This page is generated: `python scripts/coverage_proof.py SHARED`, with the folder of labelled logs and of the"
    )
    yield (
        "content of others. A test compares it with the logs. Detections are those of "
        "the shipped pack, without a baseline"
    )
    yield "and without settings of a site."
    yield ""
    for log, (_, text) in LOGS.items():
        yield f"* Log **{log}**: {text}."


def _totals(actions: Mapping[str, Sequence[Any]], seen: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Attack actions with a finding", "")
    names = ["podhawk", *OTHERS]
    yield f"| log | actions | {' | '.join(names)} |"
    yield f"|---|---|{'---|' * len(names)}"
    for log, own in actions.items():
        counts = [sum(bool(ids_of(one) & _all(seen[log][name])) for one in own) for name in names]
        yield f"| {log} | {len(own)} | {' | '.join(map(str, counts))} |"
    yield ""
    yield "Hidden findings count too, for all four."
    yield f"Falco's default rules are counted without *{ANYBODY}*, which reports each request of everybody."
    yield "*Published* is Splunk's security content for the audit log."


def _all(found: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {id_ for own in found.values() for id_ in own}


def _proofs(pack: Content, actions: Mapping[str, Sequence[Any]], seen: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Technique, detection, request", "")
    yield (
        "The request is one of an attack in the first of the logs where the detection "
        "has one. The last columns name the"
    )
    yield (
        "rules of others that have an alert for the same action on the same log; a "
        "detection without a request is proven"
    )
    yield "by the tests that it brings."
    yield ""
    yield "| technique | detection | log | request that proves it | Falco | Sigma | published |"
    yield "|---|---|---|---|---|---|---|"
    rows = []
    for one in pack.detections:
        proof = _proof(one.name, actions, seen)
        for id_ in one.mitre_attack_id or ("",):
            technique = f"{id_} {annotations.technique(id_).name}" if id_ else "–"
            rows.append((technique, one.name, proof))
    for technique, name, proof in sorted(rows, key=lambda row: row[:2]):
        if proof is None:
            yield f"| {technique} | {name} | – | tests of the detection | | | |"
            continue
        same = [_names(seen[proof.log][other], ids_of(proof.action)) for other in OTHERS]
        shown, user = f"{proof.request.verb} {_short(proof.request.uri)}", proof.request.user or "(nobody)"
        request = f"`{shown}` by `{user}` ({proof.action['id']})"
        yield f"| {technique} | {name} | {proof.log} | {request} | {' | '.join(same)} |"


def _proof(name: str, actions: Mapping[str, Sequence[Any]], seen: Mapping[str, Any]) -> Proof | None:
    for log, own in actions.items():
        found = seen[log]["podhawk"].get(name, {})
        for action in own:
            ids = sorted(ids_of(action) & found.keys(), key=lambda id_: (found[id_].received, id_))
            if ids:
                return Proof(log, action, found[ids[0]])
    return None


def _short(uri: str) -> str:
    path = uri.split("?")[0].replace("|", "%7C").replace("`", "%60")
    return path if len(path) <= 90 else path[:89] + "…"


def _names(found: Mapping[str, Mapping[str, Any]], ids: set[str]) -> str:
    names = sorted(name for name, own in found.items() if ids & own.keys())
    return "; ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "") or "–"


def _missed(actions: Mapping[str, Sequence[Any]], seen: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Actions without a finding", "")
    yield "| log | action | technique | why | others |"
    yield "|---|---|---|---|---|"
    for log, own in actions.items():
        for one in own:
            if not ids_of(one) & _all(seen[log]["podhawk"]):
                others = [name for name in OTHERS if ids_of(one) & _all(seen[log][name])]
                reason = REASONS.get(one["id"], "ordinary by itself")
                title = f"{one.get('title') or one['id']} ({one['id']})".replace("|", "/")
                cells = (log, title, one["technique"] or "–", reason, ", ".join(others) or "–")
                yield f"| {' | '.join(cells)} |"


def _unseen() -> Iterator[str]:
    yield from ("", "## What an audit log cannot show", "")
    yield "| technique | why | what shows it |"
    yield "|---|---|---|"
    for technique, why, instead in UNSEEN:
        yield f"| {technique} | {why} | {instead} |"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {Path(__file__).name} SHARED")
    PAGE.write_text(page(Path(sys.argv[1])), encoding="utf-8")
