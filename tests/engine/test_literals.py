"""What a line must contain before a clause can match it."""

from __future__ import annotations

import pytest

from podhawk.commands.parse import parse_search
from podhawk.engine.literals import groups_of
from podhawk.spl.text import plain


def shown(search: str) -> list[list[str]]:
    clause = parse_search(plain(search)).stages[0].node.clause
    return [sorted(f"{'<' * one.opens}{one.text}{'>' * one.closes}" for one in group) for group in groups_of(clause)]


@pytest.mark.parametrize(("search", "groups"), [
    ("verb=create", [["<create>"]]),
    ("verb=create resource=pods", [["<create>"], ["<pods>"]]),
    ("verb=create OR verb=update x=pods", [["<create>", "<update>"], ["<pods>"]]),
    ('ns IN ("default", "kube-system")', [["<default>", "<kube-system>"]]),
    ("code=403", [["403"]]),
    ("flag=true", [["true"]]),
    ("m=\"Pulling image*\"", [["Pulling image"]]),
    ("m=*\\\"privileged\\\":true*", [["privileged"]]),
    ("uri=\"/api/v1/secrets\"", [["secrets"]]),
    ("f=*", []),
    ("user.groups{}=*", [["groups"]]),
    ("objectRef.resource!=pods", [["objectRef"]]),
    ("code>400", [["code"]]),
    ("NOT verb=create", []),
    ("verb=create NOT x=y", [["<create>"]]),
    ("verb=create OR NOT x=pods", []),
    ("verb=create OR x=*", []),
    ("ip=10.0.0.0/8", []),
    ('source="kubernetes" verb=get', [["<get>"]]),
    ("source=kubernetes OR verb=get", []),
    ("u=é", []),
    ("u=aéroport", [["roport"]]),
    ("a=\"\"", []),
    ("x=ab", [["<ab>"]]),
    ("x=a", []),
    ("secrets", [["secrets"]]),
    ('"a shell was spawned"', [["a shell was spawned"]]),
    ("*", []),
    ("earliest=0 verb=get", [["<get>"]]),
])
def test_groups(search: str, groups: list[list[str]]) -> None:
    assert shown(search) == groups
