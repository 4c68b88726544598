"""`podhawk init policy`: no request is logged at a lower level than before, and what is missing is there afterwards."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest
import yaml

from podhawk.errors import UsageError
from podhawk.serve.policy import LEVELS, WANTED, improved

GROUPS = ("", "apps", "rbac.authorization.k8s.io", "x")
RESOURCES = ("pods", "pods/exec", "secrets", "deployments", "roles", "serviceaccounts/token")
VERBS = ("create", "update", "patch", "get")
USERS = ("alice", "system:kube-proxy")
STAGES = ("RequestReceived", "ResponseComplete")
Seen = tuple[str, frozenset[str]]


def logged(rules: list[dict[str, Any]], group: str, resource: str, verb: str, user: str) -> Seen:
    """The level and stages at which the API server logs a request: those of the first rule that matches."""
    for rule in rules:
        if rule.get("users") and user not in rule["users"]:
            continue
        if rule.get("verbs") and verb not in rule["verbs"] and "*" not in rule["verbs"]:
            continue
        if rule.get("resources") and not any(_matches(one, group, resource) for one in rule["resources"]):
            continue
        omitted = frozenset(rule.get("omitStages") or ())
        return rule["level"], frozenset() if rule["level"] == "None" else frozenset(STAGES) - omitted
    return "None", frozenset()


def _matches(one: dict[str, Any], group: str, resource: str) -> bool:
    if one.get("group", "") != group:
        return False
    named = one.get("resources") or []
    main, _, sub = resource.partition("/")
    return not named or "*" in named or resource in named or bool(sub and (f"{main}/*" in named or f"*/{sub}" in named))


def patched(text: str) -> list[dict[str, Any]]:
    """The rules of a policy after the diff: the lines that it adds stand behind `rules:`."""
    diff = improved(text, "policy.yaml")
    assert not [line for line in diff.splitlines() if line.startswith("-") and not line.startswith("---")]
    added = [line[1:] for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    lines = text.splitlines()
    place = lines.index("rules:") + 1
    rules: list[dict[str, Any]] = yaml.safe_load("\n".join([*lines[:place], *added, *lines[place:]]))["rules"]
    return rules


def random_rule(random: Random) -> dict[str, Any]:
    rule: dict[str, Any] = {"level": random.choice(LEVELS)}
    if random.random() < 0.3:
        rule["users"] = [random.choice(USERS)]
    if random.random() < 0.4:
        rule["verbs"] = random.sample(VERBS, 2)
    if random.random() < 0.6:
        named = random.choice(([], ["*"], ["pods/*"], random.sample(RESOURCES, 2)))
        rule["resources"] = [{"group": random.choice(GROUPS), "resources": named}]
    if random.random() < 0.2:
        rule["omitStages"] = ["RequestReceived"]
    return rule


@pytest.mark.parametrize("seed", range(60))
def test_no_request_is_logged_less(seed: int) -> None:
    random = Random(seed)
    rules = [random_rule(random) for _ in range(random.randrange(1, 6))]
    text = yaml.safe_dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy"}) + "rules:\n" + yaml.safe_dump(rules)
    after = patched(text)
    for request in product(GROUPS, RESOURCES, VERBS, USERS):
        level, stages = logged(rules, *request)
        new_level, new_stages = logged(after, *request)
        assert LEVELS.index(new_level) >= LEVELS.index(level), request
        assert new_stages >= stages, request


def test_what_is_missing_is_there_afterwards_and_nothing_more_is_asked_for() -> None:
    text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n  - level: Metadata\n"
    after = patched(text)
    assert logged(after, "", "pods", "create", "alice")[0] == "Request"
    assert logged(after, "", "pods", "patch", "alice")[0] == "Metadata"
    assert logged(after, "", "secrets", "create", "alice")[0] == "Metadata"
    assert improved(yaml.safe_dump({"kind": "Policy"}) + "rules:\n" + yaml.safe_dump(after), "x") == ""
    assert {level for level, *_ in WANTED} == {"Metadata", "Request"}


@pytest.mark.parametrize("text", ["kind: Pod", "kind: Policy\nrules: []\n", "[", "kind: Policy\nrules: 5\n"])
def test_what_is_no_policy_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        improved(text, "x")
