"""Eval expressions: precedence, forms, refusals, and printing."""

from __future__ import annotations

import pytest

from podhawk.errors import SearchError
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Binary, Call, Expression, Field, Literal, Membership, Unary, parse_expression, render
from podhawk.spl.text import plain


def parse(text: str) -> Expression:
    cursor = Cursor(plain(text), 0, len(text))
    tree = parse_expression(cursor)
    cursor.finish()
    return tree


A, B, C = Field("a"), Field("b"), Field("c")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a OR b AND c", Binary("OR", A, Binary("AND", B, C))),
        ("a xor b or c", Binary("XOR", A, Binary("OR", B, C))),
        ("NOT a=b", Unary("NOT", Binary("=", A, B))),
        ("not a AND b", Binary("AND", Unary("NOT", A), B)),
        ("a+b*c", Binary("+", A, Binary("*", B, C))),
        ("a-b-c", Binary("-", Binary("-", A, B), C)),
        ("-a*b", Binary("*", Unary("-", A), B)),
        ("user.username", Binary(".", Field("user"), Field("username"))),
        ("'user.username'", Field("user.username")),
        ("1 . 2", Binary(".", Literal(1, "1"), Literal(2, "2"))),
        ("1.5", Literal(1.5, "1.5")),
        ('"a\\"b\\s"', Literal('a"b\\s')),
        ("a==b", Binary("=", A, B)),
        ("a<>b", Binary("!=", A, B)),
        ("a IN (b, 1)", Membership(A, (B, Literal(1, "1")))),
        ('a LIKE "x%"', Binary("LIKE", A, Literal("x%"))),
        ("If(a, b, c)", Call("if", (A, B, C))),
        ("null()", Call("null", ())),
        ("(a OR b) AND c", Binary("AND", Binary("OR", A, B), C)),
        ("stdev:x", Field("stdev:x")),
        ("groups{}", Field("groups{}")),
        ("5xx", Field("5xx")),
    ],
)
def test_tree(text: str, tree: Expression) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    "text",
    ["", "a +", "(a", "f(a", "f(a,", "a b", "'open", '"open', "a IN b", "* a", "a = ", "(" * 500 + "a" + ")" * 500],
)
def test_refused(text: str) -> None:
    with pytest.raises(SearchError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a OR b AND NOT c",
        "(a OR b) AND c",
        "a-(b-c)",
        "a-b-c",
        "-(a+b)",
        "- -a",
        "NOT (a AND b)",
        "(NOT a)=b",
        '\'x y\'."s\\\\t\\""',
        "f(a, g(1.50), \"x\") IN (1, 'in')",
        "(a=b)=c",
        "a=(b=c)",
        "'not' LIKE \"%\"",
        "(a IN (b)) IN (c)",
    ],
)
def test_printing_and_parsing_again_gives_the_same_tree(text: str) -> None:
    assert parse(render(parse(text))) == parse(text)
