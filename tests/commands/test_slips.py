"""Searches that are valid and most likely meant otherwise get a hint, at the right place; usual ones get none."""

from __future__ import annotations

import pytest

from podhawk.commands.declare import Slip
from podhawk.commands.parse import parse_search
from podhawk.commands.registry import SUPPORTED
from podhawk.spl.text import plain


def slips(search: str) -> list[Slip]:
    return [slip for stage in parse_search(plain(search)).stages for slip in stage.command.slips(stage.node)]


@pytest.mark.parametrize(
    ("search", "at", "said"),
    [
        ("verb=get and user=bob", "and", "AND"),
        ("verb=get or verb=list", "or", "OR"),
        ("not verb=get", "not", "NOT"),
        ('verb=get user:"bob"', "user:", 'user="…"'),
        ("user='bob'", "user", 'user="bob"'),
        ("* | where user='bob'", "'bob'", '"bob"'),
        ("* | eval x=if(user='bob', 1, 0)", "'bob'", '"bob"'),
        ("* | stats count(*) by user", "count", "count counts rows"),
        ("verb=get && user=bob", "&&", "AND"),
        ("!user=bob", "!user", "NOT user"),
        ("user IN bob", "IN", "IN (a, b)"),
        ("user NOT IN (bob)", "IN", "NOT before the field"),
        ("* | search verb=get and user=bob", "and", "AND"),
    ],
)
def test_a_slip_has_its_hint(search: str, at: str, said: str) -> None:
    (slip,) = slips(search)
    assert search.startswith(at, slip.at)
    assert said in slip.message


@pytest.mark.parametrize(
    "search",
    [
        'verb=get AND "and"',
        "system:masters system:serviceaccount:kube-system:x",
        "* | where 'user.username'='actor.name'",
        '* | where user="bob" AND name=owner',
        "* | stats count count(user)",
    ],
)
def test_what_is_meant_has_none(search: str) -> None:
    assert slips(search) == []


def test_no_example_has_a_slip() -> None:
    assert [one.search for command in SUPPORTED for one in command.examples if slips(one.search)] == []
