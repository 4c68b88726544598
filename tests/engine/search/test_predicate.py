"""Generated predicates and the quick look give what the plain clauses give, on generated clauses and events."""

from __future__ import annotations

import json
import random

import pytest

from oracle.generate import clause as clause_text
from oracle.generate import event as event_text
from podhawk.commands.parse import parse_search
from podhawk.engine.search.precheck import Probe, Unsure, reader_of
from podhawk.engine.search.predicate import generate
from podhawk.events.decode import decode_json, decode_quickly
from podhawk.events.event import View
from podhawk.events.fields import fields_of, pick
from podhawk.functions.declare import Env
from podhawk.functions.predicates import compile_clause
from podhawk.rows import Row
from podhawk.spl.text import plain


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_generated_predicates_agree_with_closures(part: int) -> None:
    env = Env(now=1000.0)
    ran = 0
    for seed in range(part, 4000, 4):
        chance = random.Random(seed)
        clause = parse_search(plain(clause_text(chance))).stages[0].node.clause
        generated, closures = generate(clause, env), compile_clause(clause, env)
        for _ in range(4):
            text = event_text(chance)
            row = Row(fields_of(View(decode_json(text), text, "s", "t", "h", "i", {}, {})))
            row["_raw"] = text
            if "_time" in row:
                row["_time"] = float(str(row["_time"]))
            assert generated(row) is closures(row), (clause, text)
            ran += 1
    assert ran == 4000


def test_the_generated_text_holds_nothing_that_content_says() -> None:
    clause = parse_search(plain('a="__import__(\\"os\\")" b IN ("x") NOT c=*y*')).stages[0].node.clause
    predicate = generate(clause, Env())
    assert predicate(Row({"a": '__import__("os")', "b": "X"})) is True
    assert {name for name in predicate.__code__.co_names if not name.startswith("c")} <= {"get", "__class__", "str"}


NAMES = [
    "verb",
    "user.username",
    "user.groups{}",
    "sourceIPs{}",
    "objectRef.resource",
    "responseStatus.code",
    "annotations.authorization.k8s.io/decision",
    "requestObject.spec.type",
    "requestObject.spec.containers{}.image",
    "requestObject.metadata.annotations.kubectl.kubernetes.io/last-applied-configuration",
    "user.extra.a.b{}",
    "impersonatedUser.username",
    "level",
    "nope",
    "nope.x",
]


def audit_event(chance: random.Random) -> str:
    def some(*values: object) -> object:
        return chance.choice(values)

    made: dict[str, object] = {"auditID": "x", "verb": some("get", "create", "")}
    parts: dict[str, object] = {
        "user": some({"username": some("bob", 7, None), "groups": some([], ["a"], ["a", "b"], [1, None])}, "text", {}),
        "sourceIPs": some(["10.0.0.1"], ["a", "b"], "10.0.0.1,10.0.0.2", []),
        "objectRef": some({"resource": "pods"}, {"resource": ["odd"]}, {}),
        "responseStatus": some({"code": some(403, 0, 1.0, True)}, {"code": {}}),
        "annotations": some(
            {"authorization.k8s.io/decision": "allow"},
            {"authorization_k8s_io/decision": "allow"},
            {"authorization": {"k8s": {"io/decision": "x"}}},
        ),
        "requestObject": some(
            {"spec": {"type": "NodePort", "containers": [{"image": "a"}, {"image": 0}]}},
            {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}},
            {"spec.type": "dotted"},
            [{"op": "add"}],
        ),
        "level": some("Metadata", "Request"),
    }
    for name, value in parts.items():
        if chance.random() < 0.7:
            made[name] = value
    return json.dumps(made)


def test_the_quick_look_reads_what_the_long_way_reads_or_says_that_it_cannot() -> None:
    sure = 0
    for seed in range(3000):
        text = audit_event(random.Random(seed))
        expected = pick(View(decode_json(text), text, "", "", "", "", {}, {}), NAMES)
        probe = Probe({name: reader_of(name) for name in NAMES}, {})
        probe.data = decode_quickly(text.encode())
        for name in NAMES:
            try:
                found = probe.get(name)
            except Unsure:
                continue
            assert found == expected.get(name), (name, text)
            sure += 1
    assert sure > 30_000
