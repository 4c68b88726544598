r"""The clause of the `search` command: trees and a recursive-descent parser.

    clause  := conjunction
    conjunction := disjunction ( [AND] disjunction )*
    disjunction := negation ( OR negation )*
    negation := NOT negation | "(" clause ")" | comparison | IN | term | subsearch

OR binds tighter than AND, and AND is implied between neighbours. AND, OR and NOT are operators only in
capitals; in lower case they are words to look for. The right side of a comparison is always a literal.

Source: https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/search
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from podhawk.spl.cursor import Cursor
from podhawk.spl.placed import Placed
from podhawk.spl.text import plain, quote, unescape


class And(Struct, frozen=True):
    parts: tuple[Clause, ...]


class Or(Struct, frozen=True):
    parts: tuple[Clause, ...]


class Not(Struct, frozen=True):
    part: Clause


class Compare(Placed, frozen=True):
    """`field OP value`; `exact` is `CASE(value)`."""

    name: str
    operator: str  # = != < > <= >=
    value: str
    exact: bool = False
    at: int = 0


class In(Placed, frozen=True):
    name: str
    values: tuple[str, ...]
    at: int = 0


class Term(Placed, frozen=True):
    """A word or phrase to look for in `_raw`. `kind`: word, phrase, TERM or CASE."""

    text: str
    kind: str = "word"
    at: int = 0


class TimeBound(Placed, frozen=True):
    """`earliest=…`, `latest=…` and their older spellings. It stands where its value does."""

    name: str
    value: str
    at: int = 0


class Subsearch(Placed, frozen=True):
    """`[ … ]`: runs first; its result becomes a clause. After `name operator` it becomes the value compared with."""

    pipeline: Any
    at: int = 0
    name: str = ""
    operator: str = ""


Clause = And | Or | Not | Compare | In | Term | TimeBound | Subsearch
EVERYTHING = Term("*")
TIME_BOUNDS = frozenset(
    {
        "earliest",
        "latest",
        "starttime",
        "endtime",
        "starttimeu",
        "endtimeu",
        "startminutesago",
        "endminutesago",
        "starthoursago",
        "endhoursago",
        "startdaysago",
        "enddaysago",
        "startmonthsago",
        "endmonthsago",
    }
)
_BARE = re.compile(r'(?:\\.|[^\s()\[\]"|=<>!\\]|!(?!=))+', re.DOTALL)
_VALUE = re.compile(r'(?:\\.|[^\s()\[\]"|\\])+', re.DOTALL)
_LISTED = re.compile(r'(?:\\.|[^\s()\[\]",|\\])+', re.DOTALL)
_CALLED = re.compile(r'[^\s()\[\]"|=<>!,\\`]+\([^\s()\[\]"|]*\)(?=\s*(?:==|=|!=|<|>|IN\s*\())')
"""The name of a result such as `avg(n)` before a comparison."""
_OPERATOR = re.compile(r"\s*(==|=|!=|<=|>=|<|>)\s*")
_FUNCTION = re.compile(r"(TERM|CASE)\(")
DEPTH_LIMIT = 200

ParseSubsearch = Callable[[Cursor], Any]
Mixed = Callable[[int], None] | None
"""Told the offset of each OR that stands beside an AND without parentheses."""


def parse_clause(cursor: Cursor, subsearch: ParseSubsearch, mixed: Mixed = None) -> Clause:
    """Everything up to the end of the cursor, as one clause; nothing at all means everything."""
    if cursor.done:
        return EVERYTHING
    parsed = _conjunction(cursor, subsearch, 0, mixed)
    cursor.finish()
    return parsed


def read_clause(text: str, name: str) -> Clause:
    """A clause that stands by itself, such as a condition in a file. Raises SearchError; subsearches are refused."""

    def refuse(cursor: Cursor) -> object:
        cursor.fail("a condition cannot contain a subsearch")

    return parse_clause(Cursor(plain(text, name), 0, len(text), "search"), refuse)


def _conjunction(cursor: Cursor, subsearch: ParseSubsearch, depth: int, mixed: Mixed) -> Clause:
    ors: list[int] = []
    parts = [_disjunction(cursor, subsearch, depth, mixed, ors)]
    while not cursor.done and cursor.peek() != ")":
        at = cursor.at
        if _operator(cursor, "AND") and (cursor.done or cursor.peek() == ")"):
            raise cursor.error("AND has no right operand", at, 3)
        parts.append(_disjunction(cursor, subsearch, depth, mixed, ors))
    if len(parts) == 1:
        return parts[0]
    if mixed is not None:
        for at in ors:
            mixed(at)
    return And(tuple(parts))


def _disjunction(cursor: Cursor, subsearch: ParseSubsearch, depth: int, mixed: Mixed, ors: list[int]) -> Clause:
    """One part of a conjunction. `ors` gathers the offsets of the ORs in it that no parentheses enclose."""
    parts = [_negation(cursor, subsearch, depth, mixed)]
    at = cursor.at
    while _operator(cursor, "OR"):
        ors.append(at)
        if cursor.done or cursor.peek() == ")":
            raise cursor.error("OR has no right operand", at, 2)
        parts.append(_negation(cursor, subsearch, depth, mixed))
        at = cursor.at
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _negation(cursor: Cursor, subsearch: ParseSubsearch, depth: int, mixed: Mixed) -> Clause:
    if depth > DEPTH_LIMIT:
        cursor.fail("this clause is nested too deeply")
    at = cursor.at
    if _operator(cursor, "NOT"):
        if cursor.done:
            raise cursor.error("NOT has no operand", at, 3)
        return Not(_negation(cursor, subsearch, depth + 1, mixed))
    if cursor.peek() == "(":
        cursor.take("(")
        if cursor.peek() == ")":
            raise cursor.error(
                "empty parentheses", at, remedy="A search compares fields with literals; use where for functions."
            )
        if cursor.done:
            raise cursor.error("this ( is never closed", at, remedy="Close it with ).")
        inner = _conjunction(cursor, subsearch, depth + 1, mixed)
        if not cursor.take(")"):
            raise cursor.error("this ( is never closed", at, remedy="Close it with ).")
        return inner
    if cursor.peek() == "[":
        at = cursor.at
        return Subsearch(subsearch(cursor), at)
    return _term(cursor, subsearch)


def _word_is_next(cursor: Cursor, word: str) -> bool:
    text = cursor.source.text
    after = cursor.at + len(word)
    return (
        text.startswith(word, cursor.at)
        and after <= cursor.end
        and (after == cursor.end or text[after] in ' \t\r\n()["')
        and not _OPERATOR.match(text, after, cursor.end)
    )


def _operator(cursor: Cursor, word: str) -> bool:
    if _word_is_next(cursor, word):
        cursor.at += len(word)
        cursor.space()
        return True
    return False


def _term(cursor: Cursor, subsearch: ParseSubsearch) -> Clause:
    at = cursor.at
    for word in ("AND", "OR"):
        if _word_is_next(cursor, word):
            cursor.fail(f"{word} has no left operand", f'Write "{word}" in quotes to search for the word.')
    if cursor.peek() in ")|]":
        cursor.fail(f"unexpected {cursor.peek()!r}")
    function = cursor.looking_at(_FUNCTION)
    if function:
        return Term(_inside(cursor, function), function[1], at)
    if cursor.peek() == '"':
        text = cursor.quoted() or ""
        return _comparison(cursor, text, at, subsearch) or Term(text, "phrase", at)
    found = cursor.looking_at(_CALLED) or cursor.looking_at(_BARE)
    if not found:
        cursor.fail(f"expected a field or a term, found {cursor.peek()!r}")
    cursor.at = found.end()
    word = unescape(found[0])
    compared = _comparison(cursor, word, at, subsearch)
    if compared:
        return compared
    return Term(word, "word", at)


def _inside(cursor: Cursor, function: re.Match[str]) -> str:
    start = function.end()
    end = cursor.source.text.find(")", start, cursor.end)
    if end < 0:
        raise cursor.error(f"{function[1]}( is never closed", function.start(), remedy="Close it with ).")
    cursor.at = end + 1
    cursor.space()
    inner = cursor.source.text[start:end].strip()
    return unescape(inner[1:-1]) if len(inner) > 1 and inner[0] == inner[-1] == '"' else unescape(inner)


def _comparison(cursor: Cursor, name: str, at: int, subsearch: ParseSubsearch) -> Clause | None:
    found = cursor.looking_at(_OPERATOR)
    if not found:
        save = cursor.at
        cursor.space()
        if _word_is_next(cursor, "IN") and cursor.source.text[cursor.at + 2 : cursor.end].lstrip()[:1] == "(":
            cursor.at += 2
            cursor.space()
            return In(name, _values(cursor), at)
        cursor.at = save
        cursor.space()
        return None
    cursor.at = found.end()
    operator = "=" if found[1] == "==" else found[1]
    function = cursor.looking_at(re.compile(r"(CASE|TERM)\("))
    if function:
        return Compare(name, operator, _inside(cursor, function), function[1] == "CASE", at)
    if cursor.peek() == "[":
        return Subsearch(subsearch(cursor), at, name, operator)
    value_at = cursor.at
    if cursor.peek() == '"':
        value = cursor.quoted() or ""
    else:
        taken = cursor.looking_at(_VALUE)
        if not taken and cursor.peek() == "(":
            raise cursor.error(
                f"a comparison has one value, and {name}{operator} is followed by parentheses",
                remedy=f"Write {name} IN (a, b), or ({name}=a OR {name}=b).",
            )
        if not taken:
            raise cursor.error(
                f"{name}{operator} has no value",
                found.start(1),
                len(found[1]),
                'Write "" for the empty text, or field=* for any value.',
            )
        value = unescape(taken[0])
        cursor.at = taken.end()
        cursor.space()
    if name.lower() in TIME_BOUNDS and operator == "=":
        return TimeBound(name.lower(), value, value_at)
    return Compare(name, operator, value, False, at)


def _values(cursor: Cursor) -> tuple[str, ...]:
    opening = cursor.at
    cursor.take("(")
    found: list[str] = []
    cursor.commas()
    while True:
        if cursor.take(")"):
            if not found:
                raise cursor.error("IN ( ) contains no values", opening, remedy="Write at least one value.")
            return tuple(found)
        text = cursor.quoted()
        if text is None:
            taken = cursor.looking_at(_LISTED)
            if not taken:
                raise cursor.error("this list is never closed", opening, remedy="Close it with ).")
            text = unescape(taken[0])
            cursor.at = taken.end()
            cursor.space()
        found.append(text)
        cursor.commas()


def walk(clause: Clause) -> Iterator[Clause]:
    """The clause and everything in it, from left to right."""
    waiting = [clause]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, (And, Or)):
            waiting.extend(reversed(part.parts))
        elif isinstance(part, Not):
            waiting.append(part.part)


def fields(clause: Clause) -> frozenset[str]:
    """The fields a clause reads; a term reads `_raw`, a time bound `_time`."""
    found: set[str] = set()
    for part in walk(clause):
        if isinstance(part, (Compare, In)) or (isinstance(part, Subsearch) and part.name):
            found.add(part.name)
        elif isinstance(part, Term) and part.text != "*":
            found.add("_raw")
        elif isinstance(part, TimeBound):
            found.add("_time")
    return frozenset(found)


_PLAIN_NAME = re.compile(r"[^\s()\[\]\"|=<>!,\\`]+\Z")
_PLAIN_VALUE = re.compile(r"[^\s()\[\]\"|=<>!,\\`]+\Z")


def render(clause: Clause, subsearch: Callable[[Any], str], inside: str = "") -> str:
    """The clause as SPL; parsing it again gives the same tree."""
    match clause:
        case And(parts=parts):
            text = " ".join(render(part, subsearch, "and") for part in parts)
            return f"({text})" if inside else text
        case Or(parts=parts):
            text = " OR ".join(render(part, subsearch, "or") for part in parts)
            return f"({text})" if inside in ("or", "not") else text
        case Not(part=part):
            return f"NOT {render(part, subsearch, 'not')}"
        case Compare(name=name, operator=operator, value=value, exact=exact):
            shown = f"CASE({quote(value)})" if exact else _shown(value)
            return f"{_named(name)}{operator}{shown}"
        case In(name=name, values=values):
            return f"{_named(name)} IN ({', '.join(_shown(value) for value in values)})"
        case Term(text=text, kind="word"):
            return re.sub(r'(["\\])', r"\\\1", text)
        case Term(text=text, kind="phrase"):
            return quote(text)
        case Term(text=text, kind=kind):
            return f"{kind}({quote(text)})"
        case TimeBound(name=name, value=value):
            return f"{name}={_shown(value)}"
        case Subsearch(pipeline=pipeline, name=name, operator=operator):
            return f"{_named(name) if name else ''}{operator}[ {subsearch(pipeline)} ]"


def _named(name: str) -> str:
    return name if _PLAIN_NAME.match(name) and name not in ("AND", "OR", "NOT") else quote(name)


def _shown(value: str) -> str:
    return value if _PLAIN_VALUE.match(value) else quote(value)
