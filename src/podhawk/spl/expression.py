"""Eval expressions: trees and the parser that makes them.

A Pratt parser: every operator has a binding power, and `parse(power)` reads everything that binds
tighter. From loose to tight: XOR, OR, AND, NOT, comparisons (also LIKE and IN), `+ - .`, `* / %`,
unary minus. AND binds tighter than OR here, the reverse of the search command.

`!` is another spelling of NOT. A subsearch in square brackets may stand for an operand.

A bare word is a field, double quotes make a string, single quotes a field of any name. A dot between
two bare names is the concatenation operator, not part of a name: `user.username` is `user . username`.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/eval
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from podhawk.spl.cursor import Cursor
from podhawk.spl.foreign import operator_remedy
from podhawk.spl.placed import Placed
from podhawk.spl.text import plain, quote, skip_quoted, unescape


class Literal(Placed, frozen=True):
    """A string or a number; `text` is how a number was spelled (its digits decide precision)."""

    value: str | int | float
    text: str = ""
    at: int = 0


class Field(Placed, frozen=True):
    name: str
    at: int = 0


class Unary(Placed, frozen=True):
    operator: str  # "-", "+", "NOT"
    operand: Expression
    at: int = 0


class Binary(Placed, frozen=True):
    operator: str  # + - * / % . = != < > <= >= AND OR XOR LIKE
    left: Expression
    right: Expression
    at: int = 0


class Membership(Placed, frozen=True):
    """`value IN (a, b, …)`."""

    value: Expression
    choices: tuple[Expression, ...]
    at: int = 0


class Embedded(Placed, frozen=True):
    """`[ … ]`: a subsearch that runs first; the text that it returns takes its place. `text` is what was written."""

    pipeline: Any
    text: str = ""
    at: int = 0

    UNSAID: ClassVar[frozenset[str]] = Placed.UNSAID | {"text"}


class Call(Placed, frozen=True):
    name: str
    arguments: tuple[Expression, ...]
    at: int = 0
    length: int = 1


Expression = Literal | Field | Unary | Binary | Membership | Call | Embedded

_POWER = {
    "XOR": 1,
    "OR": 2,
    "AND": 3,
    "=": 5,
    "!=": 5,
    "<": 5,
    ">": 5,
    "<=": 5,
    ">=": 5,
    "LIKE": 5,
    "IN": 5,
    "+": 6,
    "-": 6,
    ".": 6,
    "*": 7,
    "/": 7,
    "%": 7,
}
_NOT_POWER = 4
_UNARY_POWER = 8
_NUMBER = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z_])")
_START = r"[^\x00-@\[-^`{-\x7f]"  # letters, _, all beyond ASCII: by what it is not, for that compiles ten times faster
_NAME = re.compile(rf"(?:{_START}|\d+[A-Za-z_])[\w:@#$]*(?:\{{\}})*")
_OPERATOR = re.compile(r"==|!=|<>|<=|>=|[-+*/%.=<>]")
_WORD_OPERATOR = re.compile(r"(AND|OR|XOR|LIKE|IN|NOT)(?![\w:])", re.IGNORECASE)
DEPTH_LIMIT = 200
MOST_DIGITS = 308
"""Digits of a whole number. Larger numbers are beyond what arithmetic on numbers with a fraction can hold."""


def parse_expression(cursor: Cursor, power: int = 0, depth: int = 0) -> Expression:
    """Read one expression as far as operators of more than `power` reach."""
    if depth > DEPTH_LIMIT:
        cursor.fail("this expression is nested too deeply")
    left = _prefix(cursor, depth)
    while True:
        foreign = operator_remedy(cursor.source.text, cursor.at, cursor.end) if not cursor.done else None
        if foreign is not None:
            raise cursor.error(f"unexpected {foreign[0]!r}", length=len(foreign[0]), remedy=foreign[1])
        operator, size = _next_operator(cursor)
        if not operator or _POWER[operator] <= power:
            return left
        at = cursor.at
        cursor.at += size
        cursor.space()
        if operator == "IN":
            left = Membership(left, _arguments(cursor, depth), at)
        else:
            left = Binary(operator, left, parse_expression(cursor, _POWER[operator], depth + 1), at)


def _next_operator(cursor: Cursor) -> tuple[str, int]:
    found = cursor.looking_at(_WORD_OPERATOR)
    if found:
        name = found[1].upper()
        return ("", 0) if name == "NOT" else (name, found.end() - cursor.at)
    found = cursor.looking_at(_OPERATOR)
    if not found:
        return "", 0
    name = {"==": "=", "<>": "!="}.get(found[0], found[0])
    return name, len(found[0])


def _prefix(cursor: Cursor, depth: int) -> Expression:
    at = cursor.at
    char = cursor.peek()
    if cursor.done:
        cursor.fail("expected an expression, found the end of the search")
    if char == "(":
        cursor.take("(")
        inner = parse_expression(cursor, 0, depth + 1)
        if not cursor.take(")"):
            raise cursor.error("this ( is never closed", at, remedy="Close it with ).")
        return inner
    if char == '"':
        end = skip_quoted(cursor.source.text, at)
        if end < 0 or end > cursor.end:
            cursor.fail("this double quote is never closed")
        cursor.at = end
        cursor.space()
        return Literal(unescape(cursor.source.text[at + 1 : end - 1]), at=at)
    if char == "'":
        return _quoted_field(cursor)
    if char == "[" and cursor.subsearch is not None:
        pipeline = cursor.subsearch(cursor)
        return Embedded(pipeline, cursor.source.text[at : cursor.at].strip(), at)
    if char == "!" and cursor.peek(2) != "!=":
        cursor.take("!")
        return Unary("NOT", parse_expression(cursor, _NOT_POWER, depth + 1), at)
    if char in "+-":
        cursor.take(char)
        return Unary(char, parse_expression(cursor, _UNARY_POWER, depth + 1), at)
    number = cursor.looking_at(_NUMBER)
    if number:
        cursor.at = number.end()
        cursor.space()
        text = number[0]
        if len(text) > MOST_DIGITS:
            raise cursor.error(f"this number has more than {MOST_DIGITS} digits", at, len(text))
        return Literal(int(text) if text.isdigit() else float(text), text, at)
    word = cursor.looking_at(_WORD_OPERATOR)
    if word and word[1].upper() == "NOT":
        cursor.at = word.end()
        cursor.space()
        return Unary("NOT", parse_expression(cursor, _NOT_POWER, depth + 1), at)
    name = cursor.looking_at(_NAME)
    if not name:
        texts = "A text stands in double quotes." if char in "%*/\\." else ""
        cursor.fail(f"expected a field, a value or a function, found {char!r}", texts)
    cursor.at = name.end()
    cursor.space()
    if cursor.peek() == "(":
        return Call(name[0].lower(), _arguments(cursor, depth), at, len(name[0]))
    return Field(name[0], at)


def _quoted_field(cursor: Cursor) -> Field:
    at = cursor.at
    end = cursor.source.text.find("'", at + 1, cursor.end)
    if end < 0:
        cursor.fail("this single quote is never closed", "Single quotes enclose field names.")
    cursor.at = end + 1
    cursor.space()
    return Field(cursor.source.text[at + 1 : end], at)


def _arguments(cursor: Cursor, depth: int) -> tuple[Expression, ...]:
    opening = cursor.at
    if not cursor.take("("):
        cursor.fail("expected (")
    found: list[Expression] = []
    if cursor.take(")"):
        return ()
    while True:
        found.append(parse_expression(cursor, 0, depth + 1))
        if cursor.take(")"):
            return tuple(found)
        if not cursor.comma():
            if cursor.done:
                raise cursor.error("this ( is never closed", opening, remedy="Close it with ).")
            cursor.fail(f"expected , or ), found {cursor.peek()!r}")


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and everything in it, each part before its own parts. Long chains take no recursion."""
    left = [expression]
    while left:
        part = left.pop()
        yield part
        match part:
            case Unary(operand=inner):
                left.append(inner)
            case Binary(left=first, right=second):
                left += (second, first)
            case Membership(value=value, choices=choices):
                left += (*reversed(choices), value)
            case Call(arguments=arguments):
                left += reversed(arguments)


def start(expression: Expression) -> int:
    """The offset at which an expression begins."""
    while isinstance(expression, Binary | Membership):
        expression = expression.left if isinstance(expression, Binary) else expression.value
    return expression.at


def chain(expression: Binary) -> tuple[Expression, list[Binary]]:
    """The leftmost operand of a chain such as `a + b + c`, and its operators from the inside outwards."""
    nodes = [expression]
    while isinstance(nodes[-1].left, Binary):
        nodes.append(nodes[-1].left)
    return nodes[-1].left, nodes[::-1]


def fields(expression: Expression) -> frozenset[str]:
    """The names of all fields that an expression reads, those of a search inside `searchmatch("…")` included."""
    found: set[str] = set()
    for part in walk(expression):
        if isinstance(part, Field):
            found.add(part.name)
        elif isinstance(part, Call) and part.name == "searchmatch":
            found |= _searched(part)
    return frozenset(found)


def _searched(call: Call) -> frozenset[str]:
    from podhawk.spl import clause

    def refuse(cursor: Cursor) -> object:
        cursor.fail("searchmatch() cannot contain a subsearch")

    if len(call.arguments) != 1 or not isinstance(call.arguments[0], Literal):
        return frozenset({"_raw"})
    text = str(call.arguments[0].value)
    return clause.fields(clause.parse_clause(Cursor(plain(text), 0, len(text)), refuse))


_BARE = re.compile(rf"{_START}[\w:@#$]*(?:\{{\}})*\Z")
_KEYWORDS = frozenset({"and", "or", "xor", "not", "like", "in"})


def render(expression: Expression, power: int = 0) -> str:
    """The expression as SPL; parsing it again gives the same tree."""
    match expression:
        case Embedded(text=text):
            return text
        case Literal(value=str() as value):
            return quote(value)
        case Literal(value=value, text=text):
            return text or repr(value)
        case Field(name=name):
            return name if _BARE.match(name) and name.lower() not in _KEYWORDS else f"'{name}'"
        case Unary(operator="NOT", operand=operand):
            return _wrapped(f"NOT {render(operand, _NOT_POWER)}", _NOT_POWER, power)
        case Unary(operator=operator, operand=operand):
            return f"{operator}{render(operand, _UNARY_POWER)}"
        case Binary():
            first, nodes = chain(expression)
            powers = [_POWER[node.operator] for node in nodes]
            around = [*(own - 1 for own in powers[1:]), power]
            parts, opened = [render(first, powers[0] - 1)], 0
            for node, own, outer in zip(nodes, powers, around, strict=True):
                parts.append(f" {node.operator} {render(node.right, own)}")
                if own <= outer:
                    opened += 1
                    parts.append(")")
            return "(" * opened + "".join(parts)
        case Membership(value=value, choices=choices):
            listed = ", ".join(render(choice) for choice in choices)
            return _wrapped(f"{render(value, 4)} IN ({listed})", 5, power)
        case Call(name=name, arguments=arguments):
            return f"{name}({', '.join(render(argument) for argument in arguments)})"


def _wrapped(text: str, own: int, around: int) -> str:
    return f"({text})" if own <= around else text
