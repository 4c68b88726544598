"""Eval expressions, once more. Functions are podhawk's own declarations; operators are written again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from oracle.values import many, number, text
from podhawk.functions.declare import Env
from podhawk.functions.registry import FUNCTIONS
from podhawk.rows import Row
from podhawk.spl import expression as tree
from podhawk.spl.text import SearchText

NOWHERE = SearchText("", "", ())


def value(node: Any, row: dict[str, Any], env: Env) -> Any:
    if isinstance(node, tree.Literal):
        return node.value
    if isinstance(node, tree.Field):
        return row.get(node.name)
    if isinstance(node, tree.Unary):
        inner = value(node.operand, row, env)
        if node.operator == "NOT":
            known = true(inner)
            return None if known is None else not known
        amount = number(inner)
        return amount if amount is None or node.operator == "+" else -amount
    if isinstance(node, tree.Membership):
        first = value(node.value, row, env)
        if first is None:
            return None
        return any(compare("=", first, value(choice, row, env)) is True for choice in node.choices)
    if isinstance(node, tree.Call):
        return call(node, row, env)
    return binary(node, row, env)


def call(node: tree.Call, row: dict[str, Any], env: Env) -> Any:
    function = FUNCTIONS[node.name]
    if function.build is not None:
        closures = [lambda given, argument=argument: value(argument, given, env) for argument in node.arguments]
        return function.build(node.arguments, closures, env, NOWHERE)(Row(row))
    arguments = [value(argument, row, env) for argument in node.arguments]
    if not function.takes_null and None in arguments:
        return None
    assert function.run is not None
    return function.run(*([env] if function.needs_env else []), *arguments)


def true(result: Any) -> bool | None:
    if result is None or isinstance(result, bool):
        return result
    amount = number(result)
    return amount != 0 if amount is not None else isinstance(result, str) and result.lower() in ("true", "t")


def compare(operator: str, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    if isinstance(left, tuple) or isinstance(right, tuple):
        return any(compare(operator, a, b) is True for a in many(left) for b in many(right))
    a: Any = number(left)
    b: Any = number(right)
    if a is None or b is None:
        a, b = text(left), text(right)
    return {"=": a == b, "!=": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[operator]


def binary(node: tree.Binary, row: dict[str, Any], env: Env) -> Any:
    operator = node.operator
    left, right = value(node.left, row, env), value(node.right, row, env)
    if operator in ("AND", "OR", "XOR"):
        a, b = true(left), true(right)
        if operator == "AND":
            return False if a is False or b is False else None if None in (a, b) else True
        if operator == "OR":
            return True if a is True or b is True else None if None in (a, b) else False
        return None if None in (a, b) else a != b
    if operator in ("=", "!=", "<", ">", "<=", ">="):
        return compare(operator, left, right)
    if left is None or right is None:
        return None
    if operator == "LIKE":
        like = FUNCTIONS["like"].run
        assert like is not None
        return like(env, left, right)
    if operator == ".":
        return joined(left) + joined(right)
    a, b = number(left), number(right)
    if operator == "+":
        numeric = [
            part is not None and (isinstance(side, tree.Field) or not isinstance(given, str))
            for part, side, given in ((a, node.left, left), (b, node.right, right))
        ]
        if not any(numeric) or a is None or b is None:
            return joined(left) + joined(right)
    if a is None or b is None:
        return None
    return arithmetic(operator, a, b)


def joined(given: Any) -> str:
    return "\n".join(given) if isinstance(given, tuple) else text(given)


def arithmetic(operator: str, a: Any, b: Any) -> Any:
    if operator == "+":
        return tidy(Decimal(repr(a)) + Decimal(repr(b)), a, b)
    if operator == "-":
        return tidy(Decimal(repr(a)) - Decimal(repr(b)), a, b)
    if isinstance(a, float) or isinstance(b, float):
        raise NotImplementedError("products of decimals follow the precision rule, which this reading leaves out")
    if operator == "*":
        return tidy(Decimal(a) * Decimal(b), a, b)
    if b == 0:
        return None
    if operator == "/":
        return a // b if isinstance(a, int) and isinstance(b, int) and a % b == 0 else a / b
    return a - b * int(a / b)


def tidy(exact: Decimal, a: Any, b: Any) -> Any:
    whole = isinstance(a, int) and isinstance(b, int) and abs(exact) <= 2**53
    return int(exact) if whole else float(exact)
