"""An audit policy that shows detections what they need: rules in front of the given ones, never one that logs less.

The API server takes the first rule that matches. A rule in front can therefore lower what a later one would have
logged. So it has the highest level that any of the given rules has which decides about the same requests, and omits
only the stages that all of these omit.

Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy
"""

from __future__ import annotations

import difflib
from typing import Any, Final

import yaml

from podhawk.errors import Place, UsageError

LEVELS: Final = ("None", "Metadata", "Request", "RequestResponse")
_SECRET: Final = ("secrets", "serviceaccounts/token", "tokenreviews")
_WRITES: Final = ["create", "update"]
WANTED: Final[tuple[tuple[str, str, str, list[str]], ...]] = (
    ("Metadata", "", "secrets", []),
    ("Metadata", "", "serviceaccounts/token", []),
    ("Metadata", "authentication.k8s.io", "tokenreviews", []),
    ("Request", "", "pods", _WRITES),
    ("Request", "", "pods/ephemeralcontainers", _WRITES),
    ("Metadata", "", "pods/exec", []),
    ("Request", "apps", "deployments", _WRITES),
    ("Request", "apps", "daemonsets", _WRITES),
    ("Request", "apps", "statefulsets", _WRITES),
    ("Request", "batch", "jobs", _WRITES),
    ("Request", "batch", "cronjobs", _WRITES),
    ("Request", "rbac.authorization.k8s.io", "*", _WRITES),
    ("Request", "admissionregistration.k8s.io", "*", _WRITES),
)
"""Level, API group, resource and verbs of the rules that detections of the shipped pack want. Bodies of Secrets and
tokens are never asked for, nor those of patches: a server-side apply whose body is YAML cannot be encoded at level
Request, and costs the webhook its whole batch (kubernetes/kubernetes#139419)."""


def improved(text: str, name: str) -> str:
    """A diff from a policy to one with the rules that are missing; empty if none is. Raises UsageError for what is no
    audit policy."""
    try:
        policy = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"not valid YAML: {error}", place=Place(name)) from None
    if not isinstance(policy, dict) or policy.get("kind") != "Policy" or not isinstance(policy.get("rules"), list):
        raise UsageError("not an audit policy (kind: Policy, with rules)", place=Place(name))
    rules = [one for one in policy["rules"] if isinstance(one, dict)]
    added = [rule for want in WANTED if (rule := _missing(rules, *want)) is not None]
    if not added:
        return ""
    lines = text.splitlines(keepends=True)
    place = next((number for number, line in enumerate(lines) if line.rstrip() == "rules:"), None)
    if place is None:
        raise UsageError(
            "the rules do not begin on lines of their own", place=Place(name), remedy="Write rules: alone."
        )
    first = next((line for line in lines[place + 1 :] if line.lstrip().startswith("- ")), "- ")
    indent = first[: len(first) - len(first.lstrip())]
    written = [f"{indent}{line}\n" for one in added for line in _written(one).splitlines()]
    new = [*lines[: place + 1], f"{indent}# Added by podhawk init policy\n", *written, *lines[place + 1 :]]
    after = "".join(new).splitlines(keepends=True)
    return "".join(difflib.unified_diff(lines, after, name, name))


def _missing(rules: list[dict[str, Any]], level: str, group: str, resource: str, verbs: list[str]) -> Any:
    """A rule that makes these requests be logged at this level or at a higher one that any given rule has for some of
    them; None if they are."""
    deciding, certain = _deciding(rules, group, resource, verbs)
    levels = [str(one.get("level")) for one in deciding]
    if certain and min(map(_rank, levels)) >= _rank(level):
        return None
    highest = max([level, *levels], key=_rank)
    if level == "Metadata" and highest != level and resource in _SECRET:
        return None  # it would log what nobody should read
    rule: dict[str, Any] = {"level": highest}
    if verbs:
        rule["verbs"] = list(verbs)
    rule["resources"] = [{"group": group, "resources": [resource]}]
    stages = [set(one.get("omitStages") or ()) for one in deciding]
    omitted = set.intersection(*stages) if stages else set()
    if omitted:
        rule["omitStages"] = sorted(omitted)
    return rule


def _deciding(
    rules: list[dict[str, Any]], group: str, resource: str, verbs: list[str]
) -> tuple[list[dict[str, Any]], bool]:
    """The rules of which one decides how each of the requests is logged: up to the first that matches all of them. And
    whether there is such a one; without it, some may not be logged at all."""
    found = []
    for one in rules:
        if _meets(one, group, resource, verbs):
            found.append(one)
            if _covers(one, group, resource, verbs):
                return found, True
    return found, False


def _meets(rule: dict[str, Any], group: str, resource: str, verbs: list[str]) -> bool:
    """Whether a rule may match some of the requests."""
    if rule.get("nonResourceURLs") and not rule.get("resources"):
        return False
    named = rule.get("verbs") or []
    if named and verbs and not set(named) & {*verbs, "*"}:
        return False
    resources = rule.get("resources") or []
    return not resources or any(_names(one, group, resource, some=True) for one in resources)


def _covers(rule: dict[str, Any], group: str, resource: str, verbs: list[str]) -> bool:
    """Whether a rule certainly matches all of the requests."""
    if any(rule.get(name) for name in ("users", "userGroups", "namespaces", "nonResourceURLs")):
        return False
    named = rule.get("verbs") or []
    if named and "*" not in named and not (verbs and set(verbs) <= set(named)):
        return False
    resources = rule.get("resources") or []
    return not resources or any(
        _names(one, group, resource, some=False) and not one.get("resourceNames") for one in resources
    )


def _names(one: Any, group: str, resource: str, *, some: bool) -> bool:
    """Whether a member of `resources` names a resource, or with `some` a part of what `resource` stands for."""
    if not isinstance(one, dict) or one.get("group", "") not in (group, "*"):
        return False
    named = one.get("resources") or []
    if not named or "*" in named or resource in named:
        return True
    main, _, sub = resource.partition("/")
    if sub and (f"*/{sub}" in named or f"{main}/*" in named):
        return True
    return some and resource == "*"


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0


def _written(rule: dict[str, Any]) -> str:
    return str(yaml.safe_dump([rule], sort_keys=False, default_flow_style=None))
