"""What a line must contain before a clause can match it."""

from __future__ import annotations

import pytest

from podhawk.commands.parse import parse_search
from podhawk.engine.prefilter.literals import LONGEST, groups_of
from podhawk.spl.text import plain


def shown(search: str) -> list[list[str]]:
    clause = parse_search(plain(search)).stages[0].node.clause
    return [
        sorted(f"{'<' * one.opens}{one.text}{'>' * one.closes}{':' * one.key}" for one in group)
        for group in groups_of(clause)
    ]


@pytest.mark.parametrize(
    ("search", "groups"),
    [
        ("verb=create", [["<create>"], ["verb:"]]),
        ("verb=create resource=pods", [["<create>"], ["verb:"], ["<pods>"], ["resource:"]]),
        ("verb=create OR verb=update x=pods", [["<create>", "<update>"], ["verb:"], ["<pods>"]]),
        ('ns IN ("default", "kube-system")', [["<default>", "<kube-system>"]]),
        ("code=403", [["403"], ["code:"]]),
        ("flag=true", [["true"], ["flag:"]]),
        ('m="Pulling image*"', [["<Pulling image"]]),
        ("m=*scanner", [["scanner>"]]),
        ("m=alpha*charlie", [["charlie>"]]),
        ("m=*bravos*", [["bravos"]]),
        ("m=abc/abc", [["<abc"]]),
        ("m=abc*abc", [["<abc"]]),
        ("m=/abc/abc/*", [["abc"]]),
        ("m=nul*", [["nul"]]),
        ("m=*rue", [["rue"]]),
        ("m=123*", [["123"]]),
        ("m=*e404", [["e404"]]),
        ('m=*\\"privileged\\":true*', [["privileged"]]),
        ('uri="/api/v1/secrets"', [["secrets>"], ["uri:"]]),
        ("f=*", []),
        ("user.groups{}=*", [["user:"], ["groups:"]]),
        ("objectRef.resource!=pods", [["objectRef:"], ["resource:"]]),
        ("code>400", [["code:"]]),
        ("NOT verb=create", []),
        ("verb=create NOT x=y", [["<create>"], ["verb:"]]),
        ("verb=create OR NOT x=pods", []),
        ("verb=create OR x=*", []),
        ("verb=create OR code=403", [["403", "<create>"], ["code:", "verb:"]]),
        (
            "(a=alpha b=bravos) OR (a=zulu c=charlie) OR (a=victor1 b=xray)",
            [["<bravos>", "<charlie>", "<victor1>"], ["<alpha>", "<xray>", "<zulu>"]],
        ),
        ("a.spec.hostPID=true OR a.spec.hostIPC=true", [["hostIPC:", "hostPID:"], ["true"], ["spec:"]]),
        (
            "annotations.authorization.k8s.io/decision=allow",
            [["<allow>"], ["annotations:"], ["authorization:"], ["k8s:"], ["decision:"]],
        ),
        ("ip=10.0.0.0/8", []),
        ("sourceIPs{}=10.0.0.0/8", [["sourceIPs:"]]),
        ("user.*=alice", [["<alice>"], ["user:"]]),
        ('source="kubernetes" verb=get', [["<get>"], ["verb:"]]),
        ("source=kubernetes OR verb=get", []),
        ("u=é", []),
        ("u=aéroport", [["roport>"]]),
        ('a=""', []),
        ('x IN (a, "")', []),
        ("x=ab", [["<ab>"]]),
        ("x=a", []),
        ("secrets", [["secrets"]]),
        ('"a shell was spawned"', [["a shell was spawned"]]),
        ("*", []),
        ("earliest=0 verb=get", [["<get>"], ["verb:"]]),
    ],
)
def test_groups(search: str, groups: list[list[str]]) -> None:
    assert shown(search) == groups


def test_a_value_that_is_longer_than_a_pattern_may_be_ended_with_a_traceback() -> None:
    long = "a" * 100_000
    for search in (f"x={long}", f"x={long}*", f"x=*{long}", long, f"{long}=1"):
        for group in groups_of(parse_search(plain(search)).stages[0].node.clause):
            assert all(len(one.text) <= LONGEST for one in group)
    assert shown(f"x=*{long}b") == [["a" * LONGEST]]
    assert shown(f"x={long}") == [["<" + "a" * LONGEST]]
