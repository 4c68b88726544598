"""The rule of visibility, in one table: what may lower or hide a finding, and on what evidence.

A value that the requester chooses may raise a finding. It never hides one, and never lowers it below the bar. Each
noise class, macro of the shipped pack, kind of actor, factor of the priority and factor of the risk states here what it
rests on. `unfounded` names those that lower although nothing but the requester's word stands behind them; there must be
none.

What a site writes into its settings, overrides and exceptions is evidence of its own: `site`. docs/visibility.md
explains each line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct

Evidence = Literal["certificate", "group", "credential", "address", "server", "site", "requester"]
"""What a decision rests on.

`certificate`: an exact name that only a component's certificate has · `group`: a group that the API server gives, or
that nobody can be given by a request · `credential`: the kind of credential, its issue, or the possession of it ·
`address`: the last source address, which the API server sees itself · `server`: what the API server answered, noted or
understood · `site`: what a person of the site has declared · `requester`: what the client chose, and nothing else.
"""
RuleKind = Literal["noise", "macro", "actor", "priority", "risk"]
RuleEffect = Literal["lowers", "raises", "selects", "tags"]
"""`lowers` includes hiding and leaving out; `selects` is a condition of what a search is about."""


class Ground(Struct, frozen=True):
    """One rule: what it does to findings, on what evidence, and why that is enough."""

    kind: RuleKind
    name: str
    effect: RuleEffect
    evidence: tuple[Evidence, ...]
    why: str


GROUNDS: Final[tuple[Ground, ...]] = (
    Ground("noise", "subresource", "lowers", ("server",), "the API server's own reading of the URI"),
    Ground("noise", "stages", "tags", ("server",), "the number of stages that were logged"),
    Ground("noise", "dry-run", "lowers", ("server",), "the parameter or the body as the API server parses them"),
    Ground("noise", "denied", "tags", ("server",), "the status code"),
    Ground(
        "noise",
        "controller-made",
        "lowers",
        ("certificate", "group", "credential", "address"),
        "the actor is a component, and no person is known or possible as the owner",
    ),
    Ground("noise", "controller-repeats", "lowers", ("credential", "server"), "the same cause was shown before"),
    Ground(
        "noise", "template-reported", "lowers", ("credential", "server"), "the template's author is shown, for certain"
    ),
    Ground(
        "noise",
        "habit",
        "lowers",
        ("credential", "address", "server"),
        "the same was done to the same object from the same address with the same result",
    ),
    Ground("noise", "ordinary-work", "tags", ("address", "server"), "see the factor ordinary-work"),
    Ground(
        "noise",
        "baseline",
        "lowers",
        ("site", "credential", "address", "server"),
        "a person of the site has committed it: the same identity, address, request and result",
    ),
    Ground("noise", "outside-baseline", "tags", ("site",), "no habit of the committed baseline"),
    Ground("noise", "probes", "lowers", ("server", "credential"), "paths and leases that hold nothing of value"),
    Ground("noise", "loopback", "lowers", ("certificate", "address"), "the API server reaches itself by loopback only"),
    Ground("noise", "known-operators", "tags", ("requester",), "everybody who may create accounts can take the name"),
    Ground("macro", "kube_audit", "selects", ("site",), "the index or source of the audit log"),
    Ground("macro", "kube_declared_components", "selects", ("site",), "the components that the site has declared"),
    Ground("macro", "kube_allowed_images", "lowers", ("site",), "registries that the site trusts"),
    Ground("macro", "kube_allowed_secret_groups", "lowers", ("group", "site"), "groups that the site trusts"),
    Ground("macro", "kube_allowed_secret_users", "lowers", ("group", "credential"), "service accounts with a token"),
    Ground("macro", "kube_service_account", "lowers", ("group", "credential"), "the groups and the uid of a token"),
    Ground(
        "macro", "kube_control_plane", "lowers", ("certificate", "group", "credential"), "exact names with their groups"
    ),
    Ground("macro", "kube_health_endpoints", "lowers", ("server",), "paths that are open to everybody"),
    Ground("macro", "kube_not_dry_run", "lowers", ("server",), "the parameter as the API server parses it"),
    Ground("macro", "kube_answered", "selects", ("server",), "the stage"),
    Ground("macro", "kube_succeeded", "selects", ("server",), "the status code"),
    Ground("macro", "kube_created", "selects", ("server",), "the verb and the status code"),
    Ground("macro", "kube_request_rows", "selects", ("server",), "one row per request"),
    Ground("macro", "kube_secret_read", "selects", ("server",), "the verb and the resource"),
    Ground("macro", "kube_workloads", "selects", ("server",), "the resource"),
    Ground("macro", "kube_generic_clients", "raises", ("requester",), "a user agent that stands out"),
    Ground("macro", "kube_privileged", "selects", ("server",), "the body that the API server took"),
    Ground("macro", "kube_privileged_change", "selects", ("server",), "what an operation of a patch puts in"),
    Ground("macro", "kube_host_namespaces", "selects", ("server",), "the body that the API server took"),
    Ground("macro", "kube_host_namespaces_change", "selects", ("server",), "what an operation of a patch puts in"),
    Ground("macro", "kube_node_port", "selects", ("server",), "the body that the API server took"),
    Ground("macro", "kube_node_port_change", "selects", ("server",), "what an operation of a patch puts in"),
    Ground("macro", "kube_pod_body", "selects", ("server",), "the body that the API server took"),
    Ground("macro", "kube_volume_body", "selects", ("server",), "the body that the API server took"),
    Ground("macro", "kube_command_body", "selects", ("server",), "the body that the API server took"),
    Ground("macro", "kube_needs_body", "selects", ("server",), "that the API server logged a body"),
    Ground("macro", "kube_power_request", "selects", ("server",), "what was asked of which resource"),
    Ground("macro", "kube_body", "selects", ("server",), "the body that the API server took"),
    Ground("macro", "kube_patch_operations", "selects", ("server",), "the operations of a patch, each by itself"),
    Ground(
        "actor",
        "controller",
        "lowers",
        ("certificate", "group", "credential", "address"),
        "an exact name with its groups, if neither token, address nor behaviour contradict it",
    ),
    Ground(
        "actor", "node", "lowers", ("certificate", "group", "address"), "name and group of a kubelet, at its address"
    ),
    Ground("actor", "serviceaccount", "selects", ("credential",), "the name of an account"),
    Ground("actor", "human", "raises", ("requester",), "every other name"),
    Ground("actor", "anonymous", "raises", ("server",), "no credential at all"),
    Ground("actor", "unauthenticated", "raises", ("server",), "a credential that was refused"),
    Ground("actor", "unknown", "selects", ("server",), "the log does not say"),
    Ground("priority", "succeeded", "raises", ("server",), "the status code"),
    Ground("priority", "denied", "lowers", ("server",), "the status code"),
    Ground("priority", "failed", "lowers", ("server",), "the status code"),
    Ground("priority", "dry-run", "lowers", ("server",), "the parameter or the body as the API server parses them"),
    Ground("priority", "person", "raises", ("requester",), "the kind of actor"),
    Ground("priority", "anonymous", "raises", ("server",), "the kind of actor"),
    Ground("priority", "unauthenticated", "raises", ("server",), "the kind of actor"),
    Ground("priority", "impersonating", "raises", ("server",), "the user in whose name the request was made"),
    Ground("priority", "token-by-hand", "raises", ("requester",), "a user agent of an interactive client"),
    Ground("priority", "borrowed", "raises", ("credential", "address"), "a component's credential in other hands"),
    Ground(
        "priority",
        "own-namespace",
        "lowers",
        ("credential",),
        "the token of an account in its own namespace, which is none of the system's",
    ),
    Ground("priority", "administrator", "lowers", ("group", "address"), "system:masters, from a network of the site"),
    Ground(
        "priority",
        "ordinary-work",
        "lowers",
        ("address", "server"),
        "from a network of the site, and a body without power where a workload is written",
    ),
    Ground("priority", "outside", "raises", ("address",), "an address outside the networks of the site"),
    Ground(
        "priority", "machinery", "lowers", ("certificate", "group", "credential", "address"), "the actor is a component"
    ),
    Ground("priority", "controller", "raises", ("server",), "the owner of what a controller made is known"),
    Ground("priority", "first-time", "raises", ("server",), "no earlier match like this one"),
    Ground("priority", "outside-baseline", "raises", ("site",), "no habit of the committed baseline"),
    Ground("priority", "namespace", "raises", ("server",), "a namespace of the system"),
    Ground("priority", "privileged", "raises", ("server",), "what the body asks for"),
    Ground(
        "priority", "lowered", "lowers", ("server", "site"), "a noise class lowers it, on the evidence of that class"
    ),
    Ground("risk", "failed", "lowers", ("server",), "the status code"),
    Ground("risk", "dry-run", "lowers", ("server",), "the parameter or the body as the API server parses them"),
    Ground(
        "risk", "machinery", "lowers", ("certificate", "group", "credential", "address"), "the actor is a component"
    ),
    Ground("risk", "workload-at-home", "lowers", ("credential",), "as the factor own-namespace"),
    Ground(
        "risk",
        "routine",
        "lowers",
        ("credential", "server"),
        "what workloads do all day, with a low score that nothing raised",
    ),
    Ground("risk", "administrator", "lowers", ("group",), "system:masters, which no request can hand out"),
)


def unfounded(grounds: Iterable[Ground]) -> list[str]:
    """The names of the rules that lower on the requester's word alone, or on nothing."""
    return [
        f"{one.kind} {one.name}" for one in grounds if one.effect == "lowers" and set(one.evidence) <= {"requester"}
    ]
