"""The search clause: precedence, forms, refusals, and printing."""

from __future__ import annotations

import pytest

from podhawk.commands.parse import parse_search, render_pipeline
from podhawk.errors import SearchError
from podhawk.spl.clause import And, Clause, Compare, In, Not, Or, Term, TimeBound
from podhawk.spl.text import plain


def clause(text: str) -> Clause:
    parsed: Clause = parse_search(plain(text)).stages[0].node.clause
    return parsed


A, B, C = Compare("a", "=", "1"), Compare("b", "=", "2"), Compare("c", "=", "3")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a=1 b=2", And((A, B))),
        ("a=1 AND b=2 OR c=3", And((A, Or((B, C))))),
        ("a=1 OR b=2 c=3", And((Or((A, B)), C))),
        ("NOT a=1 OR b=2", Or((Not(A), B))),
        ("NOT (a=1 OR b=2)", Not(Or((A, B)))),
        ("NOT NOT a=1", Not(Not(A))),
        ("alpha or beta", And((Term("alpha"), Term("or"), Term("beta")))),
        ("a = 1", A),
        ("a==1", A),
        ('"user.groups{}"="x y"', Compare("user.groups{}", "=", "x y")),
        (r"f=*\"privileged\":true*", Compare("f", "=", '*"privileged":true*')),
        ("x/y.z-w=1", Compare("x/y.z-w", "=", "1")),
        ("ips{}!=::1", Compare("ips{}", "!=", "::1")),
        ("n>=10", Compare("n", ">=", "10")),
        ('f IN (a, b*, "c d")', In("f", ("a", "b*", "c d"))),
        ("f IN(a b)", In("f", ("a", "b"))),
        ("IN", Term("IN")),
        ("f=IN", Compare("f", "=", "IN")),
        ("user=CASE(Admin)", Compare("user", "=", "Admin", True)),
        ("TERM(10.0.0.1)", Term("10.0.0.1", "TERM")),
        ('"a phrase"', Term("a phrase", "phrase")),
        ("earliest=-1h latest=now a=1", And((TimeBound("earliest", "-1h"), TimeBound("latest", "now"), A))),
        ("url=/a?b=c", Compare("url", "=", "/a?b=c")),
        ("system:anonymous", Term("system:anonymous")),
        ("(a=1)", A),
        ("ORDER=1", Compare("ORDER", "=", "1")),
        ("NOTE", Term("NOTE")),
    ],
)
def test_tree(text: str, tree: Clause) -> None:
    assert clause(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "a=",
        "(a=1",
        "a=1)",
        "a=1 OR",
        "AND",
        "OR a",
        "NOT",
        "()",
        "f IN ()",
        "f IN (a",
        "a=1 |",
        "| |",
        'a="x',
        "[ search a=1",
        "a=1 ]",
        "TERM(x",
        "",
        "   ",
    ],
)
def test_refused_with_a_place(text: str) -> None:
    with pytest.raises(SearchError) as caught:
        parse_search(plain(text))
    assert caught.value.place is not None
    assert caught.value.place.line == 1


@pytest.mark.parametrize(
    "text",
    [
        "a=1 AND b=2 OR c=3",
        'NOT (a=1 OR b=2) c IN (x, "y z")',
        r'f=*\"x\\y* "q\"r"',
        "NOT (NOT a=1)",
        '"x y"="" CASE("a b") TERM(c)',
        'a=1 (b=2 OR (c=3 d=4)) "AND"=x',
        "path=C:\\dir*",
        'x="a\\|b"',
    ],
)
def test_printing_and_parsing_again_gives_the_same_tree(text: str) -> None:
    tree = parse_search(plain(text))
    assert parse_search(plain(render_pipeline(tree))) == tree
