"""Aggregate plans that only ever gain rows while a window fills: thresholds on counts.

Such a plan need not wait for its schedule: it fires in the minute in which the threshold is passed.
"""

from __future__ import annotations

from typing import Final

from podhawk.commands.declare import Kind
from podhawk.commands.eval import Eval
from podhawk.commands.rename import Rename
from podhawk.commands.search import Search
from podhawk.commands.stats import Stats
from podhawk.commands.where import Where
from podhawk.engine.plan.planner import Plan
from podhawk.rows.values import as_number
from podhawk.spl import clause as spl
from podhawk.spl.expression import Binary, Expression, Field, Literal

GROWING: Final = frozenset({"count", "c", "dc", "distinct_count", "sum", "max"})
_PASSES: Final = frozenset({"table", "fields", "convert", "fieldformat", "fillnull", "sort"})


def is_monotone(plan: Plan) -> bool:
    """Whether more events can only add rows: `stats`, then renames, evals and filters `growing result > constant`."""
    if plan.reducer is None or not isinstance(plan.reducer.node, Stats):
        return False
    growing = {item.name for item in plan.reducer.node.items if item.function in GROWING}
    for stage in plan.rest:
        node = stage.node
        if isinstance(node, Rename):
            growing |= {new for old, new in node.pairs if old in growing}
        elif isinstance(node, Search):
            if not _clause_grows(node.clause, growing):
                return False
        elif isinstance(node, Where):
            if not _expression_grows(node.expression, growing):
                return False
        elif isinstance(node, Eval):
            growing -= set(stage.command.columns(node, ()) or ())
        elif stage.kind is not Kind.PER_EVENT and stage.name not in _PASSES:
            return False
    return True


def _clause_grows(clause: spl.Clause, growing: set[str]) -> bool:
    match clause:
        case spl.And(parts=parts) | spl.Or(parts=parts):
            return all(_clause_grows(part, growing) for part in parts)
        case spl.Compare(name=name, operator=operator, value=value):
            return name in growing and operator in (">", ">=") and as_number(value) is not None
        case _:
            return False


def _expression_grows(tree: Expression, growing: set[str]) -> bool:
    if not isinstance(tree, Binary):
        return False
    if tree.operator in ("AND", "OR"):
        return _expression_grows(tree.left, growing) and _expression_grows(tree.right, growing)
    match tree.operator, tree.left, tree.right:
        case (">" | ">=", Field(name=name), Literal(value=value)) | (
            "<" | "<=",
            Literal(value=value),
            Field(name=name),
        ):
            return name in growing and not isinstance(value, str)
        case _:
            return False
