"""Subsearches in clauses and expressions, once more: they run first, and their rows take their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from oracle.env import Env, Refused, Rows
from oracle.values import many, number
from podhawk.spl import clause as tree
from podhawk.spl.clause import parse_clause
from podhawk.spl.cursor import Cursor
from podhawk.spl.expression import Embedded, Expression, parse_expression
from podhawk.spl.text import plain

BARE = ("search", "query")
NEVER = tree.Not(tree.EVERYTHING)


def subsearches_in(node: Any) -> Iterator[Any]:
    """The subsearches in the clauses and expressions of a command; what a command runs at its own time is none."""
    if isinstance(node, tree.Subsearch | Embedded):
        yield node
    elif isinstance(node, tuple | list):
        for part in node:
            yield from subsearches_in(part)
    elif isinstance(node, Struct) and not hasattr(node, "stages"):
        for name in node.__struct_fields__:
            yield from subsearches_in(getattr(node, name))


def quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def clause_of(words: str) -> tree.Clause:
    return parse_clause(Cursor(plain(words), 0, len(words)), lambda cursor: None)


def resolved(clause: Any, env: Env) -> Any:
    """The clause without subsearches; None where they have left nothing of it."""
    if isinstance(clause, tree.And | tree.Or):
        parts = [part for inner in clause.parts if (part := resolved(inner, env)) is not None]
        return None if not parts else parts[0] if len(parts) == 1 else type(clause)(tuple(parts))
    if isinstance(clause, tree.Not):
        inner = resolved(clause.part, env)
        return None if inner is None else tree.Not(inner)
    if not isinstance(clause, tree.Subsearch):
        return clause
    rows = env.rows_of(clause.pipeline)
    if clause.name:
        words = replacement(rows)
        return (
            clause_of(f"{quoted(clause.name)}{clause.operator}{words}")
            if words
            else tree.Compare(clause.name, clause.operator, "")
        )
    return of_rows(rows)


def of_rows(rows: Rows) -> Any:
    """Fields of a row joined by AND, rows by OR, values of a field by OR."""
    found: list[Any] = []
    empty = False
    for row in rows:
        parts: list[Any] = []
        for name, given in row.items():
            if name in BARE:
                inner = [clause_of(value) for value in many(given) if value.strip()]
                empty = empty or not inner
            elif name in ("earliest", "latest"):
                inner = [tree.TimeBound(name, value) for value in many(given)]
            else:
                inner = [] if name.startswith("_") else [tree.Compare(name, "=", value) for value in many(given)]
            parts += [inner[0] if len(inner) == 1 else tree.Or(tuple(inner))] if inner else []
        if parts:
            found.append(tree.And(tuple(parts)))
    return tree.Or(tuple(found)) if found else None if empty else NEVER


def replacement(rows: Rows) -> str:
    """The text that takes the place of a subsearch: what return and format made, else what format would make."""
    if len(rows) == 1 and len(rows[0]) == 1 and next(iter(rows[0])) in BARE:
        return " ".join(many(next(iter(rows[0].values())))).strip()
    return formatted(rows, ("(", "(", "AND", ")", "OR", ")"), "OR", 0, "NOT( )")


def formatted(rows: Rows, wrapping: Any, between: str, most: int, empty: str) -> str:
    before, opening, both, closing, either, after = wrapping
    made: list[str] = []
    for row in rows:
        parts: list[str] = []
        for name in sorted(row):
            if not name.startswith("_"):
                values = many(row[name])
                words = values if name in BARE else [f"{name}={quoted(value)}" for value in values]
                parts.append(words[0] if len(words) == 1 else f"( {f' {between} '.join(words)} )")
        if parts and (not most or len(made) < most):
            made.append(joined(opening, f" {both} ".join(parts), closing))
    return joined(before, f" {either} ".join(made), after) if made else empty


def joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def embedded(rows: Rows) -> Expression:
    words = replacement(rows)
    if not words:
        raise Refused("an empty subsearch")
    return parse_expression(Cursor(plain(words), 0, len(words)))


def shown_in(template: str, mark: str, value: str, start: int) -> str:
    """A value in the place of a mark: escaped inside double quotes, quoted elsewhere unless it is a number."""
    inside = template[:start].replace('\\"', "").count('"') % 2 == 1
    if inside:
        return value.replace("\\", "\\\\").replace('"', '\\"')
    return value if number(value) is not None else quoted(value)
