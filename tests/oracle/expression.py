"""Eval expressions, once more."""

from __future__ import annotations

from typing import Any

from oracle.arithmetic import arithmetic, negated
from oracle.comparing import compare, true
from oracle.env import Env
from oracle.functions import CLOCKED, LAZY, OPEN, STRICT
from oracle.functions.choices import like, member
from oracle.regexes import NoAnswer
from oracle.subsearches import embedded
from oracle.values import measured, text
from podhawk.spl import expression as tree


def value(node: Any, row: dict[str, Any], env: Env) -> Any:
    if isinstance(node, tree.Literal):
        return measured(node.text) if node.text and not isinstance(node.value, str) else node.value
    if isinstance(node, tree.Field):
        return row.get(node.name)
    if isinstance(node, tree.Unary):
        inner = value(node.operand, row, env)
        if node.operator == "NOT":
            known = true(inner)
            return None if known is None else not known
        amount = measured(inner)
        return amount if amount is None or node.operator == "+" else negated(amount)
    if isinstance(node, tree.Membership):
        return member(value(node.value, row, env), *(value(choice, row, env) for choice in node.choices))
    if isinstance(node, tree.Call):
        return call(node, row, env)
    if isinstance(node, tree.Embedded):
        return value(embedded(env.rows_of(node.pipeline)), row, env)
    return binary(node, row, env)


def call(node: tree.Call, row: dict[str, Any], env: Env) -> Any:
    if node.name in LAZY:
        return LAZY[node.name](node.arguments, row, env, value)
    arguments = [value(argument, row, env) for argument in node.arguments]
    try:
        if node.name in OPEN:
            return OPEN[node.name](*arguments)
        if None in arguments:
            return None
        return CLOCKED[node.name](env, *arguments) if node.name in CLOCKED else STRICT[node.name](*arguments)
    except NoAnswer:
        return None


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
        return like(left, right)
    if operator == ".":
        return text(left) + text(right)
    a, b = measured(left), measured(right)
    if operator == "+":
        numeric = [
            part is not None and (isinstance(side, tree.Field) or not isinstance(given, str))
            for part, side, given in ((a, node.left, left), (b, node.right, right))
        ]
        if not any(numeric) or a is None or b is None:
            return text(left) + text(right)
    if a is None or b is None:
        return None
    return arithmetic(operator, a, b)
