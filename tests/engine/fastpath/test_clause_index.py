"""No clause that an event satisfies is left unasked, and few others are asked."""

from __future__ import annotations

import random

import pytest

from podhawk.commands.parse import parse_search
from podhawk.engine.fastpath.clause_index import Index, equals
from podhawk.engine.fastpath.decoder import UNSET, value_of
from podhawk.engine.search.predicate import generate
from podhawk.functions.declare import Env
from podhawk.rows import Row
from podhawk.spl.clause import Clause
from podhawk.spl.text import plain

FIELDS = ("verb", "user.username", "objectRef.resource", "user.groups{}", "responseStatus.code")
TEXTS = ("get", "GET", "pods", "a*", "10.0.0.0/8", "10.1.2.3", "403", "", "\u212a", "k", "null")
RAW = (*TEXTS, 403, None, UNSET, (), ("pods",), ("get", "pods"))


def clause_of(text: str) -> Clause:
    clause: Clause = parse_search(plain(text)).stages[0].node.clause
    return clause


def some(chance: random.Random, depth: int = 2) -> str:
    kind = chance.random()
    if depth and kind < 0.5:
        parts = [some(chance, depth - 1) for _ in range(chance.randint(2, 3))]
        return "(" + chance.choice([" ", " OR ", " AND "]).join(parts) + ")"
    if kind < 0.6:
        return f"NOT {some(chance, 0)}"
    name = chance.choice(FIELDS)
    if kind < 0.75:
        return f"{name} IN ({', '.join(f'{chance.choice(TEXTS)!r}'.replace(chr(39), chr(34)) for _ in range(2))})"
    return f'{name}{chance.choice(["=", "=", "=", "!=", ">"])}"{chance.choice(TEXTS)}"'


def test_no_clause_that_holds_is_left_unasked() -> None:
    left_out = 0
    for seed in range(60):
        chance = random.Random(f"index {seed}")
        clauses = [clause_of(some(chance)) for _ in range(20)]
        tests = [generate(clause, Env()) for clause in clauses]
        index = Index(list(map(equals, clauses)))
        for _ in range(60):
            values = {name: chance.choice(RAW) for name in FIELDS}
            row = Row({name: value for name, raw in values.items() if (value := value_of(raw)) is not None})
            asked = list(index.of(values))
            assert len(asked) == len(set(asked))
            assert {number for number, test in enumerate(tests) if test(row)} <= set(asked)
            left_out += len(clauses) - len(asked)
    assert left_out > 10_000


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("verb=get objectRef.resource=Pods", [("verb", {"get"}), ("objectRef.resource", {"pods"})]),
        ("verb=get OR verb IN (list, watch)", [("verb", {"get", "list", "watch"})]),
        ("verb=get OR user.username=bob", []),
        ("verb=g*", []),
        ("sourceIPs{}=10.0.0.0/8", []),
        ("NOT verb=get", []),
        ("verb!=get", []),
        ("source=kubernetes", []),
        ("requestObject.kind=Pod", []),
        ("word", []),
        ("(verb=get OR verb=list) user.username=bob word", [("verb", {"get", "list"}), ("user.username", {"bob"})]),
    ],
)
def test_what_must_equal_something(search: str, found: list[tuple[str, set[str]]]) -> None:
    assert [(name, set(texts)) for name, texts in equals(clause_of(search))] == found
